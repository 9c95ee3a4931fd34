/**
 * A client or a server of the simulation: writes its stream, reads and checks the other's, and
 * behaves as its script says, well or badly. Once the world is calm it behaves well: reads
 * everything, ends its stream, closes.
 */
import { EAGAIN } from "../../src/base/errno.ts";
import type { Random } from "../../src/base/random.ts";
import { findMismatch, HEADER_BYTES, PATTERN_BYTES_MAX, patternOf } from "./pattern.ts";
import type { End } from "./simulated_connection.ts";

export interface PeerScript {
  readonly bytes: number;
  /** Largest piece written and read at once. */
  readonly pieceMax: number;
  /** Resets the connection once it has sent and received so many bytes together; -1: never. */
  readonly resetAfter: number;
  /** Ends its stream only after the other has. */
  readonly endsLast: boolean;
  /** Reads nothing, writes nothing, as long as the world is not calm. */
  readonly isDeaf: boolean;
  readonly isMute: boolean;
  /** Is gone for good after so many bytes, without a word: only a timeout ends it; -1: never. */
  readonly vanishesAfter: number;
  /** One step in so many does something. */
  readonly slowness: number;
}

export class Peer {
  sent = 0;
  received = 0;
  /** The number that the other's stream began with; -1 before. */
  partner = -1;
  sawEnd = false;
  sawReset = false;
  hasEnded = false;
  hasReset = false;
  readonly #header = new Uint8Array(HEADER_BYTES);

  constructor(
    readonly id: number,
    readonly end: End,
    readonly script: PeerScript,
    readonly random: Random,
  ) {}

  get hasVanished(): boolean {
    const { vanishesAfter } = this.script;
    return vanishesAfter >= 0 && this.sent + this.received >= vanishesAfter;
  }

  get isDone(): boolean {
    return this.end.isClosed || this.hasVanished;
  }

  step(calm: boolean): void {
    if (this.isDone || (!calm && !this.random.oneIn(this.script.slowness))) return;
    const { resetAfter, isDeaf, isMute } = this.script;
    if (!calm && resetAfter >= 0 && this.sent + this.received >= resetAfter) {
      this.hasReset = true;
      this.end.lingers = true;
      this.end.close();
      return;
    }
    if (calm || !isMute) this.#write(calm);
    // Somebody who reads byte by byte is no reason for a run to take minutes.
    if (calm || !isDeaf) this.#read(calm ? PATTERN_BYTES_MAX : this.script.pieceMax);
    if (this.sawReset || (this.hasEnded && this.sawEnd)) this.end.close();
  }

  #write(calm: boolean): void {
    if (this.hasEnded || this.sawReset) return;
    const left = this.script.bytes - this.sent;
    if (left === 0) {
      if (this.script.endsLast && !this.sawEnd && !calm) return;
      if (this.end.shutdownWrite() === 0) this.hasEnded = true;
      else this.sawReset = true;
      return;
    }
    const count = Math.min(left, 1 + this.random.below(this.script.pieceMax));
    const result = this.end.write(patternOf(this.id, this.sent, count));
    if (result > 0) this.sent += result;
    else if (result !== -EAGAIN) this.sawReset = true;
  }

  #read(pieceMax: number): void {
    if (this.sawEnd || this.sawReset) return;
    const piece = new Uint8Array(1 + this.random.below(pieceMax));
    const result = this.end.read(piece);
    if (result > 0) this.#check(piece.subarray(0, result));
    else if (result === 0) this.sawEnd = true;
    else if (result !== -EAGAIN) this.sawReset = true;
  }

  #check(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length && this.received + i < HEADER_BYTES; i++) {
      this.#header[this.received + i] = bytes[i];
    }
    if (this.received < HEADER_BYTES && this.received + bytes.length >= HEADER_BYTES) {
      this.partner = new DataView(this.#header.buffer).getInt32(0, true);
    }
    if (this.partner >= 0) {
      const at = findMismatch(this.partner, this.received, bytes);
      if (at >= 0) {
        throw new Error(`peer ${this.id}: byte ${this.received + at} is not what was sent there`);
      }
    }
    this.received += bytes.length;
  }
}

/** A script by chance; `size` bounds the stream. Peers vanish only where timeouts end them. */
export function drawScript(
  random: Random,
  size: number,
  faults: boolean,
  mayVanish: boolean,
): PeerScript {
  const bytes = HEADER_BYTES + (random.oneIn(8) ? 0 : random.below(size));
  const piece = random.oneIn(3) ? 1 + random.below(16) : 1 + random.below(PATTERN_BYTES_MAX - 1);
  return {
    bytes,
    // No more than some hundred pieces, or a run takes minutes.
    pieceMax: Math.max(piece, Math.ceil(bytes / 200)),
    resetAfter: faults && random.oneIn(6) ? random.below(bytes * 2) : -1,
    vanishesAfter: faults && mayVanish && random.oneIn(8) ? random.below(bytes * 2) : -1,
    endsLast: random.oneIn(3),
    isDeaf: faults && random.oneIn(8),
    isMute: faults && random.oneIn(10),
    slowness: 1 + random.below(4),
  };
}
