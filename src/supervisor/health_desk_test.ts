import assert from "node:assert/strict";
import { parseConfig } from "../config/parse_config.ts";
import { SERVER_STATES } from "../health/server_state.ts";
import * as metric from "../metrics/metric_names.ts";
import { serverOffset } from "../metrics/shared_state.ts";
import { CONNECT_STREAK } from "../upstream/server_board.ts";
import { regionBytes, type RegionShape, SharedRegion } from "../upstream/shared_region.ts";
import { HealthDesk } from "./health_desk.ts";
import { ServerAddresses } from "./server_addresses.ts";
import type { ServerCommand } from "./server_command.ts";

/** Two backends: numbers of servers go through both. */
const TWO_BACKENDS = `
  web: { servers: [{ name: w1, address: "10.0.0.1:1" }, { name: w2, address: "10.0.0.2:1" }] }
  app:
    servers: [{ name: a1, address: "10.0.0.3:1" }, { name: a2, address: "10.0.0.4:1" }]
    outlier_detection: { errors: 3, eject: 20s, max_ejected: 50% }
`;
const APP = 1;

/** A desk over counters that a test sets; time is what the test says, from now on. */
class Desk {
  readonly desk: HealthDesk;
  readonly region: SharedRegion;
  readonly logged: string[] = [];
  nowMs = performance.now();
  readonly #waiting = new Map<RegExp, () => void>();
  readonly #counts: readonly number[];

  constructor(backends: string, zone = "") {
    const text = `
${zone}
listeners: { in: { bind: ":80", backend: app } }
backends: ${backends}
`;
    const { config, diagnostics } = parseConfig(text, "f", {});
    assert.ok(config !== null, JSON.stringify(diagnostics));
    this.#counts = config.backends.map(({ servers }) => servers.length);
    const shape: RegionShape = {
      ...{ workers: 2, listeners: 1, servers: this.#counts.reduce((sum, each) => sum + each, 0) },
      ...{ backends: this.#counts.length, lines: this.#counts.length },
      ...{ countsClients: false, ratesClients: [false], learnsQuic: false },
    };
    this.region = new SharedRegion(new ArrayBuffer(regionBytes(shape)), shape);
    const addresses = new ServerAddresses(config, () => {}, () => {});
    this.desk = new HealthDesk(config, this.region, {
      targetOf: (server) => addresses.targets[server],
      lookUp: (name) => Promise.reject(new Error(`no ${name}`)),
      log: (level, line) => this.#log(`${level} ${line}`),
    });
  }

  #log(line: string): void {
    this.logged.push(line);
    for (const [wanted, tell] of this.#waiting) if (wanted.test(line)) tell();
  }

  /** Settles with the next line like this. */
  async untilLogged(wanted: RegExp): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(wanted, resolve);
    await promise;
    this.#waiting.delete(wanted);
  }

  look(afterMs = 100): void {
    this.nowMs += afterMs;
    this.desk.observe(this.nowMs);
  }

  numberOf(backend: number, server: number): number {
    return this.#counts.slice(0, backend).reduce((sum, each) => sum + each, 0) + server;
  }

  /** Connects that fail in a row. */
  failConnects(backend: number, server: number, times: number): void {
    const { state, board } = this.region;
    const number = this.numberOf(backend, server);
    state.rows[1][serverOffset(state.shape, number) + metric.SERVER_CONNECT_FAILURES] += times;
    board.cells[board.streaksAt(number) + CONNECT_STREAK] += times;
  }

  command(backend: number, server: number, command: ServerCommand): void {
    const number = this.numberOf(backend, server);
    this.desk.command({ kind: "found", backend, server, number }, command);
  }

  /** On the board, of all servers. */
  states(): string {
    const { board, state } = this.region;
    const all = Array.from({ length: state.shape.servers }, (_, server) => board.state(server));
    return all.map((number) => SERVER_STATES[number]).join(" ");
  }

  events(): string[] {
    return this.desk.events.toArray().map(({ backend, server, from, to, reason }) =>
      `${backend}/${server} ${from} -> ${to}: ${reason}`
    );
  }

  report(backend: number, server: number) {
    return this.desk.reports()[backend].servers[server];
  }
}

// ---- What workers count ---------------------------------------------------------------------

Deno.test("at the start all are up, with nothing said and nothing to tell", () => {
  const desk = new Desk(TWO_BACKENDS);
  desk.look();
  desk.look(60_000);
  assert.equal(desk.states(), "up up up up");
  assert.deepEqual([desk.events(), desk.logged], [[], []]);
  const { sinceMs, ...report } = desk.report(APP, 0);
  assert.deepEqual(report, {
    ...{ state: "up", reason: "", weight: 1, share: 1, isOverridden: false },
    ...{ probe: null, agent: null, ejections: 0 },
  });
  assert.ok(Math.abs(sinceMs - Date.now()) < 60_000, "as of the clock on the wall");
});

Deno.test("an ejection is on the board, in the log and an event, and so is its end", () => {
  const desk = new Desk(TWO_BACKENDS);
  desk.look();
  desk.failConnects(APP, 1, 3);
  desk.look();
  assert.equal(desk.states(), "up up up ejected");
  assert.deepEqual(desk.events(), [
    "app/a2 up -> ejected: 3 connects in a row failed: left out for 20s",
  ]);
  assert.deepEqual(desk.logged, [
    'warn server "a2" of backend "app" is ejected: 3 connects in a row failed: left out for 20s',
  ]);
  const { state, reason, ejections } = desk.report(APP, 1);
  assert.deepEqual([state, ejections], ["ejected", 1]);
  assert.equal(reason, "3 connects in a row failed: left out for 20s");
  desk.look(19_900);
  assert.equal(desk.states(), "up up up ejected");
  desk.look();
  assert.equal(desk.states(), "up up up up");
  assert.deepEqual(desk.events().slice(1), ["app/a2 ejected -> up: its ejection has ended"]);
  assert.equal(
    desk.logged.at(-1),
    'info server "a2" of backend "app" is up: its ejection has ended',
  );
  assert.equal(desk.report(APP, 1).ejections, 1, "it is remembered");
});

Deno.test("a server is ejected in its own backend's way, if there is another", () => {
  const desk = new Desk(TWO_BACKENDS);
  desk.look();
  desk.failConnects(0, 0, 3);
  desk.failConnects(APP, 0, 9);
  desk.failConnects(APP, 1, 9);
  desk.look();
  assert.equal(desk.states(), "up up ejected up", "of web it takes five, of app one has to stay");
});

Deno.test("the circuit breaker is news of the backend, and is reported", () => {
  const desk = new Desk(`
  app:
    servers: [10.0.0.1:1, 10.0.0.2:1]
    outlier_detection: false
    circuit_breaker: { connections: 4, open: 5s, trials: 1 }`);
  assert.equal(desk.desk.reports()[0].breaker, "closed");
  desk.look();
  desk.failConnects(0, 0, 4);
  desk.look();
  assert.equal(desk.desk.reports()[0].breaker, "open");
  desk.look(5000);
  assert.equal(desk.desk.reports()[0].breaker, "half_open");
  const { state } = desk.region;
  state.rows[0][serverOffset(state.shape, 1) + metric.SERVER_CONNECTIONS]++;
  desk.look();
  assert.equal(desk.desk.reports()[0].breaker, "closed");
  assert.deepEqual(desk.events(), [
    "app/ breaker closed -> breaker open: 4 of 4 connects failed within 10s",
    "app/ breaker open -> breaker half open: 1 trial after 5s open",
    "app/ breaker half open -> breaker closed: the trial succeeded",
  ]);
  assert.deepEqual(desk.logged, [
    'warn backend "app": breaker open: 4 of 4 connects failed within 10s',
    'info backend "app": breaker half open: 1 trial after 5s open',
    'info backend "app": breaker closed: the trial succeeded',
  ]);
  assert.equal(new Desk(TWO_BACKENDS).desk.reports()[0].breaker, null);
});

// ---- What operators say ---------------------------------------------------------------------

Deno.test("a command is on the board at once, and is told", () => {
  const desk = new Desk(TWO_BACKENDS);
  desk.command(APP, 0, { kind: "maint" });
  assert.equal(desk.states(), "up up maint up");
  desk.command(0, 1, { kind: "drain", deadlineMs: null });
  assert.equal(desk.states(), "up drain maint up");
  assert.deepEqual([desk.report(APP, 0).isOverridden, desk.report(APP, 1).isOverridden], [
    true,
    false,
  ]);
  desk.command(APP, 0, { kind: "ready" });
  desk.command(0, 1, { kind: "ready" });
  assert.equal(desk.states(), "up up up up");
  assert.deepEqual(desk.events(), [
    "app/a1 up -> maint: set to maint by operator",
    "web/w2 up -> drain: drained by operator",
    "app/a1 maint -> up: set to ready by operator",
    "web/w2 drain -> up: set to ready by operator",
  ]);
  assert.equal(
    desk.logged[0],
    'info server "a1" of backend "app" is maint: set to maint by operator',
  );
});

Deno.test("a command that changes nothing is no news", () => {
  const desk = new Desk(TWO_BACKENDS);
  const { revision } = desk.region.board;
  desk.command(APP, 0, { kind: "ready" });
  desk.command(APP, 0, { kind: "weight", weight: 1 });
  assert.deepEqual([desk.events(), desk.logged], [[], []]);
  assert.equal(desk.region.board.revision, revision);
});

Deno.test("a weight that is set is in force at once, reported and told", () => {
  const desk = new Desk(TWO_BACKENDS);
  desk.command(APP, 1, { kind: "weight", weight: 200 });
  assert.equal(desk.region.board.weight(3, 77), 200);
  assert.equal(desk.region.board.weight(0, 77), 1, "of other backends as configured");
  const { weight, isOverridden, state } = desk.report(APP, 1);
  assert.deepEqual([weight, isOverridden, state], [200, true, "up"]);
  assert.deepEqual(desk.events(), ["app/a2 weight 1 -> weight 200: set by operator"]);
  desk.command(APP, 1, { kind: "weight", weight: 1 });
  assert.equal(desk.report(APP, 1).isOverridden, false, "it is as configured again");
});

Deno.test("at the deadline of a drain what is still open is closed", () => {
  const desk = new Desk(TWO_BACKENDS);
  desk.command(APP, 0, { kind: "drain", deadlineMs: 5000 });
  desk.look(4000);
  assert.equal(desk.region.board.closings(2), 0);
  desk.look(1500);
  assert.deepEqual([0, 1, 2, 3].map((i) => desk.region.board.closings(i)), [0, 0, 1, 0]);
  assert.equal(desk.events().length, 1, "the state has not changed");
});

Deno.test("an operator who takes the last server is told what that means", () => {
  const desk = new Desk(TWO_BACKENDS);
  desk.command(APP, 0, { kind: "maint" });
  assert.ok(!desk.logged.some((line) => line.startsWith("error")));
  desk.command(APP, 1, { kind: "drain", deadlineMs: null });
  desk.look();
  assert.match(desk.logged.at(-1)!, /^error backend "app": nobody available: .* refused$/);
  assert.match(desk.events().at(-1)!, /^app\/ available -> nobody available/);
});

Deno.test("an ejection ends when an operator takes the others", () => {
  const desk = new Desk(TWO_BACKENDS);
  desk.look();
  desk.failConnects(APP, 0, 3);
  desk.look();
  assert.equal(desk.states(), "up up ejected up");
  desk.command(APP, 1, { kind: "maint" });
  assert.equal(desk.states(), "up up up maint");
});

Deno.test("of very many events the newest are kept", () => {
  const desk = new Desk(TWO_BACKENDS);
  const { capacity } = desk.desk.events;
  for (let i = 0; i < capacity; i++) {
    desk.command(APP, 0, { kind: "maint" });
    desk.command(APP, 0, { kind: "ready" });
  }
  assert.equal(desk.desk.events.length, capacity);
  assert.equal(desk.desk.events.total, 2 * capacity);
  assert.match(desk.events().at(-1)!, /maint -> up/);
});

// ---- What checks find -----------------------------------------------------------------------

/** A server on loopback that takes connections and closes them. */
function listen(port = 0): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  (async () => {
    for await (const connection of listener) connection.close();
  })();
  return listener;
}

const QUICK = "interval: 200ms, fast_interval: 20ms, timeout: 200ms, rise: 1, fall: 1";

Deno.test("a server that probes find closed is down until they find it open again", async () => {
  const [server, other] = [listen(), listen()];
  const { port } = server.addr;
  server.close();
  const desk = new Desk(`
  app:
    servers:
    - { name: a, address: "127.0.0.1:${port}" }
    - { name: b, address: "127.0.0.1:${other.addr.port}" }
    health_check: { tcp: true, ${QUICK} }`);
  desk.desk.start();
  await desk.untilLogged(/"a" .* is down/);
  const { state, reason, probe } = desk.report(0, 0);
  assert.equal(state, "down");
  assert.match(reason, /^1 of 1 probe failed: .*ECONNREFUSED/);
  assert.equal(probe!.isOk, false);
  assert.match(probe!.text, /ECONNREFUSED/);
  assert.match(desk.events()[0], /^app\/a up -> down: 1 of 1 probe failed: /);
  assert.match(desk.logged[0], /^warn server "a" of backend "app" is down: 1 of 1 probe failed: /);
  const isUp = desk.untilLogged(/"a" .* is up: 1 of 1 probe succeeded/);
  const again = listen(port);
  assert.match(desk.states(), /^down/);
  await isUp;
  await desk.desk.stop();
  assert.match(desk.states(), /^up/);
  assert.equal(desk.report(0, 0).probe!.isOk, true);
  for (const each of [again, other]) each.close();
});

Deno.test("a server that agrees with what is held of it is no news, but is reported", async () => {
  const server = listen();
  const desk = new Desk(`
  app: { servers: ["127.0.0.1:${server.addr.port}", "127.0.0.1:1"],
    health_check: { tcp: true, fall: 1 } }`);
  desk.desk.start();
  await desk.untilLogged(/127.0.0.1:1" .* is down/);
  await desk.desk.stop();
  server.close();
  assert.equal(desk.states(), "up down");
  assert.equal(desk.events().length, 1);
});

Deno.test("an agent is heard: its drain, its weight, and that it is ready again", async () => {
  const words = ["drain 50%\n", "ready\n", "nonsense\n"];
  const agent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const told = (async () => {
    for await (const connection of agent) {
      await connection.write(new TextEncoder().encode(words[0])).catch(() => {});
      connection.close();
    }
  })();
  const desk = new Desk(`
  app: { servers: [{ name: a, address: "127.0.0.1:1" }, "127.0.0.1:2"],
    agent_check: { port: ${agent.addr.port}, interval: 200ms, timeout: 200ms } }`);
  desk.desk.start();
  await desk.untilLogged(/"a" .* is drain/);
  assert.match(desk.states(), /^drain/);
  assert.equal(desk.report(0, 0).share, 0.5);
  assert.equal(desk.region.board.share(0), 128);
  words.shift();
  await desk.untilLogged(/"a" .* is up/);
  assert.equal(desk.region.board.share(0), 128, "which it has not taken back");
  assert.equal(desk.report(0, 0).agent?.isOk, true);
  await desk.desk.stop();
  agent.close();
  await told;
});

Deno.test("it can be stopped while checks run, again, and when it never began", async () => {
  const desk = new Desk(`
  app: { servers: ["127.0.0.1:1", "127.0.0.1:2"], health_check: { tcp: true } }`);
  await desk.desk.stop();
  desk.desk.start();
  await desk.desk.stop();
  await desk.desk.stop();
  assert.equal(desk.states(), "up up", "a probe that is broken off says nothing");
  assert.deepEqual(desk.logged, []);
});

// ---- Zones ----------------------------------------------------------------------------------

Deno.test("servers of other zones are not those whose share is moved to who joined", () => {
  const desk = new Desk(
    `
  app: { rebalance: { budget: 100%/s }, servers: [
    { name: here, address: "10.0.0.1:1", zone: a },
    { name: abroad, address: "10.0.0.2:1", zone: b } ] }`,
    "zone: a",
  );
  const { state, board } = desk.region;
  desk.command(0, 0, { kind: "maint" });
  desk.look();
  state.rows[0][serverOffset(state.shape, 1) + metric.SERVER_OPEN] = 100;
  desk.command(0, 0, { kind: "ready" });
  for (let i = 0; i < 50; i++) desk.look();
  assert.equal(board.moves(0, 1), 0, "abroad takes nothing new, so it is left alone");
  assert.equal(desk.states(), "up up");
});
