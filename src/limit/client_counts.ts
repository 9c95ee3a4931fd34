/**
 * @hot
 * Open connections of each client and listener, over all workers.
 *
 * Each worker counts in a table of its own, which only it writes, and reads everybody's. So no
 * update is ever lost, nothing is locked, and what a worker had counted is dropped as a whole when
 * it died (`clear`). Sums are exact but for an instant: two workers that ask at once both see room
 * for the same last connection.
 *
 * Tables are set associative (set_count.ts), with places by keyed hash because peers choose their
 * addresses. An entry stays in its way until its count is zero, then the way is free: as nothing
 * moves, a reader in another process misses none. The count is written last when an entry is made,
 * and alone when it ends; a reader that sees a way change hands counts, at worst, connections of
 * another client, once.
 *
 * A client whose set is full is not counted (`overflowCount`): it is let in rather than kept out
 * for what others do. The caller remembers which connections were counted.
 */
import { assert } from "../base/assert.ts";
import type { KeyedHash } from "../base/keyed_hash.ts";
import { countSets, setsWithin, WAYS } from "./set_count.ts";

/** A quarter full: who is not counted is not limited. */
const CLIENTS_PER_SET = 2;

// A set is four cache lines. The low words come first, as they differ most.
const COUNT = WAYS;
const HIGH = 2 * WAYS;
const LISTENER = 3 * WAYS;
const SET_FLOATS = 4 * WAYS;

const NONE = -1;

/** Floats of one worker's table, for so many clients with connections open at the same time. */
export function clientCountsFloats(clients: number): number {
  return countSets(clients, CLIENTS_PER_SET) * SET_FLOATS;
}

export class ClientCounts {
  /** Connections that were not counted, as their client's set was full. */
  overflowCount = 0;
  readonly #tables: readonly Float64Array[];
  readonly #own: number;
  readonly #hash: KeyedHash;
  readonly #setMask: number;
  /** A key, for the hash. */
  readonly #words = new Int32Array(3);

  /**
   * @param tables one per worker, of a length that `clientCountsFloats` gives; zero at first.
   * @param own the one that this process writes; -1 for a process that only reads and clears.
   * @param hash with the key of all who share the tables.
   */
  constructor(tables: readonly Float64Array[], own: number, hash: KeyedHash) {
    assert(own >= NONE && own < tables.length, "a worker has a table");
    for (const table of tables) {
      assert(table.length === tables[0].length, "a set has the same place in each table");
    }
    this.#tables = tables;
    this.#own = own;
    this.#hash = hash;
    this.#setMask = setsWithin(tables[0].length, SET_FLOATS) - 1;
  }

  /**
   * Counted connections of a client over all workers. Here and below the key is three signed 32-bit
   * integers: the listener's number, and what client_key.ts makes.
   */
  sum(listener: number, high: number, low: number): number {
    const set = this.#findSet(listener, high, low);
    let total = 0;
    for (let worker = 0; worker < this.#tables.length; worker++) {
      const table = this.#tables[worker];
      const at = findEntry(table, set, listener, high, low);
      if (at !== NONE) total += table[at + COUNT];
    }
    return total;
  }

  /** Counts one more; false when there was no place to, so that it must not be removed. */
  add(listener: number, high: number, low: number): boolean {
    assert(this.#own !== NONE, "who counts has a table");
    const table = this.#tables[this.#own];
    const set = this.#findSet(listener, high, low);
    const at = findEntry(table, set, listener, high, low);
    if (at !== NONE) {
      table[at + COUNT]++;
      return true;
    }
    const free = findFree(table, set);
    if (free === NONE) {
      this.overflowCount++;
      return false;
    }
    table[free] = low;
    table[free + HIGH] = high;
    table[free + LISTENER] = listener;
    table[free + COUNT] = 1;
    return true;
  }

  /** Counts one less of what `add` counted. */
  remove(listener: number, high: number, low: number): void {
    assert(this.#own !== NONE, "who counts has a table");
    const table = this.#tables[this.#own];
    const at = findEntry(table, this.#findSet(listener, high, low), listener, high, low);
    assert(at !== NONE, "what is removed was counted");
    table[at + COUNT]--;
  }

  /** Forgets what a worker counted; only while it is dead, or by itself before it begins. */
  clear(worker: number): void {
    this.#tables[worker].fill(0);
  }

  #findSet(listener: number, high: number, low: number): number {
    this.#words[0] = listener;
    this.#words[1] = high;
    this.#words[2] = low;
    return (this.#hash.hashWords(this.#words, 0, 3) & this.#setMask) * SET_FLOATS;
  }
}

/** Looks at all ways: free ones may stand between others. */
function findEntry(
  table: Float64Array,
  set: number,
  listener: number,
  high: number,
  low: number,
): number {
  for (let at = set; at < set + WAYS; at++) {
    // A free way keeps the key that it had.
    if (
      table[at] === low && table[at + COUNT] > 0 && table[at + HIGH] === high &&
      table[at + LISTENER] === listener
    ) return at;
  }
  return NONE;
}

function findFree(table: Float64Array, set: number): number {
  for (let at = set; at < set + WAYS; at++) if (table[at + COUNT] === 0) return at;
  return NONE;
}
