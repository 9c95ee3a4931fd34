import assert from "node:assert/strict";
import { isCandidate, makeServerSet, SERVERS_MAX, WEIGHT_MAX } from "./server_set.ts";

Deno.test("a new set has every server eligible with nothing open", () => {
  const weights = [1, 0, WEIGHT_MAX];
  const servers = makeServerSet(["a", "b", "c"], weights);
  weights[0] = 9;
  assert.equal(servers.count, 3);
  assert.deepEqual([...servers.weights], [1, 0, WEIGHT_MAX]);
  assert.deepEqual([...servers.open], [0, 0, 0]);
  assert.deepEqual([...servers.eligible], [1, 1, 1]);
});

Deno.test("a candidate is eligible and has a weight", () => {
  const servers = makeServerSet(["a", "b", "c", "d"], [1, 0, 1, 0]);
  servers.eligible.set([1, 1, 0, 0]);
  assert.deepEqual([0, 1, 2, 3].map((server) => isCandidate(servers, server)), [
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("a set refuses weights and sizes that policies do not reckon with", () => {
  for (const weight of [-1, 0.5, WEIGHT_MAX + 1, NaN, Infinity]) {
    assert.throws(() => makeServerSet(["a"], [weight]), /a weight is an integer/);
  }
  assert.throws(() => makeServerSet(["a"], []), /a name and a weight/);
  const tooMany = SERVERS_MAX + 1;
  assert.throws(
    () => makeServerSet(new Array(tooMany).fill("a"), new Array(tooMany).fill(1)),
    /SERVERS_MAX/,
  );
});
