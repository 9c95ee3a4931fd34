import assert from "node:assert/strict";
import { parseAgentLine } from "./agent_line.ts";
import { BackendHealth, type HealthRules } from "./backend_health.ts";
import type { ServerCounters } from "./ejection.ts";
import { SHARE_FULL } from "./slow_start.ts";

const RULES: HealthRules = {
  ejection: { errors: 5, windowMs: 10_000, ejectMs: 10_000, ejectMsMax: 300_000, ejectedMax: 0.5 },
  slowStartMs: 0,
  closesOnDown: false,
  initial: "up",
};

/** A backend with what workers count, as the supervisor would keep it. */
class Bench {
  readonly health: BackendHealth;
  readonly counters: ServerCounters;
  nowMs = 1000;

  constructor(count: number, rules: Partial<HealthRules> = {}, backups: readonly number[] = []) {
    const servers = Array.from({ length: count }, (_, server) => ({
      name: `s${server}`,
      weight: 100,
      backup: backups.includes(server),
    }));
    this.health = new BackendHealth(servers, { ...RULES, ...rules }, this.nowMs);
    this.counters = {
      connectFailures: new Float64Array(count),
      resets: new Float64Array(count),
      open: new Float64Array(count),
      connectStreak: new Float64Array(count),
      resetStreak: new Float64Array(count),
    };
    this.observe();
  }

  observe(): void {
    this.health.observe(this.counters, this.nowMs);
    for (const server of this.health.takeClearedStreaks()) {
      this.counters.connectStreak[server] = 0;
      this.counters.resetStreak[server] = 0;
    }
  }

  /** Lets time pass and observes every 100 ms. */
  wait(ms: number): void {
    for (let passed = 0; passed < ms; passed += 100) {
      this.nowMs += 100;
      this.observe();
    }
  }

  failConnects(server: number, count = 5): void {
    this.counters.connectFailures[server] += count;
    this.counters.connectStreak[server] += count;
    this.wait(100);
  }

  probe(server: number, isUp: boolean, reason = "the probe's reason"): void {
    this.health.onProbe(server, isUp, reason, this.nowMs);
  }

  agent(server: number, line: string): void {
    this.health.onAgent(server, parseAgentLine(line)!, this.nowMs);
  }

  command(server: number, kind: "drain" | "maint" | "ready", deadlineMs: number | null = null) {
    const command = kind === "drain" ? { kind, deadlineMs } : { kind };
    this.health.command(server, command, this.nowMs);
  }

  get states(): string {
    return Array.from({ length: this.health.count }, (_, i) => this.health.state(i)).join(" ");
  }
}

Deno.test("at first all are up, without a reason and an event, and have their full share", () => {
  const { health } = new Bench(2);
  assert.deepEqual([health.state(1), health.reason(1), health.sinceMs(1)], ["up", "", 1000]);
  assert.deepEqual([health.weight(1), health.share(1), health.closings(1)], [100, SHARE_FULL, 0]);
  assert.deepEqual([health.revision, health.ejections(1), health.isOverridden(1)], [0, 0, false]);
  assert.deepEqual(health.takeEvents(), []);
});

Deno.test("where servers are down at first a good verdict lets them in, at full share", () => {
  const bench = new Bench(2, { initial: "down", slowStartMs: 60_000 });
  assert.equal(bench.states, "down down");
  bench.probe(0, true);
  bench.probe(1, false);
  assert.equal(bench.states, "up down");
  assert.equal(bench.health.share(0), SHARE_FULL);
  bench.probe(1, true);
  assert.ok(bench.health.share(1) < SHARE_FULL, "it was seen to fail before");
});

Deno.test("a probe's verdict takes a server down and up, with reason, time and event", () => {
  const bench = new Bench(2);
  const { health } = bench;
  bench.probe(1, false, "3 of 3 probes failed: timeout");
  assert.deepEqual([health.state(1), health.reason(1)], ["down", "3 of 3 probes failed: timeout"]);
  bench.wait(500);
  bench.probe(1, true, "2 of 2 probes passed");
  assert.deepEqual([health.state(1), health.reason(1)], ["up", "2 of 2 probes passed"]);
  assert.equal(health.sinceMs(1), bench.nowMs);
  assert.deepEqual(health.takeEvents(), [
    {
      server: 1,
      from: "up",
      to: "down",
      reason: "3 of 3 probes failed: timeout",
      nowMs: bench.nowMs - 500,
    },
    { server: 1, from: "down", to: "up", reason: "2 of 2 probes passed", nowMs: bench.nowMs },
  ]);
  assert.deepEqual(health.takeEvents(), [], "taken");
});

Deno.test("the revision grows with what workers choose by, and with nothing else", () => {
  const bench = new Bench(2);
  const { health } = bench;
  const grows = (act: () => void) => {
    const before = health.revision;
    act();
    return health.revision > before;
  };
  assert.ok(grows(() => bench.probe(0, false)), "state");
  assert.ok(!grows(() => bench.probe(0, false, "another reason")), "reason");
  assert.ok(!grows(() => bench.wait(1000)), "time");
  assert.ok(grows(() => bench.agent(1, "50%\n")), "share");
  assert.ok(!grows(() => bench.agent(1, "50%\n")), "the same share");
  assert.ok(grows(() => health.command(1, { kind: "weight", weight: 5 }, bench.nowMs)), "weight");
  assert.ok(grows(() => bench.command(1, "drain", 300)), "drain");
  assert.ok(grows(() => bench.wait(300)), "the deadline of a drain");
});

Deno.test("errors in a row eject a server for some time", () => {
  const bench = new Bench(2);
  const { health } = bench;
  bench.failConnects(0);
  assert.equal(bench.states, "ejected up");
  assert.equal(health.reason(0), "5 connects in a row failed: left out for 10s");
  bench.wait(9900);
  assert.equal(bench.states, "ejected up");
  bench.wait(100);
  assert.equal(bench.states, "up up");
  assert.equal(health.reason(0), "its ejection has ended");
  assert.equal(health.ejections(0), 1);
  assert.equal(bench.counters.connectStreak[0], 0, "the row was cleared");
});

Deno.test("an ejected server comes back slowly", () => {
  const bench = new Bench(2, { slowStartMs: 10_000 });
  bench.failConnects(0);
  bench.wait(10_000);
  const shares = [0, 1, 2, 3, 4].map(() => {
    const share = bench.health.share(0);
    bench.wait(2500);
    return share;
  });
  assert.deepEqual(shares, [25, 64, 128, 192, 256]);
});

Deno.test("who fails again at once is out for twice as long, who has behaved is not", () => {
  const bench = new Bench(2);
  bench.failConnects(0);
  bench.wait(10_000);
  bench.failConnects(0);
  bench.wait(19_900);
  assert.equal(bench.states, "ejected up");
  bench.wait(100 + 20_000);
  bench.failConnects(0);
  bench.wait(10_000);
  assert.equal(bench.states, "up up");
  assert.equal(bench.health.ejections(0), 3);
});

Deno.test("without rules of ejection no errors eject", () => {
  const bench = new Bench(2, { ejection: null });
  bench.failConnects(0, 1000);
  assert.equal(bench.states, "up up");
});

Deno.test("a server alone, and one without anybody to take over, is not ejected", () => {
  const alone = new Bench(1);
  alone.failConnects(0, 100);
  assert.equal(alone.states, "up");
  const last = new Bench(3);
  last.probe(1, false);
  last.command(2, "drain");
  last.failConnects(0, 100);
  assert.equal(last.states, "up down drain");
  last.probe(1, true);
  last.failConnects(0, 1);
  assert.equal(last.states, "ejected up drain", "now somebody can");
});

Deno.test("the last ejected server is let back in when the others go down", () => {
  const bench = new Bench(2);
  bench.failConnects(0);
  bench.health.takeEvents();
  bench.probe(1, false);
  assert.equal(bench.states, "up down");
  const events = bench.health.takeEvents().map(({ server, from, to }) => [server, from, to]);
  assert.deepEqual(events, [[1, "up", "down"], [0, "ejected", "up"]]);
});

Deno.test("an ejected server is let back in when the others lose all their weight", () => {
  for (const act of ["operator", "agent"]) {
    const bench = new Bench(2);
    bench.failConnects(0);
    if (act === "agent") bench.agent(1, "0%\n");
    else bench.health.command(1, { kind: "weight", weight: 0 }, bench.nowMs);
    assert.equal(bench.states, "up up", act);
  }
});

Deno.test("no more than a share of the servers is ejected, the worst of them", () => {
  const bench = new Bench(4);
  for (let server = 0; server < 4; server++) {
    bench.counters.connectFailures[server] = 10 + server;
    bench.counters.connectStreak[server] = 10 + server;
  }
  bench.wait(100);
  assert.equal(bench.states, "up up ejected ejected");
  bench.command(0, "drain");
  bench.command(1, "drain");
  assert.equal(bench.states, "drain drain up ejected", "two are in use, so one may be ejected");
});

Deno.test("errors alone never bring a backup into use", () => {
  const bench = new Bench(2, {}, [1]);
  bench.failConnects(0, 100);
  assert.equal(bench.states, "up up");
});

Deno.test("an ejected server may go down; a probe that finds it up again ends both", () => {
  const bench = new Bench(2);
  bench.failConnects(0);
  bench.probe(0, false);
  assert.equal(bench.states, "down up");
  bench.wait(200);
  bench.probe(0, true);
  assert.equal(bench.states, "up up");
  bench.wait(200);
  assert.equal(bench.states, "up up");
});

Deno.test("an agent that says up after down ends an ejection like a probe", () => {
  const bench = new Bench(2);
  bench.failConnects(0);
  bench.agent(0, "down\n");
  bench.agent(0, "up\n");
  assert.equal(bench.states, "up up");
});

Deno.test("a probe and an agent that have only ever said up end no ejection", () => {
  const bench = new Bench(2);
  bench.failConnects(0);
  bench.probe(0, true);
  bench.agent(0, "up ready\n");
  assert.equal(bench.states, "ejected up");
});

Deno.test("errors from before a server went down do not eject it when it is back", () => {
  const bench = new Bench(2);
  bench.probe(0, false);
  bench.failConnects(0, 50);
  bench.probe(0, true);
  bench.wait(500);
  assert.equal(bench.states, "up up");
  assert.equal(bench.counters.connectStreak[0], 0);
});

Deno.test("an agent's words are in force until it takes them back", () => {
  const bench = new Bench(2);
  bench.agent(0, "drain\n");
  assert.deepEqual([bench.states, bench.health.reason(0)], ["drain up", "agent says drain"]);
  bench.agent(0, "up 50%\n");
  assert.equal(bench.states, "drain up", "only ready ends a drain");
  assert.equal(bench.health.share(0), 128);
  bench.agent(0, "ready\n");
  assert.equal(bench.states, "up up");
  bench.agent(0, "down#disk full\n");
  assert.deepEqual([bench.states, bench.health.reason(0)], [
    "down up",
    "agent says down: disk full",
  ]);
  bench.agent(0, "ready 100%\n");
  assert.equal(bench.states, "down up", "ready is not up");
  bench.agent(0, "up\n");
  assert.equal(bench.states, "up up");
  assert.equal(bench.health.share(0), SHARE_FULL);
});

Deno.test("an agent's health is remembered behind its own drain", () => {
  const bench = new Bench(2);
  bench.agent(0, "down\n");
  bench.agent(0, "up maint\n");
  assert.equal(bench.states, "maint up");
  bench.agent(0, "ready\n");
  assert.equal(bench.states, "up up");
});

Deno.test("a server is up only when probes and agent both say so", () => {
  const bench = new Bench(2);
  bench.probe(0, false);
  bench.agent(0, "up\n");
  assert.equal(bench.states, "down up");
  bench.agent(0, "down\n");
  bench.probe(0, true);
  assert.deepEqual([bench.states, bench.health.reason(0)], ["down up", "agent says down"]);
  bench.agent(0, "up\n");
  assert.equal(bench.states, "up up");
});

Deno.test("only an agent that says zero percent gets a share of zero", () => {
  const bench = new Bench(2, { slowStartMs: 600_000 });
  bench.probe(0, false);
  bench.probe(0, true);
  bench.agent(0, "1%\n");
  assert.equal(bench.health.share(0), 1);
  bench.agent(0, "0%\n");
  assert.deepEqual([bench.health.share(0), bench.health.state(0)], [0, "up"]);
});

Deno.test("an operator's maint and drain count before all else, and end with ready", () => {
  const bench = new Bench(2);
  bench.agent(0, "maint\n");
  bench.command(0, "drain");
  assert.deepEqual([bench.states, bench.health.reason(0)], ["drain up", "drained by operator"]);
  assert.ok(bench.health.isOverridden(0));
  bench.command(0, "maint");
  assert.equal(bench.states, "maint up");
  bench.command(0, "ready");
  assert.deepEqual([bench.states, bench.health.reason(0)], ["maint up", "agent says maint"]);
  assert.ok(!bench.health.isOverridden(0));
});

Deno.test("ready ends an ejection", () => {
  const bench = new Bench(2);
  bench.failConnects(0);
  bench.command(0, "ready");
  bench.wait(500);
  assert.equal(bench.states, "up up");
});

Deno.test("an operator's weight stays in force until another is set", () => {
  const bench = new Bench(2);
  const { health } = bench;
  health.command(0, { kind: "weight", weight: 256 }, bench.nowMs);
  bench.command(0, "drain");
  bench.command(0, "ready");
  assert.deepEqual([health.weight(0), health.isOverridden(0)], [256, true]);
  assert.deepEqual([health.share(0), bench.states], [SHARE_FULL, "up up"]);
  health.command(0, { kind: "weight", weight: 100 }, bench.nowMs);
  assert.ok(!health.isOverridden(0));
});

Deno.test("what is open is closed once at the deadline of a drain", () => {
  const bench = new Bench(2);
  bench.command(0, "drain", 1000);
  bench.wait(900);
  assert.equal(bench.health.closings(0), 0);
  bench.wait(5000);
  assert.equal(bench.health.closings(0), 1);
  assert.equal(bench.states, "drain up");
});

Deno.test("a drain without a deadline, one that was ended and maint close nothing", () => {
  const bench = new Bench(3);
  bench.command(0, "drain");
  bench.command(1, "drain", 1000);
  bench.command(2, "drain", 1000);
  bench.wait(500);
  bench.command(1, "ready");
  bench.command(2, "maint");
  bench.wait(5000);
  assert.deepEqual([0, 1, 2].map((server) => bench.health.closings(server)), [0, 0, 0]);
});

Deno.test("another drain puts another deadline in place of the first", () => {
  const bench = new Bench(2);
  bench.command(0, "drain", 1000);
  bench.command(0, "drain", 3000);
  bench.wait(2900);
  assert.equal(bench.health.closings(0), 0);
  bench.wait(100);
  assert.equal(bench.health.closings(0), 1);
});

Deno.test("a machine that slept finds ejections, drains and slow starts over", () => {
  const bench = new Bench(4, { slowStartMs: 60_000 });
  bench.failConnects(0);
  bench.command(1, "drain", 3_600_000);
  bench.probe(2, false);
  bench.probe(2, true);
  bench.nowMs += 100 * 3_600_000;
  bench.observe();
  assert.equal(bench.states, "up drain up up");
  assert.equal(bench.health.closings(1), 1);
  assert.equal(bench.health.share(2), SHARE_FULL);
});

Deno.test("time that a machine slept while a server was ejected does not make up for it", () => {
  const bench = new Bench(2);
  bench.failConnects(0);
  bench.nowMs += 100 * 3_600_000;
  bench.observe();
  bench.failConnects(0);
  assert.equal(bench.health.reason(0), "5 connects in a row failed: left out for 20s");
});

Deno.test("a clock that is set back holds nothing up and brings nothing back", () => {
  const bench = new Bench(2);
  bench.failConnects(0);
  bench.nowMs -= 1000;
  bench.observe();
  bench.probe(1, false);
  assert.ok(bench.health.sinceMs(1) > bench.nowMs);
  bench.wait(12_000);
  assert.equal(bench.health.state(0), "up");
});

Deno.test("events that nobody takes give way to newer ones", () => {
  const bench = new Bench(2);
  for (let i = 0; i < 1000; i++) bench.probe(0, i % 2 === 1, `${i}`);
  const events = bench.health.takeEvents();
  assert.ok(events.length <= 2 * 16);
  assert.equal(events.at(-1)?.reason, "999");
});
