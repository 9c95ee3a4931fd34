/**
 * The last datagram each flow sent to its server, for as long as there is room: one that met an
 * ICMP port unreachable, which comes after the send went well, can be sent once more to another.
 *
 * A circular store over a region of the buffer slab, since the kernel sends from there. Datagrams
 * are copied in behind one another and never wrap around the end; the oldest are overwritten. A
 * flow's place is a count of all bytes ever stored, which is never used twice: that the region has
 * moved on past it is seen from the number alone, and nobody sends the bytes of a stranger.
 *
 * The places are written into an array, indexed by flow: they outgrow small integers, so that as
 * arguments and results of calls they would be garbage, one for each datagram.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";
import { JOURNAL_DATAGRAM_BYTES_MAX } from "../../limits.ts";

/** Before each datagram stands its length. */
const LENGTH_BYTES = 2;
/** Entries begin at multiples of this, so the count is exact in a float64 up to 2^57 bytes. */
const ENTRY_ALIGNMENT = 16;
const ENTRY_BYTES_MAX = JOURNAL_DATAGRAM_BYTES_MAX + ENTRY_ALIGNMENT;
const NONE = -1;

export class FlowJournal {
  readonly #slab: Uint8Array;
  readonly #offset: number;
  readonly #bytes: number;
  /** Per flow, where its datagram's entry begins. */
  readonly #journalAt: Float64Array;
  /** Bytes stored so far, those skipped at the region's end among them. */
  #written = 0;

  /** The region is [offset, offset + bytes) of `slab`; `bytes` is a power of two. */
  constructor(slab: Uint8Array, offset: number, bytes: number, journalAt: Float64Array) {
    assert((bytes & (bytes - 1)) === 0, "the region is a power of two");
    assert(bytes >= 4 * ENTRY_BYTES_MAX, "whatever was kept last is not overwritten at once");
    assert(offset >= 0 && offset + bytes <= slab.length, "the region lies in the slab");
    this.#slab = slab;
    this.#offset = offset;
    this.#bytes = bytes;
    this.#journalAt = journalAt;
  }

  /**
   * Keeps the datagram of `bytes` bytes at `from` in the slab as the flow's last one; one that is
   * too large is not kept, and neither is any longer what was there before.
   */
  write(flow: number, from: number, bytes: number): void {
    if (bytes > JOURNAL_DATAGRAM_BYTES_MAX) {
      this.#journalAt[flow] = NONE;
      return;
    }
    const size = (LENGTH_BYTES + bytes + ENTRY_ALIGNMENT - 1) & ~(ENTRY_ALIGNMENT - 1);
    // A bitwise operator takes a number modulo 2^32, which the region's size divides.
    let place = this.#written & (this.#bytes - 1);
    if (place + size > this.#bytes) {
      this.#written += this.#bytes - place;
      place = 0;
    }
    const slab = this.#slab;
    const at = this.#offset + place;
    slab[at] = bytes & 0xff;
    slab[at + 1] = bytes >> 8;
    slab.copyWithin(at + LENGTH_BYTES, from, from + bytes);
    this.#journalAt[flow] = this.#written;
    this.#written += size;
  }

  /** Where in the slab the flow's datagram stands, or -1 when it was not kept, or no longer is. */
  offsetOf(flow: number): number {
    return this.#holds(flow) ? this.#entryOf(flow) + LENGTH_BYTES : NONE;
  }

  /** How many bytes it has; of one that is held only. */
  bytesOf(flow: number): number {
    assert(this.#holds(flow), "only what is kept has a length");
    const at = this.#entryOf(flow);
    return this.#slab[at] | (this.#slab[at + 1] << 8);
  }

  #holds(flow: number): boolean {
    const place = this.#journalAt[flow];
    // Those that come next to be overwritten are given up early: keeping one of them again would
    // write over its own source.
    return place >= 0 && this.#written - place <= this.#bytes - 2 * ENTRY_BYTES_MAX;
  }

  #entryOf(flow: number): number {
    return this.#offset + (this.#journalAt[flow] & (this.#bytes - 1));
  }
}
