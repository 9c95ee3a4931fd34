import assert from "node:assert/strict";
import fc from "fast-check";
import { LoadBound } from "./bounded_load.ts";
import { makePolicy } from "./policy.ts";
import { isCandidate, makeServerSet, type ServerSet } from "./server_set.ts";
import { largest, makeNames, randomAt } from "./test_arrivals.ts";

/** Which servers are left by a bound, all being eligible before. */
function left(weights: readonly number[], open: readonly number[], factor: number): string {
  const servers = makeServerSet(makeNames(weights.length), weights);
  servers.open.set(open);
  new LoadBound(factor).apply(servers);
  return [...servers.eligible].join("");
}

Deno.test("a server is full when one more were above its part times the factor, rounded up", () => {
  // 1.25 x 10 / 3 = 4.2, so 5 at most.
  assert.equal(left([1, 1, 1], [5, 4, 0], 1.25), "011");
  // 2 x 10 / 3 = 6.7, so 7.
  assert.equal(left([1, 1, 1], [7, 2, 0], 2), "011");
  assert.equal(left([1, 1, 1], [6, 3, 0], 2), "111");
  // A part of 3 in 4: 1.5 x 8 x 3/4 = 9 and 1.5 x 8 / 4 = 3.
  assert.equal(left([3, 1], [4, 3], 1.5), "10");
  assert.equal(left([3, 1], [5, 2], 1.5), "11");
});

Deno.test("a bound that is a whole number is not one more by rounding", () => {
  // 1.1 x 10 is a little above 11 in floating point.
  assert.equal(left([1, 1], [11, 8], 1.1), "01");
  assert.equal(left([1], [9], 1.1), "1");
  for (let tens = 1; tens < 2000; tens++) {
    const open = [11 * tens, 9 * tens - 1];
    assert.equal(left([1, 1], open, 1.1), "01", `${tens}`);
    assert.equal(left([1, 1], [11 * tens - 1, 9 * tens], 1.1), "11", `${tens}`);
  }
});

Deno.test("idle servers have room, and one server always has", () => {
  assert.equal(left([1, 1, 256], [0, 0, 0], 1.05), "111");
  assert.equal(left([5], [1_000_000], 1.05), "1");
  assert.equal(left([], [], 1.25), "");
});

Deno.test("only candidates count, and their share of a slow start counts as weight does", () => {
  const servers = makeServerSet(makeNames(4), [1, 1, 1, 0]);
  servers.eligible[2] = 0;
  servers.open.set([6, 2, 1000, 1000]);
  new LoadBound(1.25).apply(servers);
  // 1.25 x 9 / 2 = 5.6
  assert.deepEqual([...servers.eligible], [0, 1, 0, 1]);

  servers.eligible.set([1, 1, 0, 0]);
  servers.shares[1] = 64;
  servers.open.set([6, 2, 0, 0]);
  new LoadBound(1.25).apply(servers);
  // 1.25 x 9 x 4/5 = 9, and 1.25 x 9 / 5 = 2.25
  assert.deepEqual([...servers.eligible], [1, 1, 0, 0]);
  servers.open.set([6, 3, 0, 0]);
  new LoadBound(1.25).apply(servers);
  assert.deepEqual([...servers.eligible], [1, 0, 0, 0]);
});

Deno.test("it refuses factors that would leave nobody or bound nothing", () => {
  for (const factor of [0, 1, NaN, Infinity, -2]) assert.throws(() => new LoadBound(factor));
});

Deno.test("at least one candidate is left if there was any, and nobody is added", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          weight: fc.nat(256),
          share: fc.nat(256),
          open: fc.oneof(fc.nat(20), fc.nat(0x7fffffff)),
          eligible: fc.constantFrom(1, 1, 0),
        }),
        { maxLength: 30 },
      ),
      fc.constantFrom(1.01, 1.05, 1.25, 2, 10),
      (rows, factor) => {
        const servers = makeServerSet(makeNames(rows.length), rows.map(({ weight }) => weight));
        servers.shares.set(rows.map(({ share }) => share));
        servers.open.set(rows.map(({ open }) => open));
        servers.eligible.set(rows.map(({ eligible }) => eligible));
        const isPickable = (server: number) =>
          isCandidate(servers, server) && servers.shares[server] > 0;
        const before = rows.map((_, server) => isPickable(server));
        new LoadBound(factor).apply(servers);
        const after = rows.map((_, server) => isPickable(server));
        assert.equal(after.includes(true), before.includes(true));
        after.forEach((is, server) => assert.ok(!is || before[server]));
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

/** Keys of which a few are very busy: the n-th comes in proportion to 1/n. */
function makeBusyKeys(count: number): (random: number) => number {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let key = 0; key < count; key++) sums[key] = sum += 1 / (key + 1);
  return (random) => {
    const wanted = (random / 2 ** 32) * sum;
    let key = 0;
    while (sums[key] <= wanted) key++;
    return key;
  };
}

interface Spread {
  /** The largest load of a server as a multiple of its part, at the worst moment. */
  readonly peak: number;
  /** Share of the connections that did not come to the first server in the key's order. */
  readonly away: number;
}

/** 2,000 connections stay open; then each new one takes the place of the oldest. */
function spread(servers: ServerSet, factor: number): Spread {
  const { pick, state } = makePolicy("consistent_hash", servers);
  const bound = factor === 0 ? null : new LoadBound(factor);
  const draw = makeBusyKeys(1000);
  const sum = servers.weights.reduce((left, right) => left + right);
  const opened: number[] = [];
  let peak = 0;
  let away = 0;
  for (let arrival = 0; arrival < 12_000; arrival++) {
    const hash = randomAt(5, draw(randomAt(6, arrival)));
    servers.eligible.fill(1);
    const home = pick(servers, state, 0, hash);
    bound?.apply(servers);
    const server = pick(servers, state, 0, hash);
    if (server !== home) away++;
    opened.push(server);
    servers.open[server]++;
    const load = servers.open[server];
    const total = servers.open.reduce((left, right) => left + right);
    if (bound !== null) {
      assert.ok(load <= Math.ceil(factor * total * servers.weights[server] / sum - 1e-9));
    }
    if (arrival >= 2000) {
      servers.open[opened[arrival - 2000]]--;
      for (let one = 0; one < servers.count; one++) {
        peak = Math.max(peak, servers.open[one] / (2000 * servers.weights[one] / sum));
      }
    }
  }
  return { peak, away: away / 12_000 };
}

Deno.test("busy keys take no server above its bound, and most connections stay at home", () => {
  const names = makeNames(10);
  const free = spread(makeServerSet(names, new Array(10).fill(1)), 0);
  assert.ok(free.peak > 1.8, `without a bound one server has ${free.peak}`);
  assert.equal(free.away, 0);
  for (const [factor, awayMax] of [[1.1, 0.25], [1.25, 0.12], [1.5, 0.04], [2, 0.01]]) {
    const { peak, away } = spread(makeServerSet(names, new Array(10).fill(1)), factor);
    // A server that is full stays so while others close: its bound then falls by that little.
    assert.ok(peak <= factor + 0.02, `${factor}: ${peak}`);
    assert.ok(away <= awayMax, `${factor}: ${away}`);
  }
});

Deno.test("bounds go by weight", () => {
  const { peak } = spread(makeServerSet(makeNames(5), [1, 2, 3, 4, 10]), 1.25);
  assert.ok(peak <= 1.25 + 0.02, `${peak}`);
});

Deno.test("a key is back at its server as soon as that has room", () => {
  const servers = makeServerSet(makeNames(4), [1, 1, 1, 1]);
  const { pick, state } = makePolicy("consistent_hash", servers);
  const bound = new LoadBound(1.25);
  const place = (hash: number) => {
    servers.eligible.fill(1);
    bound.apply(servers);
    return pick(servers, state, 0, hash);
  };
  const before = Array.from({ length: 400 }, (_, key) => place(randomAt(8, key)));
  servers.open.set([0, 90, 0, 0]);
  for (let key = 0; key < 400; key++) {
    const now = place(randomAt(8, key));
    if (before[key] === 1) assert.notEqual(now, 1);
    else assert.equal(now, before[key]);
  }
  servers.open.set([30, 30, 30, 30]);
  assert.deepEqual(Array.from({ length: 400 }, (_, key) => place(randomAt(8, key))), before);
});

Deno.test("picks with stale loads exceed the bound by no more than what was not seen", () => {
  const servers = makeServerSet(makeNames(6), new Array(6).fill(1));
  const { pick, state } = makePolicy("consistent_hash", servers);
  const bound = new LoadBound(1.25);
  const open = new Int32Array(6);
  for (let arrival = 0; arrival < 3000; arrival++) {
    if (arrival % 10 === 0) servers.open.set(open);
    servers.eligible.fill(1);
    bound.apply(servers);
    // Everything is one key.
    open[pick(servers, state, 0, 12345)]++;
  }
  assert.ok(largest(open) <= 625 + 10, [...open].join());
});
