import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAgentLine } from "./agent_line.ts";
import { BackendHealth, type HealthCommand, type HealthRules } from "./backend_health.ts";
import type { ServerCounters } from "./ejection.ts";
import { isTakenOut, type ServerState } from "./server_state.ts";

/** What is said to a backend; all is about one server but that time passes. */
interface Step {
  readonly afterMs: number;
  readonly server: number;
  readonly word:
    | { readonly kind: "probe"; readonly isUp: boolean }
    | { readonly kind: "agent"; readonly line: string }
    | { readonly kind: "command"; readonly command: HealthCommand }
    | { readonly kind: "connects" | "resets"; readonly count: number }
    | { readonly kind: "answers" | "nothing" };
}

const SERVERS_MAX = 6;

const weight = fc.constantFrom(0, 1, 100, 256);
const word: fc.Arbitrary<Step["word"]> = fc.oneof(
  fc.record({ kind: fc.constant("probe" as const), isUp: fc.boolean() }),
  fc.record({
    kind: fc.constant("agent" as const),
    line: fc.constantFrom("up", "down", "drain", "maint", "ready", "up ready 100%", "0%", "7%"),
  }),
  fc.record({
    kind: fc.constant("command" as const),
    command: fc.oneof(
      fc.constantFrom<HealthCommand>(
        { kind: "drain", deadlineMs: null },
        { kind: "drain", deadlineMs: 700 },
        { kind: "maint" },
        { kind: "ready" },
        { kind: "ready" },
      ),
      fc.record({ kind: fc.constant("weight" as const), weight }),
    ),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("connects" as const, "resets" as const),
      count: fc.nat(9),
    }),
  },
  fc.record({ kind: fc.constantFrom("answers" as const, "nothing" as const) }),
);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    afterMs: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(0, 100, 1000) },
      { weight: 1, arbitrary: fc.constantFrom(10_000, 3_600_000) },
    ),
    server: fc.nat(SERVERS_MAX - 1),
    word,
  }),
  // As long as that, not only as the default of sizes would have them.
  { maxLength: 60, size: "max" },
);
const rules: fc.Arbitrary<HealthRules> = fc.record({
  ejection: fc.record({
    errors: fc.integer({ min: 1, max: 5 }),
    windowMs: fc.constantFrom(1000, 10_000),
    ejectMs: fc.constantFrom(500, 5000),
    ejectMsMax: fc.constantFrom(400, 20_000),
    ejectedMax: fc.constantFrom(0, 0.1, 0.34, 0.5, 1),
  }),
  slowStartMs: fc.constantFrom(0, 5000),
  closesOnDown: fc.boolean(),
  initial: fc.constantFrom("up" as const, "down" as const),
});
const servers = fc.array(fc.record({ name: fc.constant("s"), weight, backup: fc.boolean() }), {
  minLength: 1,
  maxLength: SERVERS_MAX,
});

interface Run {
  readonly health: BackendHealth;
  readonly indices: readonly number[];
  readonly isBackup: readonly boolean[];
  readonly rules: HealthRules;
  readonly counters: ServerCounters;
}

/** Plays any steps against any backend; `check` is called after each word that comes in. */
function playAll(check: (run: Run, step: Step) => void): void {
  fc.assert(
    fc.property(servers, rules, steps, (servers, rules, steps) => {
      const makeRow = () => new Float64Array(servers.length);
      const run: Run = {
        health: new BackendHealth(servers, rules, 0),
        indices: servers.map((_, server) => server),
        isBackup: servers.map(({ backup }) => backup),
        rules,
        counters: {
          connectFailures: makeRow(),
          resets: makeRow(),
          open: makeRow(),
          connectStreak: makeRow(),
          resetStreak: makeRow(),
        },
      };
      run.health.observe(run.counters, 0);
      let nowMs = 0;
      for (const step of steps) {
        nowMs += step.afterMs;
        const server = step.server % servers.length;
        say(run, { ...step, server }, nowMs);
        check(run, { ...step, server });
        run.health.observe(run.counters, nowMs);
        for (const server of run.health.takeClearedStreaks()) {
          run.counters.connectStreak[server] = 0;
          run.counters.resetStreak[server] = 0;
        }
        check(run, { ...step, server, word: { kind: "nothing" } });
      }
    }),
    { seed: 1, numRuns: 400 },
  );
}

function say({ health, counters }: Run, { server, word }: Step, nowMs: number): void {
  switch (word.kind) {
    case "probe":
      return health.onProbe(server, word.isUp, "probe", nowMs);
    case "agent":
      return health.onAgent(server, parseAgentLine(word.line)!, nowMs);
    case "command":
      return health.command(server, word.command, nowMs);
    case "connects":
      counters.connectFailures[server] += word.count;
      counters.connectStreak[server] += word.count;
      return;
    case "resets":
      counters.resets[server] += word.count;
      counters.resetStreak[server] += word.count;
      return;
    case "answers":
      counters.connectStreak[server] = 0;
      counters.resetStreak[server] = 0;
  }
}

Deno.test("whatever happens, ejection alone never leaves a backend without a server", () => {
  let ejections = 0;
  playAll(({ health, indices, isBackup }) => {
    const gets = (server: number) => health.weight(server) > 0 && health.share(server) > 0;
    const isRegular = (server: number) => !isBackup[server] || isBackup.every((backup) => backup);
    const ejected = indices.filter((server) => health.state(server) === "ejected");
    const up = indices.filter((server) => health.state(server) === "up");
    if (ejected.length > 0) assert.ok(up.length > 0);
    if (ejected.some(gets)) assert.ok(up.some(gets));
    const canServe = (server: number) => isRegular(server) && gets(server);
    if (ejected.some(canServe)) assert.ok(up.some(canServe));
    ejections += ejected.length;
  });
  assert.ok(ejections > 100, `${ejections} is too few for this to have shown anything`);
});

Deno.test("whatever happens, no more servers are ejected than the rules allow", () => {
  playAll(({ health, indices, rules }) => {
    const states = indices.map((server) => health.state(server));
    const inUse = states.filter((state) => !isTakenOut(state)).length;
    const ejected = states.filter((state) => state === "ejected").length;
    assert.ok(ejected <= rules.ejection!.ejectedMax * inUse + 1e-6);
  });
});

Deno.test("whatever happens, states follow from what was said last, by precedence", () => {
  const said = new WeakMap<BackendHealth, Map<number, Partial<Record<string, ServerState>>>>();
  playAll(({ health, indices, rules }, { server, word }) => {
    if (!said.has(health)) {
      const initial = rules.initial === "down" ? { probe: "down" as const } : {};
      said.set(health, new Map(indices.map((server) => [server, { ...initial }])));
    }
    const words = said.get(health)!.get(server)!;
    if (word.kind === "probe") words.probe = word.isUp ? "up" : "down";
    if (word.kind === "agent") {
      const first = word.line.split(" ")[0];
      if (first === "up" || first === "down") words.health = first;
      if (first === "drain" || first === "maint") words.agent = first;
      if (word.line.includes("ready")) words.agent = "up";
    }
    if (word.kind === "command" && word.command.kind !== "weight") {
      words.operator = word.command.kind === "ready" ? "up" : word.command.kind;
    }
    for (const [server, words] of said.get(health)!) {
      const order = [words.operator, words.agent, words.probe, words.health];
      const expected = order.find((state) => state !== undefined && state !== "up");
      const state = health.state(server);
      if (expected === undefined) assert.ok(state === "up" || state === "ejected", state);
      else assert.equal(state, expected);
    }
  });
});

Deno.test("whatever happens, the events of a server form a chain that ends at its state", () => {
  const lasts = new WeakMap<BackendHealth, { states: ServerState[]; nowMs: number }>();
  playAll(({ health, indices, rules }) => {
    if (!lasts.has(health)) {
      lasts.set(health, { states: indices.map(() => rules.initial), nowMs: 0 });
    }
    const last = lasts.get(health)!;
    for (const { server, from, to, reason, nowMs } of health.takeEvents()) {
      assert.equal(from, last.states[server]);
      assert.notEqual(from, to);
      assert.ok(nowMs >= last.nowMs);
      assert.notEqual(reason, "", `${from} to ${to}`);
      last.states[server] = to;
      last.nowMs = nowMs;
    }
    assert.deepEqual(indices.map((server) => health.state(server)), last.states);
  });
});

Deno.test("whatever happens, workers are told of each change, and counts only grow", () => {
  const lasts = new WeakMap<BackendHealth, { revision: number; told: number[][] }>();
  playAll(({ health, indices }) => {
    const told = indices.map((server) => [
      health.closings(server),
      health.ejections(server),
      health.weight(server),
      health.share(server),
      ["up", "down", "ejected", "drain", "maint"].indexOf(health.state(server)),
    ]);
    const last = lasts.get(health);
    if (last !== undefined) {
      const isSame = JSON.stringify(told) === JSON.stringify(last.told);
      assert.equal(health.revision > last.revision, !isSame);
      for (const server of indices) {
        assert.ok(told[server][0] >= last.told[server][0]);
        assert.ok(told[server][1] >= last.told[server][1]);
      }
    }
    lasts.set(health, { revision: health.revision, told });
  });
});

Deno.test("whatever happens, a share is whole, in bounds, and grows while its server is up", () => {
  const lasts = new WeakMap<BackendHealth, { shares: number[]; states: ServerState[] }>();
  playAll(({ health, indices }, { server: spoken, word }) => {
    const shares = indices.map((server) => health.share(server));
    const states = indices.map((server) => health.state(server));
    const last = lasts.get(health);
    for (const server of indices) {
      const share = shares[server];
      assert.ok(Number.isInteger(share) && share >= 0 && share <= 256);
      if (last?.states[server] !== "up" || states[server] !== "up") continue;
      // An agent may take back what it gave.
      if (server === spoken && word.kind === "agent") continue;
      assert.ok(share >= last.shares[server]);
    }
    lasts.set(health, { shares, states });
  });
});
