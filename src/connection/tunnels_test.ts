import assert from "node:assert/strict";
import { CONNECTING, FREE, RECEIVING, Tunnels } from "./tunnels.ts";

Deno.test("slots are handed out until none is left, the one freed last first", () => {
  const tunnels = new Tunnels(3);
  const slots = [tunnels.open(10), tunnels.open(11), tunnels.open(12)];
  assert.deepEqual(slots, [0, 1, 2]);
  assert.equal(tunnels.freeCount, 0);
  for (const slot of slots) tunnels.state[slot] = CONNECTING;
  assert.throws(() => tunnels.open(13), /armed only for slots that are free/);
  tunnels.free(1);
  assert.equal(tunnels.open(14), 1);
});

Deno.test("a freed slot comes back with another generation and nothing of its past", () => {
  const tunnels = new Tunnels(1);
  const slot = tunnels.open(10);
  const { generation } = tunnels;
  const before = generation[slot];
  tunnels.state[slot] = CONNECTING;
  tunnels.attempts[slot] = 3;
  tunnels.backend[slot] = 2;
  tunnels.targetPort[slot] = 443;
  tunnels.isCounted[slot] = 1;
  tunnels.resets[slot] = 1;
  tunnels.queueBytes[slot * 2] = 5;
  tunnels.free(slot);
  assert.equal(tunnels.open(11), slot);
  assert.notEqual(generation[slot], before);
  assert.equal(tunnels.attempts[slot], 0);
  assert.equal(tunnels.queueBytes[slot * 2], 0);
  assert.deepEqual([tunnels.backend[slot], tunnels.server[slot]], [-1, -1]);
  assert.equal(tunnels.targetPort[slot], -1, "as the socket has it");
  assert.deepEqual([tunnels.isCounted[slot], tunnels.resets[slot]], [0, 0]);
  assert.deepEqual([tunnels.fd[slot * 2], tunnels.fd[slot * 2 + 1]], [11, -1]);
});

Deno.test("a slot with an operation in flight cannot be freed, nor one that is free", () => {
  const tunnels = new Tunnels(1);
  const slot = tunnels.open(10);
  tunnels.state[slot] = CONNECTING;
  tunnels.flags[slot * 2 + 1] = RECEIVING;
  assert.throws(() => tunnels.free(slot), /the kernel is done with a slot/);
  tunnels.flags[slot * 2 + 1] = 0;
  tunnels.free(slot);
  assert.equal(tunnels.state[slot], FREE);
  assert.throws(() => tunnels.free(slot), /freed once/);
});

Deno.test("generations stay small integers, after any number of uses", () => {
  const tunnels = new Tunnels(1);
  tunnels.generation[0] = (1 << 29) - 1;
  const slot = tunnels.open(10);
  tunnels.state[slot] = CONNECTING;
  tunnels.free(slot);
  assert.equal(tunnels.generation[0], 0);
});
