/**
 * Deadlines of many slots, a few operations each: a hashed timing wheel (Varghese and Lauck,
 * SOSP 1987, scheme 6), 4096 buckets of 16 ms, doubly linked through typed arrays.
 *
 * A bucket may hold entries of later rounds (a deadline farther than the wheel's 65 s); `expire`
 * hands out a slot only when its deadline has passed. Callers are lazy: traffic does not move an
 * entry, the caller looks at the time of the last activity when the entry expires and sets it
 * again. So a busy connection costs one look per timeout, not one per byte.
 *
 * @hot
 */
import { assert } from "../base/assert.ts";

const BUCKETS = 4096;
/** A mask, because the remainder of floating-point numbers is a call of a C function. */
const BUCKET_MASK = BUCKETS - 1;
const BUCKET_MS = 16;
const NONE = -1;

/** Where the time is read: passed as an argument a fraction would be garbage, one per turn. */
export interface Clock {
  readonly nowMs: number;
}

export class TimerWheel {
  /** Deadline per slot, in milliseconds of the ring's clock; meaningful while it is set. */
  readonly deadlineMs: Float64Array;
  /** Entries set now. */
  count = 0;
  readonly #heads = new Int32Array(BUCKETS).fill(NONE);
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** Bucket of each slot's entry; NONE when it is not set. */
  readonly #bucket: Int16Array;
  readonly #clock: Clock;
  /** The bucket number, not wrapped, up to which everything has been looked at. */
  #done: number;

  constructor(slots: number, clock: Clock) {
    this.#clock = clock;
    this.deadlineMs = new Float64Array(slots);
    this.#next = new Int32Array(slots);
    this.#previous = new Int32Array(slots);
    this.#bucket = new Int16Array(slots).fill(NONE);
    this.#done = Math.floor(clock.nowMs / BUCKET_MS);
  }

  /** Sets or moves a slot's deadline. */
  set(slot: number, deadlineMs: number): void {
    if (this.#bucket[slot] !== NONE) this.clear(slot);
    // Rounded up and never in a bucket already looked at: an entry does not wait a whole round.
    let number = Math.ceil(deadlineMs / BUCKET_MS);
    if (number <= this.#done) number = this.#done + 1;
    const bucket = number & BUCKET_MASK;
    const head = this.#heads[bucket];
    this.deadlineMs[slot] = deadlineMs;
    this.#bucket[slot] = bucket;
    this.#previous[slot] = NONE;
    this.#next[slot] = head;
    if (head !== NONE) this.#previous[head] = slot;
    this.#heads[bucket] = slot;
    this.count++;
  }

  clear(slot: number): void {
    const bucket = this.#bucket[slot];
    if (bucket === NONE) return;
    const next = this.#next[slot];
    const previous = this.#previous[slot];
    if (next !== NONE) this.#previous[next] = previous;
    if (previous !== NONE) this.#next[previous] = next;
    else {
      assert(this.#heads[bucket] === slot, "an entry without a predecessor is a head");
      this.#heads[bucket] = next;
    }
    this.#bucket[slot] = NONE;
    this.count--;
  }

  /**
   * Takes out one slot whose deadline has passed, or -1. Call until -1; slots set meanwhile with
   * a deadline in the future are not seen in the same pass.
   */
  expire(): number {
    const { nowMs } = this.#clock;
    const current = Math.floor(nowMs / BUCKET_MS);
    // After a long sleep one round sees every bucket.
    if (current - this.#done > BUCKETS) this.#done = current - BUCKETS;
    while (this.#done < current) {
      const bucket = (this.#done + 1) & BUCKET_MASK;
      for (let slot = this.#heads[bucket]; slot !== NONE; slot = this.#next[slot]) {
        if (this.deadlineMs[slot] <= nowMs) {
          this.clear(slot);
          return slot;
        }
      }
      this.#done++;
    }
    return NONE;
  }
}
