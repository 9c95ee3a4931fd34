/**
 * Which server owns a QUIC connection id, in memory that all workers share.
 *
 * A QUIC client may show up with another address (its NAT forgot it, or its phone left the house),
 * and then the kernel hands its datagrams to another worker, which has no flow for them. What stays
 * is the connection id that the server chose, in each packet to it. Servers show their ids as the
 * source of long headers while a connection is set up; there a worker learns them.
 *
 * Ids that a server gives out later (NEW_CONNECTION_ID) are encrypted, so nobody between can know
 * them: a client that changes networks on purpose uses such an id, and is not found here. What is
 * found is a client whose address changed without its knowing.
 *
 * One table of floats per worker: a worker writes only its own and reads all. An entry is one
 * float, fingerprint * 65536 + server + 1, and an aligned store of 8 bytes is never seen torn; so
 * nothing is locked. Entries stand in sets of two. A new one comes first in its set and moves the
 * one that stood there to the second place, over the older one, in this order, so that a reader
 * misses neither. Nothing expires: an entry goes when others need its place.
 *
 * An id that was never learned is taken for another one with a probability of 2 in 2^32 for each
 * table and each length tried, unless ids are so short that they repeat themselves. So whoever asks
 * must check that the server found is one that the client may reach at all.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";
import { hashBytes } from "../../base/hash.ts";

/** RFC 9000 section 17.2; longer ones would belong to another version. */
const CONNECTION_ID_BYTES_MAX = 20;

const WAYS = 2;
const SERVER_SPAN = 0x10000;
/** The first float of a table is a mask instead: bit n says that ids of n bytes were learned. */
const LENGTHS = 0;

/** Fixed, since all workers must find what one has learned. */
const SET_SEED = 0x51534554;
const FINGERPRINT_SEED = 0x51465052;

export class QuicDirectory {
  readonly #tables: readonly Float64Array[];
  readonly #own: Float64Array;
  readonly #setMask: number;

  /**
   * @param tables of all workers, of one length, a power of two; zeros at the very start, and left
   *   as they are when a worker is replaced. What they hold is true as long as servers keep their
   *   numbers.
   * @param own index of the table that this worker writes.
   */
  constructor(tables: readonly Float64Array[], own: number) {
    assert(own >= 0 && own < tables.length, "a worker has a table");
    const { length } = tables[own];
    assert(length >= 2 * WAYS && (length & (length - 1)) === 0, "a table is a power of two");
    for (let i = 0; i < tables.length; i++) {
      assert(tables[i].length === length, "a set is in the same place in all tables");
    }
    this.#tables = tables;
    this.#own = tables[own];
    this.#setMask = length / WAYS - 1;
  }

  /**
   * Remembers that `bytes[start..start + length)` is an id of the server. Of other than 1..20 bytes
   * it is none that can be told from others, and is ignored.
   *
   * @param server its number through all backends, below 65535.
   */
  learn(bytes: Uint8Array, start: number, length: number, server: number): void {
    assert(server >= 0 && server < SERVER_SPAN - 1, "a server number has 16 bits");
    if (length < 1 || length > CONNECTION_ID_BYTES_MAX) return;
    const table = this.#own;
    const lengths = table[LENGTHS] | 0;
    if ((lengths & (1 << length)) === 0) table[LENGTHS] = lengths | (1 << length);
    const at = this.#setOf(bytes, start, length);
    const base = hashBytes(bytes, start, start + length, FINGERPRINT_SEED) * SERVER_SPAN;
    const entry = base + server + 1;
    // A server repeats its id in each packet until the connection is set up: known ids stay.
    for (let way = at; way < at + WAYS; way++) {
      const owner = table[way] - base;
      if (owner <= 0 || owner >= SERVER_SPAN) continue;
      if (table[way] !== entry) table[way] = entry;
      return;
    }
    table[at + 1] = table[at];
    table[at] = entry;
  }

  /**
   * The server of the id that `bytes[start..start + available)` begins with, as behind the first
   * byte of a short header: tries all lengths that any worker has learned, longest first, because a
   * longer match is less of a coincidence. -1 when it is unknown.
   */
  find(bytes: Uint8Array, start: number, available: number): number {
    let lengths = 0;
    for (let i = 0; i < this.#tables.length; i++) lengths |= this.#tables[i][LENGTHS];
    let length = available < CONNECTION_ID_BYTES_MAX ? available : CONNECTION_ID_BYTES_MAX;
    for (; length > 0; length--) {
      if ((lengths & (1 << length)) === 0) continue;
      const server = this.byLength(bytes, start, length);
      if (server >= 0) return server;
    }
    return -1;
  }

  /** The server of an id whose length is known, as in a long header; -1 when it is unknown. */
  byLength(bytes: Uint8Array, start: number, length: number): number {
    if (length < 1 || length > CONNECTION_ID_BYTES_MAX) return -1;
    const at = this.#setOf(bytes, start, length);
    const base = hashBytes(bytes, start, start + length, FINGERPRINT_SEED) * SERVER_SPAN;
    for (let i = 0; i < this.#tables.length; i++) {
      const table = this.#tables[i];
      for (let way = 0; way < WAYS; way++) {
        const owner = table[at + way] - base;
        if (owner > 0 && owner < SERVER_SPAN) return owner - 1;
      }
    }
    return -1;
  }

  /** Index of the first entry of the id's set. */
  #setOf(bytes: Uint8Array, start: number, length: number): number {
    const set = hashBytes(bytes, start, start + length, SET_SEED) & this.#setMask;
    // The set that the mask of lengths stands in holds no entries.
    return (set === 0 ? 1 : set) * WAYS;
  }
}
