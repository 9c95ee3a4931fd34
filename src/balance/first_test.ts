import assert from "node:assert/strict";
import { makePolicy } from "./policy.ts";
import { makeServerSet } from "./server_set.ts";
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
