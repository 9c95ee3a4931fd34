import assert from "node:assert/strict";
import fc from "fast-check";
import {
  FAST_BUFFER_BYTES,
  FAST_BUFFERS_MAX,
  FAST_BUFFERS_OFFERED,
  GATED_BUFFER_BYTES,
  GATED_BUFFERS_MAX,
  JOURNAL_BYTES,
} from "../limits.ts";
import {
  bufferCapacity,
  bufferOffset,
  BufferPool,
  BUFFERS_MAX,
  JOURNAL_OFFSET,
  LANES,
  LEASED,
  OFFERED,
  RESERVED,
  SLAB_BYTES,
} from "./buffer_pool.ts";

const slab = new Uint8Array(SLAB_BYTES);

/** A kernel that keeps what it is offered, in order. */
class Kernel {
  readonly lanes: number[][] = [[], [], []];
  offerBuffer(lane: number, buffer: number): void {
    this.lanes[lane].push(buffer);
  }
}

function makePool(): { pool: BufferPool; kernel: Kernel } {
  const kernel = new Kernel();
  return { pool: new BufferPool(kernel, slab), kernel };
}

Deno.test("buffers of all lanes tile the slab without a gap", () => {
  let end = 0;
  for (let buffer = 0; buffer < BUFFERS_MAX; buffer++) {
    assert.equal(bufferOffset(buffer), end);
    end += bufferCapacity(buffer);
  }
  // Behind them lies the journal of datagrams.
  assert.equal(end, JOURNAL_OFFSET);
  assert.equal(SLAB_BYTES, JOURNAL_OFFSET + JOURNAL_BYTES);
});

Deno.test("a small part of the fast lane is offered, and the whole gated lane", () => {
  const { pool, kernel } = makePool();
  assert.equal(kernel.lanes[0].length, FAST_BUFFERS_OFFERED);
  assert.equal(kernel.lanes[1].length, GATED_BUFFERS_MAX);
  assert.equal(pool.freeCount(0), FAST_BUFFERS_MAX);
  assert.equal(pool.freeCount(1), GATED_BUFFERS_MAX);
});

Deno.test("a lease is replaced from the reserve, the buffer released last first", () => {
  const { pool, kernel } = makePool();
  pool.lease(kernel.lanes[0][0], 10);
  pool.lease(kernel.lanes[0][1], 10);
  const [first, second] = kernel.lanes[0];
  pool.release(second);
  pool.release(first);
  kernel.lanes[0].length = 0;
  pool.lease(FAST_BUFFERS_OFFERED - 1, 1);
  assert.deepEqual(kernel.lanes[0], [first]);
});

Deno.test("when every buffer is leased nothing is offered, until one is released", () => {
  const { pool, kernel } = makePool();
  for (let i = 0; i < FAST_BUFFERS_MAX; i++) pool.lease(kernel.lanes[0].shift()!, 1);
  assert.equal(pool.freeCount(0), 0);
  assert.equal(kernel.lanes[0].length, 0);
  pool.release(7);
  assert.deepEqual(kernel.lanes[0], [7]);
});

Deno.test("a burst doubles the offer once per turn; quiet times halve it again", () => {
  const { pool, kernel } = makePool();
  pool.widen(0, { nowMs: 1 });
  pool.widen(0, { nowMs: 1 });
  assert.equal(kernel.lanes[0].length, 2 * FAST_BUFFERS_OFFERED);
  pool.widen(0, { nowMs: 2 });
  assert.equal(kernel.lanes[0].length, 4 * FAST_BUFFERS_OFFERED);
  for (let turn = 3; turn < 100; turn++) pool.widen(0, { nowMs: turn });
  assert.equal(kernel.lanes[0].length, FAST_BUFFERS_MAX);
  for (let i = 0; i < 20; i++) pool.narrow();
  const leases = FAST_BUFFERS_MAX - FAST_BUFFERS_OFFERED;
  for (let i = 0; i < leases; i++) pool.lease(kernel.lanes[0].shift()!, 1);
  assert.equal(kernel.lanes[0].length, FAST_BUFFERS_OFFERED);
  pool.lease(kernel.lanes[0].shift()!, 1);
  assert.equal(kernel.lanes[0].length, FAST_BUFFERS_OFFERED - 1, "nothing is left in reserve");
});

Deno.test("a lease begins once and ends once", () => {
  const { pool, kernel } = makePool();
  const [buffer] = kernel.lanes[0];
  assert.throws(() => pool.release(buffer), /a lease ends once/);
  pool.lease(buffer, 1);
  assert.throws(() => pool.lease(buffer, 1), /only an offered buffer/);
  pool.release(buffer);
  assert.throws(() => pool.lease(kernel.lanes[0][1], FAST_BUFFER_BYTES + 1), /fits its buffer/);
});

Deno.test("merging moves bytes behind those of another buffer when they fit", () => {
  const { pool, kernel } = makePool();
  const [to, from] = kernel.lanes[0];
  slab.set([1, 2, 3, 4], bufferOffset(to));
  slab.set([9, 5, 6], bufferOffset(from));
  pool.lease(to, 4);
  pool.lease(from, 3);
  pool.start[to] = 2;
  pool.bytes[to] = 2;
  pool.start[from] = 1;
  pool.bytes[from] = 2;
  assert.equal(pool.merge(to, from), true);
  assert.equal(pool.bytes[to], 4);
  assert.deepEqual([...slab.subarray(bufferOffset(to) + 2, bufferOffset(to) + 6)], [3, 4, 5, 6]);
  assert.notEqual(pool.place[from], LEASED);
});

Deno.test("what does not fit is not merged, and stays leased", () => {
  const { pool, kernel } = makePool();
  const [to, from] = kernel.lanes[1];
  pool.lease(to, GATED_BUFFER_BYTES);
  pool.lease(from, 1);
  assert.equal(pool.merge(to, from), false);
  assert.equal(pool.place[from], LEASED);
});

Deno.test("in any order of leases and releases every buffer is in one place", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1 << 20), { maxLength: 400 }), (choices) => {
      const { pool, kernel } = makePool();
      const leased: number[] = [];
      for (const choice of choices) {
        const lane = kernel.lanes[choice % LANES];
        if ((choice & 4) === 0 && lane.length > 0) {
          const buffer = lane.shift()!;
          pool.lease(buffer, 1);
          leased.push(buffer);
        } else if (leased.length > 0) {
          pool.release(leased.splice(choice % leased.length, 1)[0]);
        }
      }
      const places = [RESERVED, OFFERED, LEASED].map((place) =>
        pool.place.filter((each) => each === place).length
      );
      assert.equal(places[0] + places[1] + places[2], BUFFERS_MAX);
      assert.equal(places[1], kernel.lanes.flat().length);
      assert.equal(places[2], leased.length);
      assert.equal(pool.leasedCount.reduce((sum, count) => sum + count), leased.length);
    }),
    { seed: 1, numRuns: 50 },
  );
});
