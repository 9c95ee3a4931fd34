/**
 * Circuit breaker of one backend: when too many connects fail, none is tried for a while.
 *
 * Ejection takes single servers out; this is for the case that the backend as a whole is in
 * trouble (a network between us and it, an overload that each retry makes worse). Clients then get
 * their refusal at once, which costs nobody anything, and servers get the time to recover.
 *
 *     closed ----- enough attempts in the window, too many of them failed -----> open
 *     open ------- `openMs` have passed --------------------------------------> half open
 *     half open -- `trials` attempts succeeded ---> closed
 *     half open -- one attempt failed ------------> open
 *
 * It decides and refuses nothing itself: workers read the state and let through all, none, or
 * `trials` at a time. Because a refused connection is no attempt, nothing is counted while open,
 * and half open it waits for as long as no client comes.
 *
 * Attempts that were under way when it opened end later. What ends while it is open counts for
 * nothing. Only when a connect may last longer than `openMs` can one end while half open: then it
 * counts as a trial, since what it tells is as new as what a trial tells.
 */
import { assert } from "../base/assert.ts";
import { formatDuration } from "../base/duration.ts";
import { plural } from "../base/plural.ts";

/** Its place here is its number in shared memory. */
export const BREAKER_STATES = ["closed", "open", "half_open"] as const;
export type BreakerState = typeof BREAKER_STATES[number];

export const BREAKER_CLOSED = 0;
export const BREAKER_OPEN = 1;
export const BREAKER_HALF_OPEN = 2;

export interface BreakerRules {
  /** Share of attempts that fail, 0..1, from which on it opens; never without any failure. */
  readonly errors: number;
  readonly windowMs: number;
  /** Attempts in the window before anything is judged; at least 1. */
  readonly connections: number;
  readonly openMs: number;
  /** Successes that close it again; at least 1. */
  readonly trials: number;
}

/**
 * The window moves by this part of its length: it covers at least nine tenths of what the rules
 * say, never more.
 */
const BUCKETS = 10;

export class CircuitBreaker {
  /** One of the three numbers above. */
  code: number = BREAKER_CLOSED;
  /** Why it is in this state; "" until the first change. */
  reason = "";

  readonly #rules: BreakerRules;
  /** Totals at the last call. NaN: there was none. */
  #attempts = NaN;
  #failures = NaN;
  #seenMs = NaN;
  /**
   * Time that has passed, by our own count: a clock that is set back stands still for once, rather
   * than keeping the breaker open until it has caught up.
   */
  #elapsedMs = 0;
  /** By `#elapsedMs`; of the present state. */
  #sinceMs = 0;

  /** Closed: what fell into each part of the window, a ring, and the sums over all of it. */
  readonly #bucketAttempts = new Float64Array(BUCKETS);
  readonly #bucketFailures = new Float64Array(BUCKETS);
  /** Number of the newest part since the beginning of time. */
  #bucket = 0;
  #windowAttempts = 0;
  #windowFailures = 0;

  /** Half open: attempts that succeeded since it is. */
  #successes = 0;

  constructor(rules: BreakerRules) {
    assert(rules.errors >= 0 && rules.errors <= 1, "a share of errors is 0..1");
    assert(rules.windowMs > 0 && rules.openMs > 0, "window and open time are above zero");
    assert(rules.connections >= 1 && rules.trials >= 1, "nothing is judged by nothing");
    this.#rules = rules;
  }

  get state(): BreakerState {
    return BREAKER_STATES[this.code];
  }

  /**
   * To be called often, ten times in `windowMs` or more: whatever happened since the last call is
   * taken to have happened now.
   *
   * @param attempts connects that have ended, well or not, over all workers since the start. Those
   *   under way do not belong to it: they would look as if they had succeeded.
   * @param failures those among them that failed. Both never fall, unless the caller's counters
   *   begin anew: then nothing is learnt from this call.
   * @returns whether the state has changed.
   */
  observe(attempts: number, failures: number, nowMs: number): boolean {
    const attempted = attempts - this.#attempts;
    const failed = failures - this.#failures;
    const passedMs = nowMs - this.#seenMs;
    this.#attempts = attempts;
    this.#failures = failures;
    this.#seenMs = nowMs;
    // Written so that NaN, the first call, counts for nothing.
    if (passedMs > 0) this.#elapsedMs += passedMs;
    const isCounted = attempted >= 0 && failed >= 0;

    if (this.code === BREAKER_OPEN) return this.#endOpen();
    if (this.code === BREAKER_HALF_OPEN) return isCounted && this.#judgeTrials(attempted, failed);
    this.#moveWindow();
    return isCounted && this.#judgeWindow(attempted, failed);
  }

  #judgeWindow(attempted: number, failed: number): boolean {
    const { errors, connections, windowMs } = this.#rules;
    const at = this.#bucket % BUCKETS;
    this.#bucketAttempts[at] += attempted;
    this.#bucketFailures[at] += failed;
    this.#windowAttempts += attempted;
    this.#windowFailures += failed;
    if (this.#windowAttempts < connections || this.#windowFailures === 0) return false;
    if (this.#windowFailures / this.#windowAttempts < errors) return false;
    const attemptsText = plural(this.#windowAttempts, "connect");
    this.reason = `${this.#windowFailures} of ${attemptsText} failed within ${
      formatDuration(windowMs)
    }`;
    this.#enter(BREAKER_OPEN);
    return true;
  }

  #endOpen(): boolean {
    const { openMs, trials } = this.#rules;
    if (this.#elapsedMs - this.#sinceMs < openMs) return false;
    this.reason = `${plural(trials, "trial")} after ${formatDuration(openMs)} open`;
    this.#enter(BREAKER_HALF_OPEN);
    return true;
  }

  #judgeTrials(attempted: number, failed: number): boolean {
    const { trials } = this.#rules;
    if (failed > 0) {
      this.reason = "a trial failed";
      this.#enter(BREAKER_OPEN);
      return true;
    }
    this.#successes += attempted;
    if (this.#successes < trials) return false;
    this.reason = trials === 1 ? "the trial succeeded" : `${trials} trials succeeded`;
    this.#enter(BREAKER_CLOSED);
    return true;
  }

  /** Every state begins with nothing counted: what was before it has had its effect. */
  #enter(code: number): void {
    this.code = code;
    this.#sinceMs = this.#elapsedMs;
    this.#successes = 0;
    this.#bucketAttempts.fill(0);
    this.#bucketFailures.fill(0);
    this.#windowAttempts = 0;
    this.#windowFailures = 0;
    this.#bucket = this.#bucketNow();
  }

  #bucketNow(): number {
    return Math.floor(this.#elapsedMs * BUCKETS / this.#rules.windowMs);
  }

  /** Lets go of what has left the window, at most all of it however long nobody called. */
  #moveWindow(): void {
    const now = this.#bucketNow();
    const first = Math.max(this.#bucket + 1, now - BUCKETS + 1);
    for (let bucket = first; bucket <= now; bucket++) {
      const at = bucket % BUCKETS;
      this.#windowAttempts -= this.#bucketAttempts[at];
      this.#windowFailures -= this.#bucketFailures[at];
      this.#bucketAttempts[at] = 0;
      this.#bucketFailures[at] = 0;
    }
    this.#bucket = now;
  }
}
