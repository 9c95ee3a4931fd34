import assert from "node:assert/strict";
import fc from "fast-check";
import { Rebalance } from "./rebalance.ts";

const POLL_MS = 100;
const START_MS = 7_000_000.25;

/** Where a client that has been cut off comes back to; a server index. */
type Choose = (open: readonly number[], weights: readonly number[]) => number;

function leastConn(open: readonly number[], weights: readonly number[]): number {
  let best = -1;
  for (let server = 0; server < open.length; server++) {
    if (weights[server] === 0) continue;
    if (best === -1 || (open[server] + 1) / weights[server] < (open[best] + 1) / weights[best]) {
      best = server;
    }
  }
  return best;
}

/** Smooth weighted round robin: blind to what is open. */
function makeRoundRobin(): Choose {
  const credits: number[] = [];
  return (_open, weights) => {
    const sum = weights.reduce((left, right) => left + right);
    let best = -1;
    weights.forEach((weight, server) => {
      credits[server] = (credits[server] ?? 0) + weight;
      if (weight > 0 && (best === -1 || credits[server] > credits[best])) best = server;
    });
    credits[best] -= sum;
    return best;
  };
}

interface Scene {
  readonly open: number[];
  readonly weights: number[];
  readonly sharePerSecond: number;
  readonly choose: Choose;
  /** Calls until workers have carried an order out, and from then until clients are back. */
  readonly lagPolls?: number;
  readonly awayPolls?: number;
}

/** A backend whose clients never leave for good, and a supervisor that calls ten times a second. */
class Bench {
  readonly rebalance: Rebalance;
  readonly open: number[];
  readonly weights: number[];
  readonly out: Int32Array;
  nowMs = START_MS;
  /** Each call: its time, what was open, and what it ordered. */
  readonly log: { nowMs: number; total: number; ordered: number }[] = [];
  ordered = 0;
  readonly #scene: Scene;
  #polls = 0;
  readonly #toClose: { poll: number; server: number }[] = [];
  readonly #toReturn: number[] = [];

  constructor(scene: Scene) {
    this.#scene = scene;
    this.open = [...scene.open];
    this.weights = [...scene.weights];
    this.out = new Int32Array(this.open.length);
    this.rebalance = new Rebalance(scene, this.open.length);
  }

  share(server: number): number {
    const sum = this.weights.reduce((left, right) => left + right);
    return this.#total() * this.weights[server] / sum;
  }

  join(server: number): void {
    this.rebalance.join(server, this.nowMs);
  }

  poll(afterMs = POLL_MS): number {
    this.nowMs += afterMs;
    this.#polls++;
    this.#live();
    const ordered = this.rebalance.plan(this.open, this.weights, this.nowMs, this.out);
    this.out.forEach((count, server) => {
      assert.ok(count >= 0);
      assert.ok(count <= Math.ceil(this.open[server] - this.share(server) + 1e-6) || count === 0);
      const poll = this.#polls + (this.#scene.lagPolls ?? 1);
      for (let i = 0; i < count; i++) this.#toClose.push({ poll, server });
    });
    assert.equal(ordered, this.out.reduce((left, right) => left + right, 0));
    this.ordered += ordered;
    this.log.push({ nowMs: this.nowMs, total: this.#total(), ordered });
    return ordered;
  }

  /** Calls for so long, or until it has ended. */
  run(ms: number): void {
    for (let passedMs = 0; passedMs < ms && this.rebalance.isActive; passedMs += POLL_MS) {
      this.poll();
    }
  }

  isBalanced(): boolean {
    return this.open.every((open, server) => {
      if (this.weights[server] === 0) return true;
      const share = this.share(server);
      return Math.abs(open - share) <= Math.max(1, share / 10) + 1e-6;
    });
  }

  #total(): number {
    return this.open.reduce((sum, open, server) => this.weights[server] > 0 ? sum + open : sum, 0);
  }

  #live(): void {
    while (this.#toReturn.length > 0 && this.#toReturn[0] <= this.#polls) {
      this.#toReturn.shift();
      this.open[this.#scene.choose(this.open, this.weights)]++;
    }
    while (this.#toClose.length > 0 && this.#toClose[0].poll <= this.#polls) {
      const { server } = this.#toClose.shift()!;
      if (this.open[server] === 0) continue;
      this.open[server]--;
      const awayPolls = this.#scene.awayPolls ?? 0;
      if (awayPolls > 0) this.#toReturn.push(this.#polls + awayPolls);
      else this.open[this.#scene.choose(this.open, this.weights)]++;
    }
  }
}

/** In any stretch of time no more is ordered than it earns, and what may be saved up. */
function assertBudget(bench: Bench, sharePerSecond: number): void {
  const { log } = bench;
  const total = Math.max(...log.map((call) => call.total));
  const perSecond = sharePerSecond * total;
  // The orders up to each call, above what the time since the start has earned.
  let above = 0;
  let aboveMin = 0;
  let beforeMs = START_MS;
  for (const { nowMs, ordered } of log) {
    above -= perSecond * (nowMs - beforeMs) / 1000;
    beforeMs = nowMs;
    aboveMin = Math.min(aboveMin, above);
    above += ordered;
    assert.ok(above - aboveMin <= Math.max(1, perSecond) + 1e-6, "more than the budget");
  }
}

Deno.test("without a join nothing is moved, however uneven", () => {
  const scene = { open: [100, 0], weights: [1, 1], sharePerSecond: 1, choose: leastConn };
  const bench = new Bench(scene);
  for (let i = 0; i < 100; i++) assert.equal(bench.poll(), 0);
  assert.ok(!bench.rebalance.isActive);
});

Deno.test("a budget of zero is none", () => {
  const bench = new Bench({ open: [9, 0], weights: [1, 1], sharePerSecond: 0, choose: leastConn });
  bench.join(1);
  assert.ok(!bench.rebalance.isActive);
  assert.equal(bench.poll(60_000), 0);
});

Deno.test("a server that joined gets its share from those that have more than theirs", () => {
  const scene = { open: [60, 60, 0], weights: [1, 1, 1], sharePerSecond: 0.1, choose: leastConn };
  const bench = new Bench(scene);
  bench.join(2);
  assert.ok(bench.rebalance.isActive);
  bench.run(120_000);
  assert.ok(!bench.rebalance.isActive);
  // Within a tenth of its share of 40: the rest comes by new connections.
  assert.ok(bench.open[2] >= 36 && bench.open[2] <= 40, `${bench.open}`);
  assert.equal(bench.ordered, bench.open[2]);
  assert.ok(Math.abs(bench.open[0] - bench.open[1]) <= 1);
});

Deno.test("shares go by weight", () => {
  const scene = { open: [300, 100, 0], weights: [3, 1, 4], sharePerSecond: 1, choose: leastConn };
  const bench = new Bench(scene);
  bench.join(2);
  bench.run(60_000);
  assert.ok(bench.isBalanced());
  assert.ok(bench.open[2] >= 180 && bench.open[2] <= 200, `${bench.open}`);
});

Deno.test("one percent a minute of 6000 connections is one a second", () => {
  const bench = new Bench({
    open: [3000, 3000, 0],
    weights: [1, 1, 1],
    sharePerSecond: 0.01 / 60,
    choose: leastConn,
  });
  bench.join(2);
  for (let second = 1; second <= 300; second++) {
    for (let i = 0; i < 10; i++) assert.ok(bench.poll() <= 1);
    assert.ok(Math.abs(bench.ordered - second) <= 1);
  }
});

Deno.test("fractions add up to connections, and the first one waits for its time", () => {
  const scene = { open: [20, 0], weights: [1, 1], sharePerSecond: 0.01, choose: leastConn };
  const bench = new Bench(scene);
  bench.join(1);
  // A fifth of a connection per second.
  for (let i = 0; i < 49; i++) assert.equal(bench.poll(), 0);
  for (let i = 0; i < 2; i++) bench.poll();
  assert.equal(bench.ordered, 1);
});

Deno.test("a pause of the caller saves up one second's worth and no more", () => {
  const scene = { open: [1000, 0], weights: [1, 1], sharePerSecond: 0.05, choose: leastConn };
  const bench = new Bench(scene);
  bench.join(1);
  assert.equal(bench.poll(3_600_000), 50);
  assert.equal(bench.poll(0), 0);
  // Where a second is worth less than a connection: one.
  const slow = new Bench({ ...scene, open: [10, 0] });
  slow.join(1);
  assert.equal(slow.poll(3_600_000), 1);
});

Deno.test("a clock that is set back earns nothing, and goes on", () => {
  const scene = { open: [1000, 0], weights: [1, 1], sharePerSecond: 0.01, choose: leastConn };
  const bench = new Bench(scene);
  bench.join(1);
  assert.equal(bench.poll(), 1);
  assert.equal(bench.poll(-3_600_000), 0);
  assert.equal(bench.poll(), 1);
});

Deno.test("the same surplus is not ordered twice while workers have not got to it", () => {
  const scene = {
    open: [100, 0],
    weights: [1, 1],
    sharePerSecond: 1,
    choose: leastConn,
    lagPolls: 6,
    awayPolls: 5,
  };
  const bench = new Bench(scene);
  bench.join(1);
  bench.run(60_000);
  assert.ok(bench.ordered >= 45 && bench.ordered <= 50, `${bench.ordered}`);
  assert.ok(bench.isBalanced());
});

Deno.test("what is drained, down or without weight keeps what it has and counts nowhere", () => {
  const scene = {
    open: [500, 40, 40, 0],
    weights: [0, 1, 1, 1],
    sharePerSecond: 0.5,
    choose: leastConn,
  };
  const bench = new Bench(scene);
  bench.join(3);
  bench.run(60_000);
  assert.equal(bench.open[0], 500);
  assert.ok(bench.isBalanced());
  assert.ok(bench.open[3] <= 27, `${bench.open}`);
});

Deno.test("it ends some time after all are near their shares, as weights may still rise", () => {
  const bench = new Bench({ open: [5, 5], weights: [1, 1], sharePerSecond: 1, choose: leastConn });
  bench.join(1);
  for (let ms = 0; ms < 29_900; ms += POLL_MS) bench.poll();
  assert.ok(bench.rebalance.isActive);
  for (let i = 0; i < 3; i++) bench.poll();
  assert.ok(!bench.rebalance.isActive);
  assert.equal(bench.ordered, 0);
});

Deno.test("a slow start is followed to its end", () => {
  const scene = { open: [200, 0], weights: [256, 26], sharePerSecond: 0.1, choose: leastConn };
  const bench = new Bench(scene);
  bench.join(1);
  // From a tenth to the whole within ten minutes, in steps of some seconds.
  for (let weight = 26; weight <= 256; weight++) {
    bench.weights[1] = weight;
    for (let ms = 0; ms < 2_600; ms += POLL_MS) bench.poll();
    assert.ok(bench.rebalance.isActive);
    assert.ok(bench.open[1] <= bench.share(1) + 1);
  }
  bench.run(60_000);
  assert.ok(bench.open[1] >= 90 && bench.open[1] <= 100, `${bench.open}`);
});

Deno.test("a weight that goes up and down does not keep it from ending", () => {
  const bench = new Bench({ open: [5, 5], weights: [9, 9], sharePerSecond: 1, choose: leastConn });
  bench.join(1);
  for (let i = 0; i < 1000; i++) {
    bench.weights[1] = 8 + i % 2;
    bench.poll();
  }
  assert.ok(!bench.rebalance.isActive);
});

Deno.test("nothing is moved for a server that is gone again", () => {
  const scene = { open: [100, 50, 0], weights: [1, 1, 1], sharePerSecond: 0.1, choose: leastConn };
  const bench = new Bench(scene);
  bench.join(2);
  bench.run(1_000);
  assert.ok(bench.ordered > 0);
  bench.weights[2] = 0;
  const before = bench.ordered;
  bench.run(60_000);
  assert.equal(bench.ordered, before);
  assert.ok(!bench.rebalance.isActive);
});

Deno.test("a second server that joins meanwhile gets its share too", () => {
  const scene = {
    open: [400, 0, 0],
    weights: [1, 1, 0],
    sharePerSecond: 0.05,
    choose: leastConn,
  };
  const bench = new Bench(scene);
  bench.join(1);
  bench.run(3_000);
  bench.weights[2] = 1;
  bench.join(2);
  bench.run(120_000);
  assert.ok(!bench.rebalance.isActive);
  assert.ok(bench.isBalanced(), `${bench.open}`);
});

Deno.test("with round robin only a part of what is closed comes over, and it suffices", () => {
  const scene = {
    open: [250, 250, 250, 250, 0],
    weights: [1, 1, 1, 1, 1],
    sharePerSecond: 0.1,
    choose: makeRoundRobin(),
  };
  const bench = new Bench(scene);
  bench.join(4);
  bench.run(600_000);
  assert.ok(!bench.rebalance.isActive);
  assert.ok(bench.isBalanced(), `${bench.open}`);
  // Each connection was closed once at most, on average.
  assert.ok(bench.ordered <= 1000, `${bench.ordered}`);
});

Deno.test("it gives up when clients come back to where they were", () => {
  const scene = { open: [900, 100], weights: [1, 1], sharePerSecond: 0.01, choose: () => 0 };
  const bench = new Bench(scene);
  bench.join(1);
  bench.run(600_000);
  assert.ok(!bench.rebalance.isActive);
  // A fifth of all, and some more until it is seen that they did not help.
  assert.ok(bench.ordered >= 200 && bench.ordered <= 240, `${bench.ordered}`);
});

const scenes = fc.record({
  servers: fc.array(fc.record({ open: fc.nat(400), weight: fc.nat(8) }), {
    minLength: 2,
    maxLength: 7,
  }),
  joins: fc.nat(6),
  sharePerSecond: fc.constantFrom(0.002, 0.01, 0.1, 1, 5),
  policy: fc.constantFrom("least_conn", "round_robin"),
  lagPolls: fc.integer({ min: 1, max: 6 }),
  awayPolls: fc.nat(8),
});

Deno.test("whatever joins: within its budget, never below a share, and to an end", () => {
  let ended = 0;
  let balanced = 0;
  fc.assert(
    fc.property(scenes, ({ servers, joins, policy, ...rest }) => {
      const joined = joins % servers.length;
      const bench = new Bench({
        ...rest,
        open: servers.map((server, index) => index === joined ? 0 : server.open),
        weights: servers.map((server, index) =>
          index === joined ? server.weight + 1 : server.weight
        ),
        choose: policy === "least_conn" ? leastConn : makeRoundRobin(),
      });
      const shares = bench.open.map((_, server) => bench.share(server));
      const before = [...bench.open];
      const surplus = before.map((open, server) =>
        bench.weights[server] > 0 ? Math.max(0, open - shares[server]) : 0
      );
      bench.join(joined);
      bench.run(3_600_000);
      assert.ok(!bench.rebalance.isActive, "it ends");
      ended++;
      assertBudget(bench, rest.sharePerSecond);
      bench.open.forEach((open, server) => {
        if (bench.weights[server] === 0) assert.equal(open, before[server]);
      });
      if (bench.isBalanced()) balanced++;
      if (policy !== "least_conn") return;
      assert.ok(bench.isBalanced(), `${bench.open}`);
      // Each connection is moved once: what comes to a server does not have to leave it again.
      const needed = surplus.reduce((sum, one) => sum + Math.ceil(one), 0);
      assert.ok(bench.ordered <= needed, `${bench.ordered} of ${needed}`);
    }),
    { seed: 1, numRuns: 100 },
  );
  assert.ok(balanced >= 0.9 * ended, `${balanced} of ${ended}`);
});
