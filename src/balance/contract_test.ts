/**
 * What every policy promises, whichever it is. A policy is added by its name in `POLICY_NAMES` and
 * a line in `PROMISES`.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { makePolicy, POLICY_NAMES, type PolicyName } from "./policy.ts";
import { isCandidate, makeServerSet, type ServerSet, WEIGHT_MAX } from "./server_set.ts";
import { arrive, makeNames, randomAt, smallest } from "./test_arrivals.ts";

interface Promises {
  /**
   * How far a server's picks may be from its share of `total` arrivals that stay open, in picks;
   * null when the policy has no regard to weights. `share` is its weight over all weights.
   */
  readonly deviationMax: ((share: number, total: number) => number) | null;
  /** Whether every candidate is picked sooner or later. */
  readonly reachesAll: boolean;
}

/** Five standard deviations of independent draws: a correct policy exceeds it once in 10^6. */
function fiveSigma(share: number, total: number): number {
  return 5 * Math.sqrt(total * share * (1 - share)) + 1;
}

const PROMISES: Record<PolicyName, Promises> = {
  // Exact whenever the arrivals are whole cycles, which the test takes care of.
  round_robin: { deviationMax: () => 0, reachesAll: true },
  // Each server is filled to the same load per weight, to within the one connection to come.
  least_conn: { deviationMax: () => 1, reachesAll: true },
  // The mean load is exceeded by log log n, whatever the total; the bound has room for six servers.
  p2c: { deviationMax: (share) => 4 + 6 * share, reachesAll: true },
  random: { deviationMax: fiveSigma, reachesAll: true },
  first: { deviationMax: null, reachesAll: false },
  // As least_conn, since these tests measure nothing.
  least_latency: { deviationMax: () => 1, reachesAll: true },
  // Independent keys, and a table whose shares are true to a slot or two.
  consistent_hash: {
    deviationMax: (share, total) => fiveSigma(share, total) + (2 / 65537) * total,
    reachesAll: true,
  },
};

const weightArbitrary = fc.oneof(
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: WEIGHT_MAX }) },
);

const costArbitrary = fc.oneof(
  fc.constant(0),
  fc.constantFrom(0.001, 1, 2),
  fc.double({ min: 0.001, max: 1e6, noNaN: true }),
);

/** Servers and a sequence of picks, each with its own eligible servers, loads and costs. */
const sceneArbitrary = fc.integer({ min: 1, max: 12 }).chain((count) =>
  fc.record({
    weights: fc.array(weightArbitrary, { minLength: count, maxLength: count }),
    picks: fc.array(
      fc.record({
        eligible: fc.array(fc.nat(1), { minLength: count, maxLength: count }),
        open: fc.array(fc.nat(1_000_000), { minLength: count, maxLength: count }),
        costs: fc.array(costArbitrary, { minLength: count, maxLength: count }),
        random: fc.nat(0xffffffff),
        hash: fc.nat(0xffffffff),
      }),
      { minLength: 1, maxLength: 20 },
    ),
  })
);

function hasCandidate(servers: ServerSet): boolean {
  for (let server = 0; server < servers.count; server++) {
    if (isCandidate(servers, server)) return true;
  }
  return false;
}

for (const name of POLICY_NAMES) {
  const promises = PROMISES[name];

  Deno.test(`${name} picks candidates only, and -1 exactly when there is none`, () => {
    fc.assert(
      fc.property(sceneArbitrary, ({ weights, picks }) => {
        const servers = makeServerSet(makeNames(weights.length), weights);
        const { pick, state } = makePolicy(name, servers);
        for (const { eligible, open, costs, random, hash } of picks) {
          servers.eligible.set(eligible);
          servers.open.set(open);
          servers.costs.set(costs);
          const server = pick(servers, state, random, hash);
          if (server === -1) assert.ok(!hasCandidate(servers), "missed a candidate");
          else assert.ok(isCandidate(servers, server), `picked ${server}`);
        }
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  Deno.test(`${name} gives the same picks for the same inputs and leaves the servers alone`, () => {
    fc.assert(
      fc.property(sceneArbitrary, ({ weights, picks }) => {
        const servers = makeServerSet(makeNames(weights.length), weights);
        const one = makePolicy(name, servers);
        const other = makePolicy(name, servers);
        for (const { eligible, open, costs, random, hash } of picks) {
          servers.eligible.set(eligible);
          servers.open.set(open);
          servers.costs.set(costs);
          const before = structuredClone(servers);
          const picked = one.pick(servers, one.state, random, hash);
          assert.equal(other.pick(servers, other.state, random, hash), picked);
          assert.deepEqual(servers, before);
        }
        assert.deepEqual(one.state, other.state);
      }),
      { seed: 2, numRuns: 30 },
    );
  });

  Deno.test(`${name} follows a weight that is set to zero and raised again`, () => {
    const servers = makeServerSet(["a", "b"], [0, 0]);
    const { pick, state } = makePolicy(name, servers);
    assert.equal(pick(servers, state, 7, 7), -1);
    servers.weights[1] = 3;
    assert.equal(pick(servers, state, 7, 7), 1);
    servers.weights.set([2, 0]);
    assert.equal(pick(servers, state, 7, 7), 0);
  });

  Deno.test(`${name} works with no server and with one`, () => {
    const none = makeServerSet([], []);
    const empty = makePolicy(name, none);
    assert.equal(empty.pick(none, empty.state, 0, 0), -1);

    for (const weight of [1, WEIGHT_MAX]) {
      const servers = makeServerSet(["only"], [weight]);
      assert.deepEqual([...arrive(servers, makePolicy(name, servers), 1000, weight)], [1000]);
      const { pick, state } = makePolicy(name, servers);
      for (const extreme of [0, 0x7fffffff, 0x80000000, 0xffffffff]) {
        assert.equal(pick(servers, state, extreme, extreme), 0);
      }
      servers.eligible[0] = 0;
      assert.equal(pick(servers, state, 1, 1), -1);
    }
  });

  if (promises.deviationMax !== null) {
    const deviationMax = promises.deviationMax;
    for (
      const weights of [
        [1, 1, 1, 1, 1],
        [1, 2, 3, 4],
        [WEIGHT_MAX, 1],
        [1, WEIGHT_MAX],
        [WEIGHT_MAX, 1, WEIGHT_MAX, 0, 7],
        [100, 50, 25, 12, 6, 3],
      ]
    ) {
      Deno.test(`${name} honours weights ${weights.join(",")}`, () => {
        const sum = weights.reduce((left, right) => left + right);
        const total = sum * Math.ceil(50_000 / sum);
        const servers = makeServerSet(makeNames(weights.length), weights);
        const picks = arrive(servers, makePolicy(name, servers), total, 3);
        for (let server = 0; server < weights.length; server++) {
          const share = weights[server] / sum;
          const deviation = Math.abs(picks[server] - total * share);
          assert.ok(deviation <= deviationMax(share, total), `server ${server}: ${[...picks]}`);
        }
      });
    }

    Deno.test(`${name} honours weights among those left when a server drops out`, () => {
      const weights = [5, 3, 2, 4];
      const servers = makeServerSet(makeNames(weights.length), weights);
      servers.eligible[0] = 0;
      const total = 9 * 5000;
      const picks = arrive(servers, makePolicy(name, servers), total, 4);
      assert.equal(picks[0], 0);
      for (let server = 1; server < weights.length; server++) {
        const share = weights[server] / 9;
        const deviation = Math.abs(picks[server] - total * share);
        assert.ok(deviation <= deviationMax(share, total), `server ${server}: ${[...picks]}`);
      }
    });
  }

  Deno.test(`${name} works with 512 servers of which some are out`, () => {
    const servers = makeServerSet(makeNames(512), new Array(512).fill(1));
    const policy = makePolicy(name, servers);
    for (let arrival = 0; arrival < 2000; arrival++) {
      servers.eligible.fill(1);
      for (let out = 0; out < 100; out++) servers.eligible[randomAt(arrival, out) % 512] = 0;
      const server = policy.pick(servers, policy.state, randomAt(5, arrival), randomAt(6, arrival));
      assert.ok(isCandidate(servers, server));
    }
  });

  if (promises.reachesAll) {
    Deno.test(`${name} reaches each of 512 servers`, () => {
      const servers = makeServerSet(makeNames(512), new Array(512).fill(2));
      assert.ok(smallest(arrive(servers, makePolicy(name, servers), 20_000, 7)) > 0);
    });

    Deno.test(`${name} reaches each candidate whichever two of six are out`, () => {
      const servers = makeServerSet(makeNames(6), [1, 1, 2, 2, 3, 3]);
      for (let one = 0; one < 6; one++) {
        for (let other = 0; other < one; other++) {
          servers.open.fill(0);
          servers.eligible.fill(1);
          servers.eligible[one] = servers.eligible[other] = 0;
          const picks = arrive(servers, makePolicy(name, servers), 500, 8);
          for (let server = 0; server < 6; server++) {
            assert.equal(picks[server] > 0, isCandidate(servers, server), `${one} ${other}`);
          }
        }
      }
    });
  }
}
