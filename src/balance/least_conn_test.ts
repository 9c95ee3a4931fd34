import assert from "node:assert/strict";
import fc from "fast-check";
import { makePolicy } from "./policy.ts";
import { makeServerSet } from "./server_set.ts";
import { arrive, largest, makeNames, randomAt, smallest } from "./test_arrivals.ts";

Deno.test("least_conn keeps equal servers within one connection at every arrival", () => {
  const servers = makeServerSet(makeNames(7), new Array(7).fill(3));
  const policy = makePolicy("least_conn", servers);
  for (let arrival = 0; arrival < 500; arrival++) {
    arrive(servers, policy, 1, arrival);
    assert.ok(largest(servers.open) - smallest(servers.open) <= 1, [...servers.open].join());
  }
});

Deno.test("least_conn fills up a server that has fallen behind before the others get more", () => {
  const servers = makeServerSet(["a", "b", "c"], [1, 1, 1]);
  servers.open.set([10, 3, 10]);
  arrive(servers, makePolicy("least_conn", servers), 7, 1);
  assert.deepEqual([...servers.open], [10, 10, 10]);
});

Deno.test("least_conn picks the least (open + 1) / weight", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(256), fc.nat(0x7ffffffe)), { minLength: 1, maxLength: 20 }),
      fc.nat(0xffffffff),
      (rows, random) => {
        const servers = makeServerSet(makeNames(rows.length), rows.map(([weight]) => weight));
        servers.open.set(rows.map(([, open]) => open));
        const { pick, state } = makePolicy("least_conn", servers);
        const picked = pick(servers, state, random, 0);
        if (picked === -1) return;
        const [pickedWeight, pickedOpen] = rows[picked];
        for (const [weight, open] of rows) {
          if (weight === 0) continue;
          const here = BigInt(open + 1) * BigInt(pickedWeight);
          assert.ok(BigInt(pickedOpen + 1) * BigInt(weight) <= here);
        }
      },
    ),
    { seed: 1 },
  );
});

Deno.test("least_conn gives each of the tied servers the same chance, and others none", () => {
  const servers = makeServerSet(makeNames(6), [1, 1, 2, 1, 1, 4]);
  // Loads of 2, 3, 2, 3, 2 and 2 per weight; the last one is out.
  servers.open.set([1, 2, 3, 2, 1, 7]);
  servers.eligible[5] = 0;
  const { pick, state } = makePolicy("least_conn", servers);
  const picks = new Array(6).fill(0);
  for (let draw = 0; draw < 3000; draw++) picks[pick(servers, state, randomAt(2, draw), 0)]++;
  assert.equal(picks[1] + picks[3] + picks[5], 0);
  for (const server of [0, 2, 4]) {
    assert.ok(Math.abs(picks[server] - 1000) < 130, picks.join());
  }
});

Deno.test("least_conn does not let workers with a stale view run to the same server", () => {
  const servers = makeServerSet(makeNames(16), new Array(16).fill(1));
  const { pick, state } = makePolicy("least_conn", servers);
  const picks = new Array(16).fill(0);
  for (let worker = 0; worker < 64; worker++) picks[pick(servers, state, randomAt(3, worker), 0)]++;
  assert.ok(largest(picks) <= 12, picks.join());
});

Deno.test("least_conn tells loads apart that are equal once divided", () => {
  // 2^31 / 255 and (2^31 - 1) / 255 in single precision are the same number.
  const servers = makeServerSet(["a", "b"], [255, 255]);
  servers.open.set([0x7fffffff, 0x7ffffffe]);
  const { pick, state } = makePolicy("least_conn", servers);
  for (const random of [0, 0xffffffff]) assert.equal(pick(servers, state, random, 0), 1);
});
