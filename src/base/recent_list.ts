/**
 * The newest entries of a stream that never ends, such as a log of events kept in memory.
 *
 * A ring: what is pushed beyond the capacity takes the place of the oldest entry. It counts what
 * it was ever given, so that a reader who comes again can tell how many entries it has missed. It
 * does not copy entries, so they should not change afterwards.
 */
import { assert } from "./assert.ts";

export class RecentList<Entry> {
  readonly capacity: number;
  /** Entries ever pushed, also those that are gone. */
  total = 0;
  readonly #entries: Entry[] = [];

  /** @param capacity entries kept, at least 1. */
  constructor(capacity: number) {
    assert(Number.isInteger(capacity) && capacity >= 1, "a list keeps at least one entry");
    this.capacity = capacity;
  }

  /** Entries kept now. */
  get length(): number {
    return this.#entries.length;
  }

  push(entry: Entry): void {
    // Grows up to the capacity first: many lists stay short, and none has holes.
    this.#entries[this.total % this.capacity] = entry;
    this.total++;
  }

  /** A copy, the oldest entry first. */
  toArray(): Entry[] {
    const entries = this.#entries;
    if (this.total <= this.capacity) return entries.slice();
    const oldest = this.total % this.capacity;
    return [...entries.slice(oldest), ...entries.slice(0, oldest)];
  }
}
