/**
 * How many errors each server of a backend had lately, from counters that only ever grow.
 *
 * Time is cut into buckets, and a ring of them covers the window. So an error is forgotten between
 * one window and one bucket more after it was seen, the memory does not depend on how many there
 * are, and the sums are kept ready. When much time has passed at once, as on a machine that slept,
 * all buckets are empty.
 */
import { assert } from "../base/assert.ts";

/** Enough that a window is at most 5 % longer than asked for. */
const BUCKETS = 20;
/** The one that is being filled counts in addition. */
const RING = BUCKETS + 1;

export class ErrorWindow {
  readonly #servers: number;
  readonly #bucketMs: number;
  /** RING rows of one count per server. */
  readonly #counts: Float64Array;
  readonly #sums: Float64Array;
  /** What the counters were when they were last seen; NaN: never. */
  readonly #seen: Float64Array;
  /** Number of the bucket being filled, counted from time 0. */
  #bucket = 0;

  constructor(servers: number, windowMs: number) {
    assert(windowMs > 0, "a window has a length");
    this.#servers = servers;
    this.#bucketMs = windowMs / BUCKETS;
    this.#counts = new Float64Array(RING * servers);
    this.#sums = new Float64Array(servers);
    this.#seen = new Float64Array(servers).fill(NaN);
  }

  /** Forgets what is too old. @param nowMs never less than before. */
  advance(nowMs: number): void {
    const bucket = Math.floor(nowMs / this.#bucketMs);
    const first = Math.max(this.#bucket + 1, bucket - BUCKETS);
    for (let next = first; next <= bucket; next++) {
      const row = (next % RING) * this.#servers;
      for (let server = 0; server < this.#servers; server++) {
        this.#sums[server] -= this.#counts[row + server];
        this.#counts[row + server] = 0;
      }
    }
    this.#bucket = Math.max(bucket, this.#bucket);
  }

  /**
   * Takes in the counter of a server.
   *
   * What it is when it is first seen happened before there was a window. One that has fallen has
   * lost the part of a worker that was replaced; it counts on from where it is.
   */
  see(server: number, total: number): void {
    const grown = total - this.#seen[server];
    this.#seen[server] = total;
    if (!(grown > 0)) return;
    this.#counts[(this.#bucket % RING) * this.#servers + server] += grown;
    this.#sums[server] += grown;
  }

  sum(server: number): number {
    return this.#sums[server];
  }

  /** Forgets all errors of a server. */
  clear(server: number): void {
    for (let row = 0; row < RING; row++) this.#counts[row * this.#servers + server] = 0;
    this.#sums[server] = 0;
  }
}
