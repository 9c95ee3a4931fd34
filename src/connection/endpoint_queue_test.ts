import assert from "node:assert/strict";
import { EndpointQueue } from "./endpoint_queue.ts";

Deno.test("endpoints leave in the order in which they came", () => {
  const queue = new EndpointQueue(8);
  for (const endpoint of [5, 0, 7]) queue.push(endpoint);
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift(), queue.shift()], [5, 0, 7, -1]);
  assert.equal(queue.isEmpty, true);
});

Deno.test("an endpoint stands in the queue once, at its first place", () => {
  const queue = new EndpointQueue(8);
  for (const endpoint of [1, 2, 1, 2, 3, 3]) queue.push(endpoint);
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift(), queue.shift()], [1, 2, 3, -1]);
});

Deno.test("an endpoint that has left may come again", () => {
  const queue = new EndpointQueue(8);
  queue.push(4);
  assert.equal(queue.shift(), 4);
  queue.push(4);
  assert.equal(queue.isEmpty, false);
  assert.equal(queue.shift(), 4);
});
