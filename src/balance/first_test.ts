import assert from "node:assert/strict";
import { pickFirst } from "./first.ts";
import { makePolicy } from "./policy.ts";
import { makePolicyState } from "./policy_state.ts";
import { makeServerSet, SHARE_FULL } from "./server_set.ts";
import { randomAt } from "./test_arrivals.ts";

Deno.test("first goes on to the next server only while those before it are out", () => {
  const servers = makeServerSet(["a", "b", "c", "d"], [1, 0, 1, 256]);
  servers.open.set([50_000, 0, 0, 0]);
  const { pick, state } = makePolicy("first", servers);
  const pickNow = (draw: number) => pick(servers, state, randomAt(1, draw), randomAt(2, draw));
  for (let draw = 0; draw < 100; draw++) assert.equal(pickNow(draw), 0);
  servers.eligible[0] = 0;
  for (let draw = 0; draw < 100; draw++) assert.equal(pickNow(draw), 2);
  servers.eligible[2] = 0;
  for (let draw = 0; draw < 100; draw++) assert.equal(pickNow(draw), 3);
  servers.eligible[0] = 1;
  for (let draw = 0; draw < 100; draw++) assert.equal(pickNow(draw), 0);
});

Deno.test("a server that starts slowly is passed over by as many as its share says", () => {
  const servers = makeServerSet(["slow", "next"], [1, 1]);
  servers.shares[0] = SHARE_FULL / 4;
  const picks = [0, 0];
  for (let i = 0; i < 4000; i++) picks[pickFirst(servers, makePolicyState({}), randomAt(7, i))]++;
  // 1000 expected, standard deviation 27.
  assert.ok(picks[0] > 860 && picks[0] < 1140, String(picks));
});

Deno.test("a server that starts slowly gets all when there is nobody else", () => {
  const servers = makeServerSet(["slow"], [1]);
  servers.shares[0] = 1;
  for (let i = 0; i < 100; i++) {
    assert.equal(pickFirst(servers, makePolicyState({}), randomAt(7, i)), 0);
  }
});
