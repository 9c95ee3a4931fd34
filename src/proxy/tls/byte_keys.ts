/**
 * Numbers byte strings, so that what a peer sent is looked up among what is configured without
 * making a text of it: a hash table with open addressing over one array of bytes.
 *
 * It is made once and never changes. The hash is not keyed, and need not be: only the keys of the
 * configuration are in the table, so a peer can make a lookup look at all of a run of them at
 * worst, never make the runs longer.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";
import { hashBytes } from "../../base/hash.ts";

const SEED = 0x4b455953;
const VACANT = -1;

export class ByteKeys {
  readonly count: number;
  /** All keys, one after the other; key i begins at `#starts[i]` and ends at `#starts[i + 1]`. */
  readonly #bytes: Uint8Array;
  readonly #starts: Int32Array;
  /** Key numbers; at most half of them are taken. */
  readonly #slots: Int32Array;
  readonly #mask: number;

  /** @param keys that differ; numbered in this order. */
  constructor(keys: readonly Uint8Array[]) {
    let total = 0;
    for (let i = 0; i < keys.length; i++) total += keys[i].length;
    let slots = 2;
    while (slots < 2 * keys.length) slots *= 2;
    this.count = keys.length;
    this.#bytes = new Uint8Array(total);
    this.#starts = new Int32Array(keys.length + 1);
    this.#slots = new Int32Array(slots).fill(VACANT);
    this.#mask = slots - 1;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      assert(this.find(key, 0, key.length) === -1, "keys differ");
      const start = this.#starts[i];
      this.#bytes.set(key, start);
      this.#starts[i + 1] = start + key.length;
      let slot = hashBytes(key, 0, key.length, SEED) & this.#mask;
      while (this.#slots[slot] !== VACANT) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = i;
    }
  }

  /** The number of the key that is `bytes[start..end)`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let slot = hashBytes(bytes, start, end, SEED) & this.#mask;
    for (;;) {
      const key = this.#slots[slot];
      if (key === VACANT) return -1;
      if (this.#isKey(key, bytes, start, end)) return key;
      slot = (slot + 1) & this.#mask;
    }
  }

  #isKey(key: number, bytes: Uint8Array, start: number, end: number): boolean {
    const keyStart = this.#starts[key];
    const length = end - start;
    if (this.#starts[key + 1] - keyStart !== length) return false;
    for (let i = 0; i < length; i++) {
      if (this.#bytes[keyStart + i] !== bytes[start + i]) return false;
    }
    return true;
  }
}
