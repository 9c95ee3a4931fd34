/**
 * A stream of bytes of which each depends on its position, to be made and checked on the fly: a
 * piece that is lost, doubled, reordered or of another connection does not fit.
 */
import { Buffer } from "node:buffer";

/** A prime, so that no power of two (a buffer, a segment) fits into it a whole number of times. */
const PERIOD = 1_048_573;
/** The longest piece that is made or checked at once. */
export const PIECE_BYTES_MAX = 256 * 1024;

/** xorshift32 (Marsaglia 2003): the next number of a sequence, never 0. */
export function nextRandom(random: number): number {
  let x = random;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  return x >>> 0;
}

/** Two streams of different seeds differ everywhere but by chance. */
export class StreamPattern {
  readonly #bytes = new Uint8Array(PERIOD + PIECE_BYTES_MAX);

  constructor(seed: number) {
    let random = seed + 1;
    for (let i = 0; i < PERIOD; i++) {
      random = nextRandom(random);
      this.#bytes[i] = random;
    }
    this.#bytes.copyWithin(PERIOD, 0, PIECE_BYTES_MAX);
  }

  /** The bytes at `position`; a view that is not to be written. */
  piece(position: number, count: number): Uint8Array {
    const start = position % PERIOD;
    return this.#bytes.subarray(start, start + count);
  }

  /** Whether `bytes` are what stands at `position`. */
  fits(position: number, bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) {
      const piece = bytes.subarray(at, at + PIECE_BYTES_MAX);
      const expected = this.piece(position + at, piece.length);
      if (!Buffer.from(piece.buffer, piece.byteOffset, piece.length).equals(expected)) return false;
    }
    return true;
  }
}

/**
 * Sends `count` bytes of the stream, from `start` on, in segments of random size, most of them
 * small.
 */
export async function sendPattern(
  connection: Deno.TcpConn,
  pattern: StreamPattern,
  count: number,
  start = 0,
): Promise<void> {
  let random = (start + count) | 1;
  for (let sent = 0; sent < count;) {
    random = nextRandom(random);
    const length = (1 << (random % 18)) + (random >>> 16) % 1024;
    const piece = pattern.piece(start + sent, Math.min(length, count - sent));
    sent += await connection.write(piece);
  }
}

/**
 * Receives the stream, from `start` on, until the connection ends.
 * @returns the number of bytes. @throws Error naming the place where they do not fit.
 */
export async function receivePattern(
  connection: Deno.TcpConn,
  pattern: StreamPattern,
  start = 0,
): Promise<number> {
  const buffer = new Uint8Array(PIECE_BYTES_MAX);
  for (let received = 0;;) {
    const count = await connection.read(buffer);
    if (count === null) return received;
    if (!pattern.fits(start + received, buffer.subarray(0, count))) {
      throw new Error(`bytes ${received} to ${received + count} are not what was sent there`);
    }
    received += count;
  }
}
