/**
 * A client or a server of the simulation: writes its stream, reads and checks the other's, and
 * behaves as its script says, well or badly. Once the world is calm it behaves well: reads
 * everything, ends its stream, closes. What a client begins with is another matter: who was drawn
 * to never finish its hello does not, and has to be ended.
 */
import { EAGAIN } from "../../src/base/errno.ts";
import type { Random } from "../../src/base/random.ts";
import type { Opening } from "./opening.ts";
import { ID_BYTES, PATTERN_BYTES_MAX, patternOf } from "./pattern.ts";
import type { End } from "./simulated_connection.ts";
import type { StreamReader } from "./stream_reader.ts";

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

/** What a peer begins with; servers with nothing. */
export type PeerOpening = Pick<
  Opening,
  "bytes" | "headerBytes" | "sentBytes" | "goesOn" | "endsEarly" | "inOnePiece"
>;

export const NO_OPENING: PeerOpening = {
  bytes: new Uint8Array(),
  headerBytes: 0,
  sentBytes: 0,
  goesOn: true,
  endsEarly: false,
  inOnePiece: false,
};

const scratch = new Uint8Array(PATTERN_BYTES_MAX);

export class Peer {
  /** Of opening and stream together. */
  sent = 0;
  sawEnd = false;
  sawReset = false;
  hasEnded = false;
  hasReset = false;

  constructor(
    readonly end: End,
    readonly script: PeerScript,
    readonly opening: PeerOpening,
    readonly reader: StreamReader,
    readonly random: Random,
  ) {}

  get id(): number {
    return this.reader.id;
  }

  /** Bytes that the other side is to see. */
  get passed(): number {
    return Math.max(0, this.sent - this.opening.headerBytes);
  }

  get #moved(): number {
    return this.sent + this.reader.received;
  }

  get hasVanished(): boolean {
    const { vanishesAfter } = this.script;
    return vanishesAfter >= 0 && this.#moved >= vanishesAfter;
  }

  get isDone(): boolean {
    return this.end.isClosed || this.hasVanished;
  }

  step(calm: boolean): void {
    if (this.isDone || (!calm && !this.random.oneIn(this.script.slowness))) return;
    const { resetAfter, isDeaf, isMute } = this.script;
    if (!calm && resetAfter >= 0 && this.#moved >= resetAfter) {
      this.hasReset = true;
      this.end.lingers = true;
      this.end.close();
      return;
    }
    if (calm || !isMute) this.#write(calm);
    // Somebody who reads byte by byte is no reason for a run to take minutes.
    if (calm || !isDeaf) this.#read(calm ? PATTERN_BYTES_MAX : this.script.pieceMax);
    const isThrough = this.hasEnded || !this.opening.goesOn;
    if (this.sawReset || (isThrough && this.sawEnd)) this.end.close();
  }

  #write(calm: boolean): void {
    if (this.hasEnded || this.sawReset) return;
    const { sentBytes, goesOn, endsEarly } = this.opening;
    const left = sentBytes + (goesOn ? this.script.bytes : 0) - this.sent;
    if (left === 0) {
      if (goesOn ? this.script.endsLast && !this.sawEnd && !calm : !endsEarly) return;
      if (this.end.shutdownWrite() === 0) this.hasEnded = true;
      else this.sawReset = true;
      return;
    }
    const isOpening = this.sent < sentBytes && this.opening.inOnePiece;
    const count = isOpening ? left : Math.min(left, 1 + this.random.below(this.script.pieceMax));
    // No more than what the socket takes is made, and a byte to hear what it says.
    const room = Math.max(1, this.end.outgoing.room);
    const result = this.end.write(this.#bytesAt(this.sent, Math.min(count, room)));
    if (result > 0) this.sent += result;
    else if (result !== -EAGAIN) this.sawReset = true;
  }

  #bytesAt(position: number, count: number): Uint8Array {
    const { bytes, sentBytes } = this.opening;
    if (position < sentBytes) {
      return bytes.subarray(position, Math.min(position + count, sentBytes));
    }
    return patternOf(this.id, position - sentBytes, count);
  }

  #read(pieceMax: number): void {
    if (this.sawEnd || this.sawReset) return;
    // What is read is copied where it is kept.
    const piece = scratch.subarray(0, 1 + this.random.below(pieceMax));
    const result = this.end.read(piece);
    if (result > 0) this.reader.take(piece.subarray(0, result));
    else if (result === 0) this.sawEnd = true;
    else if (result !== -EAGAIN) this.sawReset = true;
  }
}

/** A script by chance; `size` bounds the stream. Peers vanish only where timeouts end them. */
export function drawScript(
  random: Random,
  size: number,
  openingBytes: number,
  faults: boolean,
  mayVanish: boolean,
): PeerScript {
  const bytes = ID_BYTES + (random.oneIn(8) ? 0 : random.below(size));
  const all = bytes + openingBytes;
  const piece = random.oneIn(3) ? 1 + random.below(16) : 1 + random.below(PATTERN_BYTES_MAX - 1);
  // No more than some hundred pieces, or a run takes minutes; and no opening that takes longer
  // than one waits for it, where nothing goes wrong.
  const least = Math.max(Math.ceil(bytes / 200), faults ? 0 : Math.ceil(openingBytes / 20));
  return {
    bytes,
    pieceMax: Math.max(piece, least),
    resetAfter: faults && random.oneIn(6) ? random.below(all * 2) : -1,
    vanishesAfter: faults && mayVanish && random.oneIn(8) ? random.below(all * 2) : -1,
    endsLast: random.oneIn(3),
    isDeaf: faults && random.oneIn(8),
    isMute: faults && random.oneIn(10),
    slowness: 1 + random.below(4),
  };
}
