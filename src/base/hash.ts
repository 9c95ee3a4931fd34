/**
 * @hot
 * Seeded 32-bit hashes: the same bytes and seed give the same number on every machine and in every
 * release, so that workers, nodes and restarts agree on where a key belongs without talking.
 *
 * The function is MurmurHash3_x86_32 by Austin Appleby (public domain; described in
 * https://github.com/aappleby/smhasher/wiki/MurmurHash3). It was chosen because it needs nothing
 * but 32-bit multiplies and rotates, which the JIT compiles to single instructions, and because its
 * finaliser avalanches well enough to be used alone (`mixBits`).
 *
 * It is not a keyed hash: who knows the seed can make keys collide. So it only ever decides where
 * load goes, and is never the guard of a table whose cost grows with collisions.
 */
import { assert } from "./assert.ts";

const BLOCK_FACTOR_FIRST = 0xcc9e2d51;
const BLOCK_FACTOR_SECOND = 0x1b873593;

const utf8 = new TextEncoder();

/**
 * Hash of `bytes[start..end)`; `end` is exclusive. Allocates nothing.
 *
 * @param seed 32 bits; another seed is another, independent hash.
 * @returns an unsigned 32-bit integer.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number): number {
  assert(start >= 0 && start <= end && end <= bytes.length, "hashed range lies in its bytes");
  let state = seed | 0;
  let at = start;
  // Blocks are put together byte by byte: the range need not be aligned, and a view for aligned
  // loads would be an allocation.
  for (; at + 4 <= end; at += 4) {
    const block = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    state ^= scrambleBlock(block);
    state = (state << 13) | (state >>> 19);
    state = (Math.imul(state, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let last = end - 1; last >= at; last--) tail = (tail << 8) | bytes[last];
  // Scrambling an empty tail gives zero, so it needs no branch.
  state ^= scrambleBlock(tail);
  return mixBits(state ^ (end - start));
}

/** Hash of the UTF-8 bytes of `text`, as `hashBytes` has it. Allocates, so not for hot paths. */
export function hashString(text: string, seed: number): number {
  const bytes = utf8.encode(text);
  return hashBytes(bytes, 0, bytes.length, seed);
}

/**
 * MurmurHash3's finaliser: a bijection of 32-bit integers in which each input bit flips each output
 * bit with probability near one half. Makes a further number out of one that is used up already.
 *
 * @returns an unsigned 32-bit integer; zero only for zero.
 */
export function mixBits(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  mixed ^= mixed >>> 16;
  return mixed >>> 0;
}

function scrambleBlock(block: number): number {
  const product = Math.imul(block, BLOCK_FACTOR_FIRST);
  return Math.imul((product << 15) | (product >>> 17), BLOCK_FACTOR_SECOND);
}
