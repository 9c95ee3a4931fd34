import assert from "node:assert/strict";
import type { BufferPool } from "../../buffer/buffer_pool.ts";
import { DATAGRAM_BUFFERS_MAX } from "../../limits.ts";
import { SentBuffers } from "./sent_buffers.ts";

function makeSent() {
  const released: number[] = [];
  const pool = { release: (buffer: number) => void released.push(buffer) };
  const sent = new SentBuffers(pool as unknown as BufferPool);
  /** What is released by a turn in which `during` happens while completions are handled. */
  const turn = (during: () => void = () => {}) => {
    released.length = 0;
    sent.beginTurn();
    during();
    sent.settle();
    return [...released];
  };
  return { sent, turn };
}

Deno.test("a buffer goes back after the turn whose call has submitted its send", () => {
  const { sent, turn } = makeSent();
  sent.add(7);
  sent.add(8);
  assert.equal(sent.count, 2);
  assert.deepEqual(turn(), [7, 8]);
  assert.equal(sent.count, 0);
  assert.deepEqual(turn(), []);
});

Deno.test("a send that a turn's completions have asked for is over after the next turn", () => {
  const { sent, turn } = makeSent();
  sent.add(1);
  assert.deepEqual(turn(() => sent.add(2)), [1]);
  assert.equal(sent.count, 1);
  assert.deepEqual(turn(() => sent.add(3)), [2]);
  assert.deepEqual(turn(), [3]);
});

Deno.test("a buffer that is sent from once more stays a turn longer, and only one", () => {
  const { sent, turn } = makeSent();
  for (const buffer of [1, 2, 3]) sent.add(buffer);
  const released = turn(() => {
    sent.keep(2);
    sent.add(4);
  });
  assert.deepEqual(released, [1, 3]);
  assert.equal(sent.count, 2);
  assert.deepEqual(turn(() => sent.keep(4)), [2]);
  assert.deepEqual(turn(), [4]);
  // The same buffer with another datagram is no exception any more.
  sent.add(2);
  assert.deepEqual(turn(), [2]);
});

Deno.test("every buffer of the lane may be in a send, and no other", () => {
  const { sent, turn } = makeSent();
  for (let buffer = 0; buffer < DATAGRAM_BUFFERS_MAX; buffer++) sent.add(buffer);
  assert.throws(() => sent.add(0), /sent from once/);
  assert.equal(turn().length, DATAGRAM_BUFFERS_MAX);
});
