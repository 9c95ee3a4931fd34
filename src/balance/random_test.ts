import assert from "node:assert/strict";
import { makePolicy } from "./policy.ts";
import { makeServerSet } from "./server_set.ts";

Deno.test("random gives each server exactly its part of the random numbers", () => {
  const servers = makeServerSet(["a", "b", "c", "d"], [1, 2, 0, 5]);
  const { pick, state } = makePolicy("random", servers);
  const eighth = 2 ** 29;
  const edges: [number, number][] = [
    [0, 0],
    [eighth - 1, 0],
    [eighth, 1],
    [3 * eighth - 1, 1],
    [3 * eighth, 3],
    [8 * eighth - 1, 3],
  ];
  for (const [random, server] of edges) assert.equal(pick(servers, state, random, 0), server);
});

Deno.test("random has regard neither to load nor to hash", () => {
  const servers = makeServerSet(["a", "b"], [1, 1]);
  const { pick, state } = makePolicy("random", servers);
  servers.open.set([1_000_000, 0]);
  for (const hash of [0, 1, 0xffffffff]) assert.equal(pick(servers, state, 5, hash), 0);
});
