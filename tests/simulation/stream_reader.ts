/**
 * What one end of a simulated connection reads, taken apart and checked as it comes: the PROXY
 * header that a server is due, a TLS alert that a client may get instead of an answer, and the
 * stream of whoever is on the other side.
 */
import { findMismatch, ID_BYTES } from "./pattern.ts";
import { HELLO_ID_OFFSET, HELLO_START } from "./opening.ts";
import { promise } from "./promise.ts";
import { readShownHeader, type ShownHeader } from "./shown_header.ts";

const ALERT_START = [21, 3];
const ALERT_BYTES = 7;
const NOTHING = new Uint8Array();

export class StreamReader {
  /** The number that the other's stream named; -1 before. */
  partner = -1;
  /** Bytes of the other's stream, without a header in front. */
  received = 0;
  header: ShownHeader | null = null;
  /** Bytes of an alert. */
  alert: Uint8Array = NOTHING;
  /** The other's stream has this in front. */
  front: Uint8Array = NOTHING;
  readonly #frontOf: (partner: number) => Uint8Array;
  /** What is not understood yet. */
  #waiting: Uint8Array = NOTHING;

  /**
   * @param id of who reads; for words.
   * @param version of the header that comes first.
   * @param frontOf what stands in front of the stream of that number.
   */
  constructor(
    readonly id: number,
    readonly version: "v1" | "v2" | null,
    frontOf: (partner: number) => Uint8Array,
  ) {
    this.#frontOf = frontOf;
  }

  take(bytes: Uint8Array): void {
    if (this.partner >= 0) {
      this.#check(bytes);
      return;
    }
    const all = new Uint8Array(this.#waiting.length + bytes.length);
    all.set(this.#waiting);
    all.set(bytes, this.#waiting.length);
    this.#waiting = this.#takeHeader(all);
    if (this.version !== null && this.header === null) return;
    this.received = this.#waiting.length;
    if (this.#startsAs(ALERT_START)) {
      promise(this.#waiting.length <= ALERT_BYTES, "nothing follows an alert");
      this.alert = this.#waiting;
      return;
    }
    const at = this.#startsAs(HELLO_START) ? HELLO_ID_OFFSET : 0;
    if (this.#waiting.length < at + ID_BYTES) return;
    this.partner = new DataView(this.#waiting.buffer, this.#waiting.byteOffset).getInt32(at, true);
    this.front = this.#frontOf(this.partner);
    this.received = 0;
    this.#check(this.#waiting);
    this.#waiting = NOTHING;
  }

  #takeHeader(bytes: Uint8Array): Uint8Array {
    if (this.version === null || this.header !== null) return bytes;
    const read = readShownHeader(this.version, bytes, true);
    if (read === null) return bytes;
    this.header = read.header;
    return bytes.subarray(read.bytes);
  }

  #startsAs(start: readonly number[]): boolean {
    return start.every((byte, i) => this.#waiting[i] === byte);
  }

  #check(bytes: Uint8Array): void {
    const at = findMismatch(this.partner, this.front, this.received, bytes);
    promise(at < 0, `peer ${this.id}: byte ${this.received + at} is not what was sent there`);
    this.received += bytes.length;
  }
}
