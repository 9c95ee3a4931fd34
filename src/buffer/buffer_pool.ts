/**
 * Where every receive buffer is: offered to the kernel, leased to a connection, or in reserve.
 *
 * Three lanes (see limits.ts). The pool keeps each lane's offer at its target as long as there is a
 * reserve, newest released first, so the buffers in use are the ones still in the cache. A lease
 * begins with the receive that filled the buffer and ends with `release`, exactly once.
 *
 * Leased buffers form queues by `next`; `start` and `bytes` say which part is still to be sent.
 *
 * @hot
 */
import { assert } from "../base/assert.ts";
import {
  DATAGRAM_BUFFER_BYTES,
  DATAGRAM_BUFFERS_MAX,
  DATAGRAM_BUFFERS_OFFERED,
  FAST_BUFFER_BYTES,
  FAST_BUFFERS_MAX,
  FAST_BUFFERS_OFFERED,
  GATED_BUFFER_BYTES,
  GATED_BUFFERS_MAX,
  JOURNAL_BYTES,
} from "../limits.ts";

/** A buffer is in exactly one of these places. */
export const RESERVED = 0;
export const OFFERED = 1;
export const LEASED = 2;

/** Lanes: the fast and the gated one of streams, and that of datagrams. */
export const LANES = 3;
const DATAGRAMS = 2;
const LANE_BUFFERS = Int32Array.of(FAST_BUFFERS_MAX, GATED_BUFFERS_MAX, DATAGRAM_BUFFERS_MAX);
const LANE_OFFERED = Int32Array.of(
  FAST_BUFFERS_OFFERED,
  GATED_BUFFERS_MAX,
  DATAGRAM_BUFFERS_OFFERED,
);
const FIRST_DATAGRAM_BUFFER = FAST_BUFFERS_MAX + GATED_BUFFERS_MAX;
const GATED_OFFSET = FAST_BUFFERS_MAX * FAST_BUFFER_BYTES;
const DATAGRAM_OFFSET = GATED_OFFSET + GATED_BUFFERS_MAX * GATED_BUFFER_BYTES;

export const BUFFERS_MAX = FIRST_DATAGRAM_BUFFER + DATAGRAM_BUFFERS_MAX;
/** Behind all buffers: where datagrams sent lately are kept (see proxy/udp/flow_journal.ts). */
export const JOURNAL_OFFSET = DATAGRAM_OFFSET + DATAGRAM_BUFFERS_MAX * DATAGRAM_BUFFER_BYTES;
export const SLAB_BYTES = JOURNAL_OFFSET + JOURNAL_BYTES;

/** Takes buffers on behalf of the kernel; the ring. */
export interface BufferTaker {
  offerBuffer(lane: number, buffer: number): void;
}

/** Offset of a buffer in the slab, in bytes: lane after lane. */
export function bufferOffset(buffer: number): number {
  if (buffer < FAST_BUFFERS_MAX) return buffer * FAST_BUFFER_BYTES;
  if (buffer < FIRST_DATAGRAM_BUFFER) {
    return GATED_OFFSET + (buffer - FAST_BUFFERS_MAX) * GATED_BUFFER_BYTES;
  }
  return DATAGRAM_OFFSET + (buffer - FIRST_DATAGRAM_BUFFER) * DATAGRAM_BUFFER_BYTES;
}

export function bufferCapacity(buffer: number): number {
  if (buffer < FAST_BUFFERS_MAX) return FAST_BUFFER_BYTES;
  return buffer < FIRST_DATAGRAM_BUFFER ? GATED_BUFFER_BYTES : DATAGRAM_BUFFER_BYTES;
}

function laneOf(buffer: number): number {
  if (buffer < FAST_BUFFERS_MAX) return 0;
  return buffer < FIRST_DATAGRAM_BUFFER ? 1 : DATAGRAMS;
}

/** Whether a buffer is of the gated lane, whose bytes are still in their socket. */
export function isGated(buffer: number): boolean {
  return laneOf(buffer) === 1;
}

export class BufferPool {
  /** Next buffer of the queue that holds this one; -1 at its end. */
  readonly next = new Int32Array(BUFFERS_MAX).fill(-1);
  /** First byte not yet sent, from the start of the buffer. */
  readonly start = new Int32Array(BUFFERS_MAX);
  /** Bytes from `start` on. */
  readonly bytes = new Int32Array(BUFFERS_MAX);
  readonly place = new Uint8Array(BUFFERS_MAX);
  /** Per lane: buffers leased now. */
  readonly leasedCount = new Int32Array(LANES);
  readonly #offeredCount = new Int32Array(LANES);
  /** How many are offered as long as there is a reserve. */
  readonly #offeredTarget = LANE_OFFERED.slice();
  /** By lane: when its offer was widened last. */
  readonly #widenedAtMs = new Float64Array(LANES).fill(-1);
  readonly #reserve = [
    new Int32Array(FAST_BUFFERS_MAX),
    new Int32Array(GATED_BUFFERS_MAX),
    new Int32Array(DATAGRAM_BUFFERS_MAX),
  ];
  readonly #reserveCount = new Int32Array(LANES);
  readonly #taker: BufferTaker;
  readonly slab: Uint8Array;

  constructor(taker: BufferTaker, slab: Uint8Array) {
    assert(slab.length >= SLAB_BYTES, "the slab holds every buffer");
    this.#taker = taker;
    this.slab = slab;
    // Highest first, so that the lowest, adjacent ones are on top of the reserve.
    for (let buffer = BUFFERS_MAX - 1; buffer >= 0; buffer--) {
      const lane = laneOf(buffer);
      this.#reserve[lane][this.#reserveCount[lane]++] = buffer;
    }
    for (let lane = 0; lane < LANES; lane++) this.#offer(lane);
  }

  /** The kernel filled a buffer with `bytes`: the caller's lease begins. */
  lease(buffer: number, bytes: number): void {
    assert(this.place[buffer] === OFFERED, "only an offered buffer can be filled");
    assert(bytes <= bufferCapacity(buffer), "a receive fits its buffer");
    const lane = laneOf(buffer);
    this.place[buffer] = LEASED;
    this.start[buffer] = 0;
    this.bytes[buffer] = bytes;
    this.next[buffer] = -1;
    this.leasedCount[lane]++;
    this.#offeredCount[lane]--;
    this.#offer(lane);
  }

  /** Ends a lease. */
  release(buffer: number): void {
    assert(this.place[buffer] === LEASED, "a lease ends once");
    const lane = laneOf(buffer);
    this.place[buffer] = RESERVED;
    this.leasedCount[lane]--;
    this.#reserve[lane][this.#reserveCount[lane]++] = buffer;
    this.#offer(lane);
  }

  #offer(lane: number): void {
    const reserve = this.#reserve[lane];
    while (
      this.#offeredCount[lane] < this.#offeredTarget[lane] && this.#reserveCount[lane] > 0
    ) {
      const buffer = reserve[--this.#reserveCount[lane]];
      this.place[buffer] = OFFERED;
      this.#offeredCount[lane]++;
      this.#taker.offerBuffer(lane, buffer);
    }
  }

  /**
   * A lane ran dry although there is a reserve: offers twice as many. Once per turn, which is known
   * by the clock's time: all that a turn tells happened before it.
   */
  widen(lane: number, clock: { readonly nowMs: number }): void {
    if (clock.nowMs === this.#widenedAtMs[lane]) return;
    this.#widenedAtMs[lane] = clock.nowMs;
    this.#offeredTarget[lane] = Math.min(this.#offeredTarget[lane] * 2, LANE_BUFFERS[lane]);
    this.#offer(lane);
  }

  /** Offers half as many again; those that the kernel has stay until they are used. */
  narrow(): void {
    for (let lane = 0; lane < LANES; lane++) {
      const half = this.#offeredTarget[lane] >> 1;
      this.#offeredTarget[lane] = Math.max(half, LANE_OFFERED[lane]);
    }
  }

  /** Buffers leased now, of all lanes. */
  get leasedTotal(): number {
    return this.leasedCount[0] + this.leasedCount[1] + this.leasedCount[2];
  }

  /** Buffers of a lane that are not leased: offered or in reserve. */
  freeCount(lane: number): number {
    return this.#offeredCount[lane] + this.#reserveCount[lane];
  }

  /**
   * Moves the bytes of `from` behind those of `to` when they fit, and ends the lease of `from`.
   * Small pieces behind a slow destination would otherwise pin a whole buffer each.
   */
  merge(to: number, from: number): boolean {
    const end = this.start[to] + this.bytes[to];
    const bytes = this.bytes[from];
    if (end + bytes > bufferCapacity(to)) return false;
    const source = bufferOffset(from) + this.start[from];
    this.slab.copyWithin(bufferOffset(to) + end, source, source + bytes);
    this.bytes[to] += bytes;
    this.release(from);
    return true;
  }
}
