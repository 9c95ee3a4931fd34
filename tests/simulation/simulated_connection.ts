/**
 * A TCP connection as its two ends see it: bounded buffers, FIN after the bytes before it, reset.
 *
 * The rules are the kernel's: a close with unread bytes, or with the linger option, is a reset; who
 * writes to an end that has closed is reset; what arrived before a reset can still be read, and how
 * much that was is chance.
 */
import type { Random } from "../../src/base/random.ts";
import { EAGAIN, ECONNRESET, EPIPE } from "../../src/base/errno.ts";

const ENOTCONN = 107;

/** One direction. */
export class Pipe {
  count = 0;
  /** Its writer has ended it: nothing follows the bytes in it. */
  ended = false;
  readonly capacity: number;
  readonly #bytes: Uint8Array;
  #head = 0;
  /** Bytes at the front that were looked at. */
  #shown = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#bytes = new Uint8Array(capacity);
  }

  get room(): number {
    return this.capacity - this.count;
  }

  write(source: Uint8Array): number {
    const count = Math.min(this.room, source.length);
    const start = (this.#head + this.count) % this.capacity;
    const first = Math.min(count, this.capacity - start);
    this.#bytes.set(source.subarray(0, first), start);
    this.#bytes.set(source.subarray(first, count), 0);
    this.count += count;
    return count;
  }

  read(target: Uint8Array): number {
    return this.discard(this.peek(target));
  }

  /** Copies bytes that stay; they have arrived, and no reset takes them away. */
  peek(target: Uint8Array): number {
    const count = Math.min(this.count, target.length);
    const first = Math.min(count, this.capacity - this.#head);
    target.set(this.#bytes.subarray(this.#head, this.#head + first));
    target.set(this.#bytes.subarray(0, count - first), first);
    this.#shown = Math.max(this.#shown, count);
    return count;
  }

  discard(bytes: number): number {
    const count = Math.min(this.count, bytes);
    this.#head = (this.#head + count) % this.capacity;
    this.count -= count;
    this.#shown = Math.max(0, this.#shown - count);
    return count;
  }

  /** Loses what is on its way behind the first `count` bytes. */
  keep(count: number): void {
    this.count = Math.min(this.count, Math.max(count, this.#shown));
  }
}

export class End {
  isReset = false;
  isClosed = false;
  /** Set by SO_LINGER with a time of zero. */
  lingers = false;
  /** The supervisor had its connection ended: its stream may be cut short. */
  isOrdered = false;
  other!: End;

  constructor(
    readonly incoming: Pipe,
    readonly outgoing: Pipe,
    readonly random: Random,
  ) {}

  /** Bytes taken, -EAGAIN when there is no room, or another negated errno. */
  write(source: Uint8Array): number {
    if (this.isReset) return this.random.oneIn(2) ? -ECONNRESET : -EPIPE;
    if (this.outgoing.ended) return -EPIPE;
    if (this.other.isClosed) {
      // The bytes leave; the answer to them is a reset.
      this.receiveReset();
      return source.length;
    }
    const count = this.outgoing.write(source);
    return count === 0 ? -EAGAIN : count;
  }

  /** Bytes read, 0 at the end, -EAGAIN when nothing is there, or another negated errno. */
  read(target: Uint8Array, peek = false): number {
    if (this.incoming.count > 0) {
      return peek ? this.incoming.peek(target) : this.incoming.read(target);
    }
    if (this.isReset) return -ECONNRESET;
    return this.incoming.ended ? 0 : -EAGAIN;
  }

  /** Whether there is something to be heard of for who waits for so many bytes. */
  isReadable(bytes: number): boolean {
    return this.isReset || this.incoming.ended || this.incoming.count >= bytes;
  }

  get hasPeerEnded(): boolean {
    return this.isReset || this.incoming.ended;
  }

  get isWritable(): boolean {
    const { room, capacity, ended } = this.outgoing;
    return this.isReset || ended || this.other.isClosed || room * 3 >= capacity;
  }

  shutdownWrite(): number {
    if (this.isReset) return -ENOTCONN;
    this.outgoing.ended = true;
    return 0;
  }

  close(): void {
    if (this.isClosed) throw new Error("an end is closed twice");
    this.isClosed = true;
    if (this.lingers || this.incoming.count > 0) this.other.receiveReset();
    else this.outgoing.ended = true;
  }

  receiveReset(): void {
    this.isReset = true;
    this.incoming.keep(this.random.below(this.incoming.count + 1));
  }
}

/** Both ends of a new connection, with room for so many bytes from the first to the second. */
export function connectEnds(there: number, back: number, random: Random): readonly [End, End] {
  const outward = new Pipe(there);
  const inward = new Pipe(back);
  const first = new End(inward, outward, random);
  const second = new End(outward, inward, random);
  first.other = second;
  second.other = first;
  return [first, second];
}
