import assert from "node:assert/strict";
import fc from "fast-check";
import { fillEffectiveWeights } from "./effective_weight.ts";
import { makeMaglevTable } from "./maglev_table.ts";
import { makePolicy, POLICY_NAMES } from "./policy.ts";
import { makeServerSet, SHARE_FULL, WEIGHT_MAX } from "./server_set.ts";
import { largest, makeNames, randomAt } from "./test_arrivals.ts";

function effective(weights: readonly number[], shares: readonly number[]): number[] {
  const out = new Int32Array(weights.length);
  fillEffectiveWeights(weights, shares, out);
  return [...out];
}

function full(count: number): number[] {
  return new Array(count).fill(SHARE_FULL);
}

const weightsArbitrary = fc.array(fc.nat(WEIGHT_MAX), { minLength: 1, maxLength: 12 });

Deno.test("a share of a small weight is told apart from the whole", () => {
  assert.deepEqual(effective([1, 1, 1], [256, 26, 128]), [256, 26, 128]);
  assert.deepEqual(effective([1, 2, 0], [256, 64, 256]), [128, 64, 0]);
  assert.deepEqual(effective([256, 128], [256, 64]), [256, 32]);
});

Deno.test("a server with a weight and a share keeps at least 1, without either it has none", () => {
  assert.deepEqual(effective([256, 1, 1, 0], [256, 1, 0, 1]), [256, 1, 0, 0]);
  assert.deepEqual(effective([0, 0], [256, 1]), [0, 0]);
  assert.deepEqual(effective([], []), []);
});

Deno.test("effective weights stay within what policies reckon with", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(WEIGHT_MAX), fc.nat(SHARE_FULL)), { maxLength: 20 }),
      (rows) => {
        const weights = rows.map(([weight]) => weight);
        const shares = rows.map(([, share]) => share);
        const result = effective(weights, shares);
        makeServerSet(makeNames(rows.length), result);
        for (let server = 0; server < rows.length; server++) {
          assert.equal(result[server] > 0, weights[server] > 0 && shares[server] > 0);
        }
      },
    ),
    { seed: 1 },
  );
});

Deno.test("a larger share never means a smaller weight, and leaves all others as they were", () => {
  fc.assert(
    fc.property(weightsArbitrary, fc.nat(SHARE_FULL - 1), (weights, share) => {
      const shares = full(weights.length);
      shares[0] = share;
      const before = effective(weights, shares);
      shares[0] = share + 1;
      const after = effective(weights, shares);
      assert.ok(after[0] >= before[0]);
      assert.deepEqual(after.slice(1), before.slice(1));
    }),
    { seed: 2 },
  );
});

Deno.test("with full shares every policy picks as it does by the plain weights", () => {
  for (const name of POLICY_NAMES) {
    fc.assert(
      fc.property(weightsArbitrary, fc.nat(0xffff), (weights, seed) => {
        const names = makeNames(weights.length);
        const plain = makeServerSet(names, weights);
        const scaled = makeServerSet(names, effective(weights, full(weights.length)));
        const one = makePolicy(name, plain);
        const other = makePolicy(name, scaled);
        for (let draw = 0; draw < 40; draw++) {
          const random = randomAt(seed, draw);
          const hash = randomAt(seed + 1, draw);
          const picked = one.pick(plain, one.state, random, hash);
          assert.equal(other.pick(scaled, other.state, random, hash), picked);
          if (picked === -1) continue;
          plain.open[picked]++;
          scaled.open[picked]++;
        }
      }),
      { seed: 3, numRuns: 15 },
    );
  }
});

Deno.test("with full shares a Maglev table is the same as that of the plain weights", () => {
  for (const weights of [[1, 1, 1], [1, 2, 3, 4], [200, 3, 0, 17], [256, 1]]) {
    const names = makeNames(weights.length);
    assert.deepEqual(
      makeMaglevTable(names, Int32Array.from(effective(weights, full(weights.length)))),
      makeMaglevTable(names, Int32Array.from(weights)),
    );
  }
});

Deno.test("round robin gives nobody several turns in a row when a ramp ends", () => {
  const weights = [1, 1, 1, 1];
  const servers = makeServerSet(makeNames(4), weights);
  const { pick, state } = makePolicy("round_robin", servers);
  for (let share = 26; share <= SHARE_FULL; share += 23) {
    fillEffectiveWeights(weights, [256, 256, share, 256], servers.weights);
    for (let turn = 0; turn < 37; turn++) pick(servers, state, 0, 0);
  }
  fillEffectiveWeights(weights, full(4), servers.weights);
  const picks = [0, 0, 0, 0];
  for (let turn = 0; turn < 40; turn++) picks[pick(servers, state, 0, 0)]++;
  assert.ok(largest(picks) <= 12, picks.join());
});

Deno.test("a ramp gives a server its share of what it will get, with each policy by weight", () => {
  const weights = [1, 1, 1, 1];
  for (const name of ["round_robin", "least_conn", "p2c", "random"] as const) {
    const servers = makeServerSet(makeNames(4), weights);
    fillEffectiveWeights(weights, [256, 64, 256, 256], servers.weights);
    const { pick, state } = makePolicy(name, servers);
    let picked = 0;
    for (let arrival = 0; arrival < 13_000; arrival++) {
      const server = pick(servers, state, randomAt(9, arrival), 0);
      servers.open[server]++;
      if (server === 1) picked++;
    }
    // A quarter of a share of 3.25 shares.
    assert.ok(Math.abs(picked - 1000) < 160, `${name}: ${picked}`);
  }
});
