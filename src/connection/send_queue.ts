/**
 * The buffers that wait behind the one being sent to an endpoint, in order, linked through the
 * pool. Their bytes are what the high and low marks of limits.ts speak of.
 *
 * Small pieces behind a slow destination are copied together: each would pin a whole buffer.
 *
 * @hot
 */
import { assert } from "../base/assert.ts";
import type { BufferPool } from "../buffer/buffer_pool.ts";
import type { Tunnels } from "./tunnels.ts";

/** Pieces up to this size are copied behind the last queued buffer when they fit there. */
const MERGE_BYTES_MAX = 16 * 1024;
const NONE = -1;

export class SendQueue {
  readonly #tunnels: Tunnels;
  readonly #pool: BufferPool;

  constructor(tunnels: Tunnels, pool: BufferPool) {
    this.#tunnels = tunnels;
    this.#pool = pool;
  }

  push(endpoint: number, buffer: number): void {
    const tunnels = this.#tunnels;
    const bytes = this.#pool.bytes[buffer];
    const last = tunnels.queueTail[endpoint];
    tunnels.queueBytes[endpoint] += bytes;
    if (last >= 0) {
      if (bytes <= MERGE_BYTES_MAX && this.#pool.merge(last, buffer)) return;
      this.#pool.next[last] = buffer;
    } else tunnels.queueHead[endpoint] = buffer;
    tunnels.queueTail[endpoint] = buffer;
  }

  /** The buffer that has waited longest; NONE when there is none. */
  shift(endpoint: number): number {
    const tunnels = this.#tunnels;
    const head = tunnels.queueHead[endpoint];
    if (head < 0) return NONE;
    const next = this.#pool.next[head];
    tunnels.queueHead[endpoint] = next;
    if (next < 0) tunnels.queueTail[endpoint] = NONE;
    tunnels.queueBytes[endpoint] -= this.#pool.bytes[head];
    assert(tunnels.queueBytes[endpoint] >= 0, "a queue knows its bytes");
    return head;
  }

  /** Gives all buffers back; their bytes are lost. */
  clear(endpoint: number): void {
    for (let head = this.shift(endpoint); head >= 0; head = this.shift(endpoint)) {
      this.#pool.release(head);
    }
  }
}
