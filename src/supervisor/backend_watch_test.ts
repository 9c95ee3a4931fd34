import assert from "node:assert/strict";
import type { BackendConfig } from "../config/config.ts";
import { parseConfig } from "../config/parse_config.ts";
import { BREAKER_CLOSED, BREAKER_HALF_OPEN, BREAKER_OPEN } from "../health/circuit_breaker.ts";
import { SERVER_STATES } from "../health/server_state.ts";
import * as metric from "../metrics/metric_names.ts";
import { backendOffset, serverOffset } from "../metrics/shared_state.ts";
import { CONNECT_STREAK, RESET_STREAK } from "../upstream/server_board.ts";
import { regionBytes, type RegionShape, SharedRegion } from "../upstream/shared_region.ts";
import { BackendWatch } from "./backend_watch.ts";

const NOON_MS = 1_000_000;
/** How often a watch looks. */
const LOOK_MS = 100;
/** Servers of the backend before this one. */
const BEFORE = 3;
const BACKEND = 1;

function parseBackend(servers: string, keys: string): BackendConfig {
  const text = `
listeners: { web: { bind: ":80", backend: app } }
backends: { app: { servers: ${servers}, ${keys} } }
`;
  const { config, diagnostics } = parseConfig(text, "f", {});
  assert.ok(config !== null, JSON.stringify(diagnostics));
  return config.backends[0];
}

/** The second backend of two, watched over counters that a test sets. */
class Stage {
  readonly watch: BackendWatch;
  readonly region: SharedRegion;
  readonly count: number;
  /** Servers whose names do not resolve. */
  readonly unknown = new Set<number>();
  nowMs = NOON_MS;

  constructor(servers: string, keys = "", workers = 2) {
    const config = parseBackend(servers, keys);
    this.count = config.servers.length;
    const shape: RegionShape = {
      ...{ workers, listeners: 1, servers: BEFORE + this.count, backends: 2, lines: 2 },
      ...{ countsClients: false, ratesClients: [false], learnsQuic: false },
    };
    this.region = new SharedRegion(new ArrayBuffer(regionBytes(shape)), shape);
    this.watch = new BackendWatch(
      config,
      {
        ...{ backend: BACKEND, firstServer: BEFORE },
        isForeignZone: config.servers.map(() => false),
        isKnown: (server) => !this.unknown.has(server - BEFORE),
      },
      this.region,
      this.nowMs,
    );
    this.watch.publish();
    this.watch.observe(this.nowMs);
  }

  get board() {
    return this.region.board;
  }

  /** Looks as often as it does in `ms`; what has changed of the backend meanwhile. */
  pass(ms: number): string[] {
    const changes: string[] = [];
    for (let left = ms; left > 0; left -= LOOK_MS) {
      this.nowMs += Math.min(left, LOOK_MS);
      for (const { from, to, reason } of this.watch.observe(this.nowMs)) {
        changes.push(`${from} -> ${to}: ${reason}`);
      }
    }
    return changes;
  }

  add(server: number, which: number, by: number, worker = 0): void {
    const at = serverOffset(this.region.state.shape, BEFORE + server) + which;
    this.region.state.rows[worker][at] += by;
  }

  addToBackend(which: number, by: number, worker = 0): void {
    this.region.state.rows[worker][backendOffset(this.region.state.shape, BACKEND) + which] += by;
  }

  open(server: number, worker: number): number {
    const at = serverOffset(this.region.state.shape, BEFORE + server) + metric.SERVER_OPEN;
    return this.region.state.rows[worker][at];
  }

  /** Connects that fail one after the other, spread over the workers. */
  failConnects(server: number, times: number): void {
    for (let i = 0; i < times; i++) {
      this.add(server, metric.SERVER_CONNECT_FAILURES, 1, i % this.region.state.rows.length);
    }
    this.board.cells[this.board.streaksAt(BEFORE + server) + CONNECT_STREAK] += times;
  }

  reset(server: number, times: number): void {
    this.add(server, metric.SERVER_RESETS, times);
    this.board.cells[this.board.streaksAt(BEFORE + server) + RESET_STREAK] += times;
  }

  /** On the board, which is all that workers know. */
  states(): string {
    const numbers = Array.from({ length: this.count }, (_, i) => this.board.state(BEFORE + i));
    return numbers.map((number) => SERVER_STATES[number]).join(" ");
  }

  shares(): number[] {
    return Array.from({ length: this.count }, (_, i) => this.board.share(BEFORE + i));
  }

  streaks(server: number): number[] {
    const at = this.board.streaksAt(BEFORE + server);
    return [this.board.cells[at + CONNECT_STREAK], this.board.cells[at + RESET_STREAK]];
  }

  command(server: number, command: Parameters<BackendWatch["health"]["command"]>[1]): void {
    this.watch.health.command(server, command, this.nowMs);
    this.watch.publish();
  }

  probe(server: number, isUp: boolean): void {
    this.watch.health.onProbe(server, isUp, "as the test wants it", this.nowMs);
    this.watch.publish();
  }
}

const THREE = "[10.0.0.1:1, 10.0.0.2:1, 10.0.0.3:1]";
const TWO = "[10.0.0.1:1, 10.0.0.2:1]";

// ---- States ---------------------------------------------------------------------------------

Deno.test("while nothing happens workers are told nothing", () => {
  const stage = new Stage(THREE);
  const before = [...stage.board.cells];
  assert.deepEqual(stage.pass(60_000), []);
  assert.deepEqual([...stage.board.cells], before);
});

Deno.test("what is told is written first, then the revision moves, once", () => {
  const stage = new Stage(THREE);
  const { revision } = stage.board;
  stage.probe(1, false);
  assert.equal(stage.states(), "up down up");
  assert.equal(stage.board.revision, revision + 1);
  stage.watch.publish();
  stage.pass(1000);
  assert.equal(stage.board.revision, revision + 1);
});

Deno.test("servers of other backends are left alone", () => {
  const stage = new Stage(THREE);
  const cells = () => [0, 1, 2].map((i) => [stage.board.state(i), stage.board.weight(i, 77)]);
  stage.probe(0, false);
  stage.command(2, { kind: "weight", weight: 9 });
  assert.deepEqual(cells(), [[0, 77], [0, 77], [0, 77]]);
});

Deno.test("a weight that is set while running is on the board, and zero is one", () => {
  const stage = new Stage(TWO);
  stage.command(0, { kind: "weight", weight: 0 });
  stage.command(1, { kind: "weight", weight: 256 });
  assert.deepEqual([0, 1].map((i) => stage.board.weight(BEFORE + i, 77)), [0, 256]);
});

Deno.test("what is open is closed once when a server goes down, if that is wanted", () => {
  for (const [keys, expected] of [["on_down: close", 1], ["on_down: keep", 0]] as const) {
    const stage = new Stage(TWO, keys);
    stage.probe(0, false);
    stage.pass(5000);
    assert.deepEqual([0, 1].map((i) => stage.board.closings(BEFORE + i)), [expected, 0], keys);
  }
});

Deno.test("what is open is closed at the deadline of a drain, not before", () => {
  const stage = new Stage(TWO);
  stage.command(1, { kind: "drain", deadlineMs: 3000 });
  assert.equal(stage.states(), "up drain");
  stage.pass(2900);
  assert.equal(stage.board.closings(BEFORE + 1), 0);
  const { revision } = stage.board;
  stage.pass(100);
  assert.equal(stage.board.closings(BEFORE + 1), 1);
  assert.equal(stage.board.revision, revision + 1);
  stage.pass(10_000);
  assert.equal(stage.board.closings(BEFORE + 1), 1);
});

// ---- Ejection -------------------------------------------------------------------------------

Deno.test("failed connects in a row, at whichever workers, eject a server for some time", () => {
  const stage = new Stage(THREE, "outlier_detection: { errors: 4, eject: 10s }");
  stage.failConnects(1, 3);
  stage.pass(1000);
  assert.equal(stage.states(), "up up up");
  stage.failConnects(1, 1);
  stage.pass(LOOK_MS);
  assert.equal(stage.states(), "up ejected up");
  assert.deepEqual(stage.streaks(1), [4, 0], "it is what it is");
  stage.pass(9900);
  assert.equal(stage.states(), "up ejected up");
  stage.pass(LOOK_MS);
  assert.equal(stage.states(), "up up up");
  assert.deepEqual(stage.streaks(1), [0, 0], "or it would be ejected again at once");
  stage.pass(30_000);
  assert.equal(stage.states(), "up up up");
});

Deno.test("failures before the last success are no streak, however many there were", () => {
  const stage = new Stage(THREE, "outlier_detection: { errors: 4 }");
  for (let i = 0; i < 20; i++) {
    stage.failConnects(1, 3);
    stage.board.clearStreaks(BEFORE + 1);
    stage.pass(LOOK_MS);
  }
  assert.equal(stage.states(), "up up up");
});

Deno.test("resets count by what is open: a few of many are an accident", () => {
  const stage = new Stage(THREE, "outlier_detection: { errors: 4 }");
  stage.add(2, metric.SERVER_OPEN, 60, 0);
  stage.add(2, metric.SERVER_OPEN, 40, 1);
  stage.reset(2, 9);
  stage.pass(LOOK_MS);
  assert.equal(stage.states(), "up up up");
  stage.reset(2, 1);
  stage.pass(LOOK_MS);
  assert.equal(stage.states(), "up up ejected");
});

Deno.test("a server that is back starts slowly, step by step, and each step is told", () => {
  const keys = "slow_start: 10s, outlier_detection: { errors: 1, eject: 10s }";
  const stage = new Stage(THREE, keys);
  assert.deepEqual(stage.shares(), [256, 256, 256], "at the start of the program all are cold");
  stage.failConnects(1, 1);
  stage.pass(LOOK_MS);
  stage.pass(10_000);
  assert.deepEqual([stage.states(), ...stage.shares()], ["up up up", 256, 25, 256]);
  const { revision } = stage.board;
  stage.pass(5000);
  assert.deepEqual(stage.shares(), [256, 128, 256]);
  stage.pass(5000);
  assert.deepEqual(stage.shares(), [256, 256, 256]);
  assert.equal(stage.board.revision - revision, 18, "from a tenth on by twentieths");
});

Deno.test("without ejection errors keep nobody out", () => {
  const stage = new Stage(TWO, "outlier_detection: false");
  stage.failConnects(0, 1000);
  stage.pass(1000);
  assert.equal(stage.states(), "up up");
});

// ---- Panic ----------------------------------------------------------------------------------

Deno.test("panic begins and ends with the share of servers that are available", () => {
  const stage = new Stage(THREE);
  stage.probe(0, false);
  assert.deepEqual(stage.pass(1000), []);
  stage.probe(1, false);
  assert.equal(stage.watch.isPanicking, true, "at once, not with the next look");
  assert.deepEqual(stage.pass(1000), [
    "calm -> panic: 1 of 3 servers are available: all of them are used",
  ]);
  stage.probe(0, true);
  assert.deepEqual(stage.pass(1000), ["panic -> calm: 2 of 3 servers are available"]);
});

Deno.test("servers that are taken out are none of those that should be available", () => {
  const stage = new Stage(THREE);
  stage.command(0, { kind: "maint" });
  stage.command(1, { kind: "weight", weight: 0 });
  assert.deepEqual(stage.pass(1000), []);
  stage.probe(2, false);
  assert.deepEqual(stage.pass(1000), [
    "calm -> panic: its only server is not available: it is tried all the same",
  ]);
});

Deno.test("a server whose name does not resolve is not available", () => {
  const stage = new Stage(THREE);
  stage.unknown.add(0);
  assert.deepEqual(stage.pass(1000), []);
  stage.unknown.add(1);
  assert.match(stage.pass(1000).join(), /^calm -> panic: 1 of 3 /);
});

Deno.test("with a threshold of zero nobody panics", () => {
  const stage = new Stage(TWO, "panic_threshold: 0%");
  stage.probe(0, false);
  stage.probe(1, false);
  assert.match(stage.pass(1000).join(), /^available -> nobody available: .* refused$/);
  assert.equal(stage.watch.isPanicking, false);
  stage.probe(1, true);
  assert.match(stage.pass(1000).join(), /^nobody available -> available: /);
});

// ---- Circuit breaker ------------------------------------------------------------------------

const BREAKER = "circuit_breaker: { errors: 50%, connections: 10, open: 5s, trials: 2 }, " +
  "outlier_detection: false";

Deno.test("without a breaker errors open none", () => {
  const stage = new Stage(TWO, "outlier_detection: false");
  assert.equal(stage.watch.breaker, null);
  stage.failConnects(0, 1000);
  assert.deepEqual(stage.pass(1000), []);
  assert.equal(stage.board.breaker(BACKEND), BREAKER_CLOSED);
});

Deno.test("failures of all servers and workers open the breaker, and time half opens it", () => {
  const stage = new Stage(TWO, BREAKER);
  stage.add(0, metric.SERVER_CONNECTIONS, 3, 0);
  stage.add(1, metric.SERVER_CONNECTIONS, 2, 1);
  stage.failConnects(0, 2);
  stage.failConnects(1, 2);
  assert.deepEqual(stage.pass(LOOK_MS), [], "nine attempts are too few");
  stage.failConnects(1, 1);
  assert.deepEqual(stage.pass(LOOK_MS), [
    "breaker closed -> breaker open: 5 of 10 connects failed within 10s",
  ]);
  assert.equal(stage.board.breaker(BACKEND), BREAKER_OPEN);
  assert.equal(stage.board.breaker(0), BREAKER_CLOSED, "that of the other backend");
  assert.deepEqual(stage.pass(4900), []);
  assert.deepEqual(stage.pass(LOOK_MS), [
    "breaker open -> breaker half open: 2 trials after 5s open",
  ]);
  assert.equal(stage.board.breaker(BACKEND), BREAKER_HALF_OPEN);
});

/** A breaker that is half open since now. */
function halfOpen(): Stage {
  const stage = new Stage(TWO, BREAKER);
  stage.failConnects(0, 10);
  stage.pass(LOOK_MS);
  stage.pass(5000);
  assert.equal(stage.board.breaker(BACKEND), BREAKER_HALF_OPEN);
  return stage;
}

Deno.test("trials that succeed close it, one that fails opens it for as long again", () => {
  const well = halfOpen();
  well.add(1, metric.SERVER_CONNECTIONS, 1);
  assert.deepEqual(well.pass(LOOK_MS), []);
  well.add(0, metric.SERVER_CONNECTIONS, 1, 1);
  assert.deepEqual(well.pass(LOOK_MS), [
    "breaker half open -> breaker closed: 2 trials succeeded",
  ]);
  assert.equal(well.board.breaker(BACKEND), BREAKER_CLOSED);
  const ill = halfOpen();
  ill.failConnects(1, 1);
  assert.deepEqual(ill.pass(LOOK_MS), ["breaker half open -> breaker open: a trial failed"]);
  assert.equal(ill.board.breaker(BACKEND), BREAKER_OPEN);
  ill.pass(4900);
  assert.equal(ill.board.breaker(BACKEND), BREAKER_OPEN);
  ill.pass(LOOK_MS);
  assert.equal(ill.board.breaker(BACKEND), BREAKER_HALF_OPEN);
});

Deno.test("trials that nothing was heard of are granted again after a while", () => {
  const stage = halfOpen();
  const take = () => [1, 2, 3].map(() => stage.board.takeTrial(BACKEND));
  assert.deepEqual(take(), [true, true, false]);
  stage.pass(4900);
  assert.deepEqual(take(), [false, false, false]);
  assert.deepEqual(stage.pass(LOOK_MS), []);
  assert.deepEqual(take(), [true, true, false]);
  stage.pass(5000);
  assert.deepEqual(take(), [true, true, false]);
});

// ---- Retry budget ---------------------------------------------------------------------------

Deno.test("what happened before the window began is the base of the retry budget", () => {
  const stage = new Stage(TWO);
  const base = () => [
    stage.board.baseConnections(BACKEND),
    stage.board.baseRetries(BACKEND),
  ];
  stage.addToBackend(metric.BACKEND_CONNECTIONS, 30, 0);
  stage.addToBackend(metric.BACKEND_CONNECTIONS, 12, 1);
  stage.add(0, metric.SERVER_RETRIES, 4, 1);
  stage.add(1, metric.SERVER_RETRIES, 1, 0);
  stage.pass(5000);
  assert.deepEqual(base(), [0, 0], "all of it is within ten seconds");
  const { revision } = stage.board;
  stage.pass(7000);
  assert.deepEqual(base(), [42, 5]);
  assert.equal(stage.board.revision, revision, "it is read whenever it is used");
});

// ---- Rebalancing ----------------------------------------------------------------------------

/** What each worker was asked to move away from each server so far. */
function movesOf(stage: Stage): number[][] {
  const servers = Array.from({ length: stage.count }, (_, i) => BEFORE + i);
  return stage.region.state.rows.map((_, worker) =>
    servers.map((server) => stage.board.moves(worker, server))
  );
}

function openTo(stage: Stage): number[] {
  const workers = stage.region.state.rows.map((_, worker) => worker);
  return Array.from(
    { length: stage.count },
    (_, server) => workers.reduce((sum, worker) => sum + stage.open(server, worker), 0),
  );
}

/**
 * Workers do as they are asked: what they close comes back to the server that has the least.
 * Returns how many were moved in each look.
 */
function moveAll(stage: Stage, ms: number): number[] {
  const moved: number[] = [];
  for (let passed = 0; passed < ms; passed += LOOK_MS) {
    const before = movesOf(stage);
    stage.pass(LOOK_MS);
    let count = 0;
    for (const [worker, moves] of movesOf(stage).entries()) {
      for (let server = 0; server < stage.count; server++) {
        const asked = moves[server] - before[worker][server];
        for (let left = Math.min(asked, stage.open(server, worker)); left > 0; left--) {
          stage.add(server, metric.SERVER_OPEN, -1, worker);
          const open = openTo(stage);
          stage.add(open.indexOf(Math.min(...open)), metric.SERVER_OPEN, 1, worker);
          count++;
        }
      }
    }
    moved.push(count);
  }
  return moved;
}

function openMany(stage: Stage, server: number, byWorker: readonly number[]): void {
  byWorker.forEach((count, worker) => stage.add(server, metric.SERVER_OPEN, count, worker));
}

Deno.test("at the start nobody has joined, however uneven things are", () => {
  const stage = new Stage(TWO, "rebalance: { budget: 100%/s }");
  openMany(stage, 0, [50, 50]);
  assert.deepEqual(moveAll(stage, 5000).filter((count) => count > 0), []);
});

Deno.test("a server that is back gets its share of what is open, within the budget", () => {
  const stage = new Stage(TWO, "rebalance: { budget: 5%/s }");
  stage.probe(1, false);
  stage.pass(1000);
  openMany(stage, 0, [100, 100]);
  stage.probe(1, true);
  const moved = moveAll(stage, 60_000);
  for (let from = 0; from + 10 <= moved.length; from++) {
    const second = moved.slice(from, from + 10).reduce((sum, count) => sum + count);
    // A twentieth of 200, and what may have been saved up.
    assert.ok(second <= 20, `${second} within a second`);
  }
  const total = moved.reduce((sum, count) => sum + count);
  assert.ok(total >= 80 && total <= 110, `${total} moved`);
  const [one, other] = openTo(stage);
  assert.ok(Math.abs(one - other) <= 20, `${one} and ${other}`);
  assert.deepEqual(moveAll(stage, 10_000).filter((count) => count > 0), [], "then it is over");
});

Deno.test("without a budget nothing that is open is moved", () => {
  const stage = new Stage(TWO);
  stage.probe(1, false);
  stage.pass(1000);
  openMany(stage, 0, [100, 100]);
  stage.probe(1, true);
  assert.deepEqual(moveAll(stage, 20_000).filter((count) => count > 0), []);
});

Deno.test("a server that is given a weight has joined, too", () => {
  const stage = new Stage(TWO, "rebalance: { budget: 100%/s }");
  stage.command(1, { kind: "weight", weight: 0 });
  stage.pass(1000);
  openMany(stage, 0, [100, 100]);
  stage.command(1, { kind: "weight", weight: 1 });
  moveAll(stage, 20_000);
  const [one, other] = openTo(stage);
  assert.ok(Math.abs(one - other) <= 20, `${one} and ${other}`);
});

Deno.test("moves are spread over the workers that have any, and workers are told", () => {
  const stage = new Stage(TWO, "rebalance: { budget: 100%/s }", 3);
  stage.probe(1, false);
  stage.pass(1000);
  openMany(stage, 0, [60, 0, 60]);
  stage.probe(1, true);
  const { revision } = stage.board;
  stage.pass(1000);
  const [first, second, third] = movesOf(stage);
  assert.deepEqual(second, [0, 0]);
  assert.ok(first[0] >= 15 && Math.abs(first[0] - third[0]) <= 3, `${first} and ${third}`);
  assert.deepEqual([first[1], third[1]], [0, 0], "none of the server that has joined");
  assert.ok(stage.board.revision > revision);
});
