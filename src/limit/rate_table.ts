/**
 * @hot
 * A rate for each client: token buckets (token_bucket.ts) in memory that all workers share.
 *
 * Set associative (set_count.ts) with places by keyed hash: peers choose their addresses, of which
 * they have many with IPv6, so they must not choose who shares a set with them. A bucket that is
 * full again needs no place, since a client nobody remembers has a full one. So nothing is ever
 * deleted: a new client takes over the bucket of its set that is, or will be, full first. Where not
 * even that one is full yet, its client gets its tokens back early (`evictedCount`). A flood of new
 * clients thereby weakens the limit of those it shares sets with, and keeps out nobody.
 *
 * Nothing is locked. Races between workers, all of them at one instant:
 * - two take a token of one client: one update may be lost, which lets one more through;
 * - two bring in the same client: it may have two buckets, of which the first counts from then on;
 * - two bring in different clients, both to the same way: one of them is forgotten at once. With a
 *   word of each as its key, the way may belong to a third client, if that one exists;
 * - one brings in a client in the place of another, whose token is just being taken: the new client
 *   may have that one's bucket instead of a full one.
 */
import type { KeyedHash } from "../base/keyed_hash.ts";
import { countSets, setsWithin, WAYS } from "./set_count.ts";
import type { TokenBucket } from "./token_bucket.ts";

/** Half full: a place that is taken too early costs little. */
const CLIENTS_PER_SET = 4;

// A set is three cache lines: low words, high words, and the times that buckets are full at. The
// low words come first, as they alone differ in IPv4.
const HIGH = WAYS;
const BUCKET = 2 * WAYS;
const SET_FLOATS = 3 * WAYS;

/** Floats of a table for so many clients whose buckets are not full at the same time. */
export function rateTableFloats(clients: number): number {
  return countSets(clients, CLIENTS_PER_SET) * SET_FLOATS;
}

export class RateTable {
  /** Buckets that this instance took over before they were full. */
  evictedCount = 0;
  readonly #cells: Float64Array;
  readonly #setMask: number;
  readonly #hash: KeyedHash;
  readonly #bucket: TokenBucket;
  /** A key, for the hash. */
  readonly #words = new Int32Array(2);

  /**
   * @param cells of a length that `rateTableFloats` gives; zero at first.
   * @param hash with the key of all who share the cells.
   */
  constructor(cells: Float64Array, hash: KeyedHash, bucket: TokenBucket) {
    this.#cells = cells;
    this.#setMask = setsWithin(cells.length, SET_FLOATS) - 1;
    this.#hash = hash;
    this.#bucket = bucket;
  }

  /**
   * Takes a token of a client; false when it has none. The key is two signed 32-bit integers, as
   * client_key.ts makes them.
   */
  take(keyHigh: number, keyLow: number): boolean {
    const cells = this.#cells;
    this.#words[0] = keyHigh;
    this.#words[1] = keyLow;
    const set = (this.#hash.hashWords(this.#words, 0, 2) & this.#setMask) * SET_FLOATS;
    let first = set;
    for (let at = set; at < set + WAYS; at++) {
      if (cells[at] === keyLow && cells[at + HIGH] === keyHigh) {
        return this.#bucket.take(cells, at + BUCKET);
      }
      if (cells[at + BUCKET] < cells[first + BUCKET]) first = at;
    }
    if (!this.#bucket.isFull(cells, first + BUCKET)) this.evictedCount++;
    // Full before it is the new client's, which must not pay for what another took.
    cells[first + BUCKET] = 0;
    cells[first] = keyLow;
    cells[first + HIGH] = keyHigh;
    return this.#bucket.take(cells, first + BUCKET);
  }
}
