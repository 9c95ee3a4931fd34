/**
 * @hot
 * Rates with bursts: a token bucket as the generic cell rate algorithm has it (GCRA, ITU-T I.371
 * annex A, the virtual scheduling form).
 *
 * A bucket that gains `perSecond` tokens and holds `burst` of them is one number here: the time at
 * which it will be full again, in ms ("theoretical arrival time"). A token taken puts that time off
 * by one interval; a bucket with less than a token in it has its time more than burst - 1 intervals
 * ahead. So there is nothing to refill, no second number that could disagree with the first, and a
 * cell that was never used, zero, is a full bucket, as is each whose time has passed.
 *
 * Cells are the caller's and may lie in memory that several processes use. Taking a token reads and
 * then writes: of two processes that do so at the same instant one update is lost, which lets at
 * most one more through. That is worth less than a lock.
 */
import { assert } from "../base/assert.ts";
import { HEARTBEAT_MS_MAX } from "../limits.ts";

/**
 * Part of a token that may be missing: adding intervals rounds, and would else now and then take
 * the last token from a burst.
 */
const MISSING_MAX = 1 / 1024;

export class TokenBucket {
  readonly #intervalMs: number;
  /** How far ahead a cell may be while its bucket still has a token. */
  readonly #aheadMs: number;
  /** How far ahead a cell gets by taking tokens: the bucket is empty. */
  readonly #emptyMs: number;
  readonly #clock: { readonly nowMs: number };

  /**
   * @param perSecond above 0, may be a fraction.
   * @param burst tokens of a full bucket, at least 1.
   * @param clock ms that all processes count alike; an object, as a fraction that is passed to a
   *   function would be garbage.
   */
  constructor(perSecond: number, burst: number, clock: { readonly nowMs: number }) {
    assert(perSecond > 0 && perSecond < Infinity, "a rate is a number above zero");
    assert(burst >= 1 && burst < Infinity, "a bucket holds at least one token");
    this.#intervalMs = 1000 / perSecond;
    this.#aheadMs = (burst - 1 + MISSING_MAX) * this.#intervalMs;
    this.#emptyMs = burst * this.#intervalMs;
    this.#clock = clock;
  }

  /** Takes a token out of the bucket `cells[at]`; false when there is none. */
  take(cells: Float64Array, at: number): boolean {
    const { nowMs } = this.#clock;
    const fullAtMs = cells[at];
    if (fullAtMs - nowMs > this.#aheadMs) {
      // Farther ahead than tokens can put it: a clock was set back, or the number is none of ours.
      // Only what no lag explains, or a process with a late clock would give tokens to all others.
      const isStray = fullAtMs - nowMs > this.#emptyMs + HEARTBEAT_MS_MAX;
      if (isStray) cells[at] = nowMs + this.#emptyMs;
      return false;
    }
    // Written so that NaN counts as passed.
    cells[at] = (fullAtMs > nowMs ? fullAtMs : nowMs) + this.#intervalMs;
    return true;
  }

  /** Whether the bucket is full, so that it may be forgotten. */
  isFull(cells: Float64Array, at: number): boolean {
    return !(cells[at] > this.#clock.nowMs);
  }
}
