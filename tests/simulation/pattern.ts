/**
 * What peers of the simulation send over connections: bytes that tell whose they are and where in
 * the stream.
 *
 * A stream begins with its sender's number (4 bytes, little-endian); every other byte is a function
 * of that number and its position. So a byte that is lost, doubled, swapped or somebody else's is
 * seen where it arrives, without keeping what was sent. The period is a prime, so that a shift by
 * any buffer size shows. Something else may stand in front, a ClientHello, which is compared as it
 * is.
 */
import { Random } from "../../src/base/random.ts";

const PERIOD = 65521;
/** Streams of neighbouring numbers begin far apart in the table. */
const STRIDE = 7919;
export const ID_BYTES = 4;

const table = new Uint8Array(PERIOD * 3);
{
  const random = new Random(1);
  for (let i = 0; i < PERIOD; i++) table[i] = random.next() >>> 24;
  table.copyWithin(PERIOD, 0, PERIOD);
  table.copyWithin(2 * PERIOD, 0, PERIOD);
}

/** At most this many bytes at once. */
export const PATTERN_BYTES_MAX = 2 * PERIOD;

function bodyOf(id: number, position: number, count: number): Uint8Array {
  const start = (position + id * STRIDE) % PERIOD;
  return table.subarray(start, start + count);
}

/** `count` bytes of the pattern of `id` from `position` on. */
export function patternOf(id: number, position: number, count: number): Uint8Array {
  const bytes = bodyOf(id, position, count).slice();
  for (let at = position; at < ID_BYTES && at < position + count; at++) {
    bytes[at - position] = (id >> (8 * at)) & 255;
  }
  return bytes;
}

/**
 * Index of the first byte that is not what the stream of `id`, behind `front`, has at `position`;
 * or -1.
 */
export function findMismatch(
  id: number,
  front: Uint8Array,
  position: number,
  bytes: Uint8Array,
): number {
  let i = 0;
  for (; i < bytes.length && position + i < front.length; i++) {
    if (bytes[i] !== front[position + i]) return i;
  }
  const from = position + i - front.length;
  for (; i < bytes.length && position + i - front.length < ID_BYTES; i++) {
    if (bytes[i] !== ((id >> (8 * (position + i - front.length))) & 255)) return i;
  }
  const expected = bodyOf(id, from, bytes.length);
  const shift = from - (position - front.length);
  for (; i < bytes.length; i++) if (bytes[i] !== expected[i - shift]) return i;
  return -1;
}
