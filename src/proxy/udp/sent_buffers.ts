/**
 * Buffers of datagrams that were handed to a send. Sends end within the call that submits them, so
 * a buffer goes back to its lane after the turn whose call has submitted its send, not earlier.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";
import { type BufferPool, BUFFERS_MAX } from "../../buffer/buffer_pool.ts";
import { DATAGRAM_BUFFERS_MAX } from "../../limits.ts";

export class SentBuffers {
  readonly #pool: BufferPool;
  readonly #buffers = new Int32Array(DATAGRAM_BUFFERS_MAX);
  #count = 0;
  /** Whether a buffer is sent from once more, by a send that this turn's completions asked for. */
  readonly #isKept = new Uint8Array(BUFFERS_MAX);
  /** Of these, the first ones, whose sends the turn under way submits. */
  #submitted = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  get count(): number {
    return this.#count;
  }

  /** A send from this leased buffer was queued. */
  add(buffer: number): void {
    assert(this.#count < DATAGRAM_BUFFERS_MAX, "a buffer is sent from once");
    this.#buffers[this.#count++] = buffer;
  }

  /** Before a turn's call. */
  beginTurn(): void {
    this.#submitted = this.#count;
  }

  /** The send has failed, and another one from the same buffer was queued in its place. */
  keep(buffer: number): void {
    this.#isKept[buffer] = 1;
  }

  /** After the turn's completions were handled: even a send that failed is over. */
  settle(): void {
    let kept = 0;
    for (let i = 0; i < this.#submitted; i++) {
      const buffer = this.#buffers[i];
      if (this.#isKept[buffer] === 1) {
        this.#isKept[buffer] = 0;
        this.#buffers[kept++] = buffer;
      } else this.#pool.release(buffer);
    }
    this.#buffers.copyWithin(kept, this.#submitted, this.#count);
    this.#count -= this.#submitted - kept;
    this.#submitted = 0;
  }
}
