import assert from "node:assert/strict";
import * as metric from "../metrics/metric_names.ts";
import { listenerOffset } from "../metrics/shared_state.ts";
import { IP_WORDS, parseIpWords } from "../net/ip_words.ts";
import type { ListenerPlan, Plan } from "../upstream/plan.ts";
import { regionBytes, regionShape, SharedRegion } from "../upstream/shared_region.ts";
import { listenerPlan, workerPlan } from "../upstream/test_plan.ts";
import { Gate } from "./gate.ts";

const PORT = 50_000;
/** The port that stands for a client without an address. */
const NO_PORT = -1;
/** What a client of a unix socket has for an address. */
const NO_WORDS = new Int32Array(IP_WORDS);

function words(ip: string): Int32Array {
  const parsed = parseIpWords(ip);
  assert.ok(parsed !== null, ip);
  return parsed;
}

/** A worker's gates, one per listener. */
class Worker {
  readonly gates: Gate[];
  readonly row: Float64Array;

  constructor(plan: Plan, region: SharedRegion, clock: { nowMs: number }) {
    this.row = region.state.rows[plan.worker];
    this.gates = plan.listeners.map((_, i) => new Gate(plan, i, region, this.row, clock));
  }

  admits(ip: string, listener = 0): boolean {
    return this.gates[listener].admits(words(ip), 0, PORT);
  }

  /** Lets a client in if it may, and counts it. */
  enter(ip: string, listener = 0): boolean {
    return this.admits(ip, listener) && this.gates[listener].count(words(ip), 0, PORT);
  }

  leave(ip: string, listener = 0): void {
    this.gates[listener].uncount(words(ip), 0);
  }

  count(which: number, listener = 0): number {
    return this.row[listenerOffset(listener) + which];
  }

  /** The counters of a listener that are not zero, by their place. */
  counts(listener = 0): [number, number][] {
    return metric.LISTENER_METRICS.map((_, i): [number, number] => [i, this.count(i, listener)])
      .filter(([, count]) => count !== 0);
  }
}

interface Scene {
  readonly clock: { nowMs: number };
  readonly region: SharedRegion;
  readonly workers: readonly Worker[];
}

function makeWorkers(count: number, ...listeners: Partial<ListenerPlan>[]): Scene {
  const clock = { nowMs: 10_000 };
  const plan = workerPlan({ workers: count, listeners: listeners.map(listenerPlan) });
  const shape = regionShape(plan);
  const region = new SharedRegion(new ArrayBuffer(regionBytes(shape)), shape);
  const workers = Array.from(
    { length: count },
    (_, worker) => new Worker({ ...plan, worker }, region, clock),
  );
  return { clock, region, workers };
}

function makeWorker(listener: Partial<ListenerPlan>): Worker & { clock: { nowMs: number } } {
  const { clock, workers: [worker] } = makeWorkers(1, listener);
  return Object.assign(worker, { clock });
}

Deno.test("without lists, limits and rates everybody is let in, and nothing is counted", () => {
  const worker = makeWorker({});
  for (let i = 0; i < 1000; i++) assert.ok(worker.admits("192.0.2.1"));
  assert.equal(worker.gates[0].count(words("192.0.2.1"), 0, PORT), false, "not to be uncounted");
  worker.leave("192.0.2.1");
  assert.deepEqual(worker.counts(), []);
});

Deno.test("who is denied, or not among those allowed, is refused and counted", () => {
  const worker = makeWorker({ allow: ["10.0.0.0/8", "fd00::/8"], deny: ["10.9.0.0/16"] });
  const rows: [string, boolean][] = [
    ["10.1.2.3", true],
    ["fd00::1", true],
    ["::ffff:10.1.2.3", true],
    ["10.9.0.1", false],
    ["192.0.2.1", false],
    ["2001:db8::1", false],
  ];
  for (const [ip, expected] of rows) assert.equal(worker.admits(ip), expected, ip);
  assert.deepEqual(worker.counts(), [[metric.LISTENER_DENIED, 3]]);
});

Deno.test("a client is read from its place among others", () => {
  const worker = makeWorker({ deny: ["10.0.0.1/32"], connectionsPerIpMax: 1 });
  const many = Int32Array.of(...words("10.0.0.1"), ...words("10.0.0.2"));
  const [gate] = worker.gates;
  assert.equal(gate.admits(many, 0, PORT), false);
  assert.equal(gate.admits(many, IP_WORDS, PORT), true);
  assert.equal(gate.count(many, IP_WORDS, PORT), true);
  assert.equal(worker.admits("10.0.0.2"), false);
  gate.uncount(many, IP_WORDS);
  assert.equal(worker.admits("10.0.0.2"), true);
});

Deno.test("a client has so many connections at a time; others are not touched by that", () => {
  const worker = makeWorker({ connectionsPerIpMax: 2 });
  assert.deepEqual([1, 2, 3].map(() => worker.enter("192.0.2.1")), [true, true, false]);
  assert.ok(worker.enter("192.0.2.2"));
  assert.deepEqual(worker.counts(), [[metric.LISTENER_CLIENT_LIMIT, 1]]);
  worker.leave("192.0.2.1");
  assert.ok(worker.enter("192.0.2.1"));
  assert.equal(worker.enter("192.0.2.1"), false);
});

Deno.test("of IPv6 a client is a /64, of IPv4 an address", () => {
  const worker = makeWorker({ connectionsPerIpMax: 1 });
  assert.ok(worker.enter("2001:db8:0:1::1"));
  assert.equal(worker.enter("2001:db8:0:1:ffff::2"), false);
  assert.ok(worker.enter("2001:db8:0:2::1"));
  assert.ok(worker.enter("192.0.2.1"));
  assert.equal(worker.enter("::ffff:192.0.2.1"), false, "the same by its other form");
});

Deno.test("limits per client hold over all workers, and for each listener by itself", () => {
  const limit = { connectionsPerIpMax: 2 };
  const { workers: [one, two] } = makeWorkers(2, limit, limit, {});
  assert.ok(one.enter("192.0.2.1"));
  assert.ok(two.enter("192.0.2.1"));
  for (const worker of [one, two]) {
    assert.equal(worker.enter("192.0.2.1"), false);
    // Each counts what it refuses itself.
    assert.deepEqual(worker.counts(), [[metric.LISTENER_CLIENT_LIMIT, 1]]);
    assert.ok(worker.enter("192.0.2.1", 1));
    assert.ok(worker.admits("192.0.2.1", 2));
  }
  two.leave("192.0.2.1");
  assert.ok(one.enter("192.0.2.1"));
});

Deno.test("what a dead worker had let in does not count any more", () => {
  const { region, workers: [one, two] } = makeWorkers(2, { connectionsPerIpMax: 1 });
  assert.ok(two.enter("192.0.2.1"));
  assert.equal(one.enter("192.0.2.1"), false);
  region.clearWorker(1);
  assert.ok(one.enter("192.0.2.1"));
});

Deno.test("a listener's rate is one for all clients and workers, and fills up again", () => {
  const listener = { connectionRate: { perSecond: 10, burst: 3 } };
  const { clock, workers: [one, two] } = makeWorkers(2, listener, listener);
  assert.deepEqual(
    [one.admits("192.0.2.1"), two.admits("192.0.2.2"), one.admits("192.0.2.3")],
    [true, true, true],
  );
  assert.deepEqual([one.admits("192.0.2.4"), two.admits("192.0.2.5")], [false, false]);
  assert.ok(one.admits("192.0.2.1", 1), "another listener has a rate of its own");
  for (const worker of [one, two]) {
    assert.deepEqual(worker.counts(), [[metric.LISTENER_RATE_LIMITED, 1]]);
  }
  clock.nowMs += 100;
  assert.deepEqual([two.admits("192.0.2.5"), one.admits("192.0.2.5")], [true, false]);
});

Deno.test("a client's rate is its own, over all workers", () => {
  const listener = { connectionRatePerIp: { perSecond: 1, burst: 2 } };
  const { clock, workers: [one, two] } = makeWorkers(2, listener, listener, {});
  assert.deepEqual(
    [one.admits("192.0.2.1"), two.admits("192.0.2.1"), one.admits("192.0.2.1")],
    [true, true, false],
  );
  assert.ok(one.admits("192.0.2.2"));
  assert.ok(one.admits("192.0.2.1", 1));
  assert.ok(one.admits("192.0.2.1", 2));
  assert.deepEqual(one.counts(), [[metric.LISTENER_CLIENT_RATE_LIMITED, 1]]);
  clock.nowMs += 1000;
  assert.deepEqual([two.admits("192.0.2.1"), one.admits("192.0.2.1")], [true, false]);
});

Deno.test("the first reason counts: list, the client's limit, its rate, the common rate", () => {
  const worker = makeWorker({
    deny: ["192.0.2.1/32"],
    connectionsPerIpMax: 1,
    connectionRatePerIp: { perSecond: 1, burst: 2 },
    connectionRate: { perSecond: 1, burst: 3 },
  });
  assert.ok(worker.enter("192.0.2.2"));
  // From here on the listener's rate has two left.
  assert.equal(worker.admits("192.0.2.2"), false);
  assert.deepEqual(worker.counts(), [[metric.LISTENER_CLIENT_LIMIT, 1]]);
  worker.leave("192.0.2.2");
  assert.ok(worker.admits("192.0.2.2"));
  assert.equal(worker.admits("192.0.2.2"), false);
  assert.equal(worker.count(metric.LISTENER_CLIENT_RATE_LIMITED), 1);
  assert.ok(worker.admits("192.0.2.3"));
  assert.equal(worker.admits("192.0.2.4"), false);
  assert.equal(worker.count(metric.LISTENER_RATE_LIMITED), 1);
  // Everything is used up, and still the list is the reason.
  assert.equal(worker.admits("192.0.2.1"), false);
  assert.deepEqual(worker.counts(), [
    [metric.LISTENER_DENIED, 1],
    [metric.LISTENER_CLIENT_LIMIT, 1],
    [metric.LISTENER_RATE_LIMITED, 1],
    [metric.LISTENER_CLIENT_RATE_LIMITED, 1],
  ]);
});

Deno.test("who is refused by a list or a limit takes nobody's token", () => {
  const worker = makeWorker({
    deny: ["10.0.0.0/8"],
    connectionsPerIpMax: 1,
    connectionRatePerIp: { perSecond: 1, burst: 2 },
    connectionRate: { perSecond: 1, burst: 2 },
  });
  assert.ok(worker.enter("192.0.2.1"));
  for (let i = 0; i < 50; i++) {
    assert.equal(worker.admits("10.0.0.1"), false);
    assert.equal(worker.admits("192.0.2.1"), false);
  }
  worker.leave("192.0.2.1");
  assert.ok(worker.admits("192.0.2.1"), "one of its own and one of the listener are left");
  assert.deepEqual(worker.counts(), [
    [metric.LISTENER_DENIED, 50],
    [metric.LISTENER_CLIENT_LIMIT, 50],
  ]);
});

Deno.test("one client that is beyond its rate leaves the listener's rate to the others", () => {
  const worker = makeWorker({
    connectionRatePerIp: { perSecond: 1, burst: 1 },
    connectionRate: { perSecond: 1, burst: 2 },
  });
  assert.ok(worker.admits("192.0.2.1"));
  for (let i = 0; i < 50; i++) assert.equal(worker.admits("192.0.2.1"), false);
  assert.ok(worker.admits("192.0.2.2"));
});

Deno.test("a client without an address is subject to the listener's rate alone", () => {
  const worker = makeWorker({
    allow: ["10.0.0.0/8"],
    deny: ["::/0"],
    connectionsPerIpMax: 1,
    connectionRatePerIp: { perSecond: 1, burst: 1 },
    connectionRate: { perSecond: 1, burst: 3 },
  });
  const [gate] = worker.gates;
  for (let i = 0; i < 3; i++) {
    assert.ok(gate.admits(NO_WORDS, 0, NO_PORT));
    assert.equal(gate.count(NO_WORDS, 0, NO_PORT), false, "it is not counted by address");
  }
  assert.equal(gate.admits(NO_WORDS, 0, NO_PORT), false);
  assert.deepEqual(worker.counts(), [[metric.LISTENER_RATE_LIMITED, 1]]);
});

Deno.test("a header is believed of trusted addresses, and of whom a unix socket has let in", () => {
  const worker = makeWorker({ trustedProxies: ["10.0.0.0/8", "fd00::/8"] });
  const [gate] = worker.gates;
  assert.ok(gate.trusts(words("10.1.2.3"), 0, PORT));
  assert.ok(gate.trusts(words("fd00::1"), 0, PORT));
  assert.ok(gate.trusts(NO_WORDS, 0, NO_PORT));
  assert.deepEqual(worker.counts(), []);
  assert.equal(gate.trusts(words("192.0.2.1"), 0, PORT), false);
  assert.equal(gate.trusts(NO_WORDS, 0, 0), false, "port 0 is an address like any other");
  assert.deepEqual(worker.counts(), [[metric.LISTENER_UNTRUSTED, 2]]);
});

Deno.test("a client for whom the table has no place is let in, and told as uncounted", () => {
  const worker = makeWorker({ connectionsPerIpMax: 1 });
  let uncounted = "";
  for (let i = 0; uncounted === ""; i++) {
    assert.ok(i < 1 << 24, "the table has an end");
    const ip = `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
    if (!worker.enter(ip)) uncounted = ip;
  }
  assert.equal(worker.row[metric.CLIENTS_UNCOUNTED], 1);
  assert.ok(worker.admits(uncounted), "and again");
  assert.deepEqual(worker.counts(), []);
});
