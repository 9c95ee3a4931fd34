/**
 * @hot
 * Retry budget of one backend: how much more load retries may make.
 *
 * `retries` bounds what one client's connection may cost, not what all of them cost together: with
 * three retries, servers that can no longer keep up get four times the connects, just then. So
 * retries are also bounded in sum, to a share of the new connections of the last ten seconds. While
 * little fails nobody notices the bound; when everything fails, connects grow by that share, and
 * no more. A few are always allowed, or a backend with little traffic would never retry.
 *
 * Workers count connections and retries in shared memory, each its own, and can add them all up:
 * these are totals since the start. What is missing is how much of that is older than the window.
 * The supervisor keeps that (`RetryWindow`) and publishes two numbers, the totals as they were at
 * the beginning of the window; a worker subtracts them and asks `allowsRetry`. Workers that ask at
 * the same instant may both take the last retry: at most one more per worker.
 */
import { assert } from "../base/assert.ts";

/** Length of the window; no less, and at most SNAPSHOT_MS and one call more. */
export const RETRY_WINDOW_MS = 10_000;

/** Retries within the window that are always allowed: 3 a second, whatever the share says. */
export const RETRIES_MIN = 30;

/** The window moves in steps of this. */
const SNAPSHOT_MS = 200;
/**
 * Snapshots are at least SNAPSHOT_MS apart, so one fewer would span the window; the last one is for
 * sums of fractions, which round.
 */
const SNAPSHOTS = RETRY_WINDOW_MS / SNAPSHOT_MS + 2;

/**
 * Whether one more retry is within the budget.
 *
 * @param retries within the window, without the one in question.
 * @param connections new ones within the window, however many attempts each took.
 * @param share of connections, 0..1; 0 leaves what is always allowed.
 */
export function allowsRetry(retries: number, connections: number, share: number): boolean {
  return retries < RETRIES_MIN || retries < share * connections;
}

/** Remembers what the totals were at the beginning of the window. */
export class RetryWindow {
  /** To be subtracted from the totals. */
  baseConnections = 0;
  baseRetries = 0;

  readonly #connections = new Float64Array(SNAPSHOTS);
  readonly #retries = new Float64Array(SNAPSHOTS);
  /** By `#elapsedMs`. */
  readonly #takenMs = new Float64Array(SNAPSHOTS);
  /** Place of the newest snapshot, and of the base. */
  #newest = 0;
  #base = 0;
  /** Totals at the last call. NaN: there was none. */
  #lastConnections = NaN;
  #lastRetries = NaN;
  #seenMs = NaN;
  /** Time that has passed, by our own count: a clock that is set back stands still for once. */
  #elapsedMs = 0;

  /**
   * To be called several times a second. When nobody calls for long, the window is as long as the
   * pause: the share of retries is the same, for a longer time.
   *
   * @param connections new ones, and
   * @param retries over all workers since the start. Both never fall, unless the caller's counters
   *   begin anew: then so does the window.
   * @returns whether the base has changed.
   */
  observe(connections: number, retries: number, nowMs: number): boolean {
    const passedMs = nowMs - this.#seenMs;
    if (passedMs > 0) this.#elapsedMs += passedMs;
    this.#seenMs = nowMs;
    // Written so that NaN, the first call, begins the window.
    const isSame = connections >= this.#lastConnections && retries >= this.#lastRetries;
    this.#lastConnections = connections;
    this.#lastRetries = retries;
    if (!isSame) return this.#begin(connections, retries);

    this.#moveBase();
    if (this.#elapsedMs - this.#takenMs[this.#newest] >= SNAPSHOT_MS) {
      this.#newest = (this.#newest + 1) % SNAPSHOTS;
      assert(this.#newest !== this.#base, "the base is never overwritten");
      this.#take(this.#newest, connections, retries);
    }
    return this.#publish();
  }

  /** What was before is not known to be within the window, so it is no part of it. */
  #begin(connections: number, retries: number): boolean {
    this.#newest = 0;
    this.#base = 0;
    this.#take(0, connections, retries);
    return this.#publish();
  }

  #take(at: number, connections: number, retries: number): void {
    this.#connections[at] = connections;
    this.#retries[at] = retries;
    this.#takenMs[at] = this.#elapsedMs;
  }

  /** The base is the newest snapshot that is as old as the window; at first, the oldest. */
  #moveBase(): void {
    while (this.#base !== this.#newest) {
      const next = (this.#base + 1) % SNAPSHOTS;
      if (this.#elapsedMs - this.#takenMs[next] < RETRY_WINDOW_MS) break;
      this.#base = next;
    }
  }

  #publish(): boolean {
    const connections = this.#connections[this.#base];
    const retries = this.#retries[this.#base];
    if (connections === this.baseConnections && retries === this.baseRetries) return false;
    this.baseConnections = connections;
    this.baseRetries = retries;
    return true;
  }
}
