/**
 * @hot
 * A keyed 32-bit hash, for tables that are filled with what peers choose: addresses, names.
 *
 * The cost of such a table, or what it loses, grows with the keys that fall into one place of it.
 * Who knows the function finds as many of those as they like, and hash.ts is known to everybody,
 * its seeds included. Here the place of a key is a secret of the running program: without it nobody
 * makes keys collide more often than chance does.
 *
 * The function is HalfSipHash-2-4 with 32 bits of output, by Jean-Philippe Aumasson and Daniel J.
 * Bernstein ("SipHash: a fast short-input PRF", INDOCRYPT 2012; the half variant is defined in
 * https://github.com/veorq/SipHash). SipHash adds 64-bit integers, which JavaScript has not; its
 * half adds, rotates and exclusive-ors 32-bit ones, and Linux has it for hash tables likewise
 * (Documentation/security/siphash.rst). Its key is too short to sign anything: it guards tables.
 *
 * Inputs are whole words, four bytes in little-endian order each, so there is no odd tail.
 */
import { assert } from "./assert.ts";

const ROUNDS_PER_WORD = 2;
const ROUNDS_AT_END = 4;

export class KeyedHash {
  readonly #keyLow: number;
  readonly #keyHigh: number;

  /**
   * The key is two 32-bit integers that peers cannot guess; processes that share a table share it.
   *
   * @param keyLow bytes 0 to 3, little-endian; @param keyHigh bytes 4 to 7.
   */
  constructor(keyLow: number, keyHigh: number) {
    this.#keyLow = keyLow | 0;
    this.#keyHigh = keyHigh | 0;
  }

  /**
   * Hash of `count` words from index `at` on. Inputs of different lengths are different inputs.
   *
   * @returns an unsigned 32-bit integer.
   */
  hashWords(words: Int32Array, at: number, count: number): number {
    // An unsigned number that a function returns is garbage when it has 32 bits. This one is small
    // enough to be compiled into its callers, the other is not.
    return this.#mixWords(words, at, count) >>> 0;
  }

  #mixWords(words: Int32Array, at: number, count: number): number {
    assert(at >= 0 && count >= 0 && at + count <= words.length, "hashed words lie in their array");
    let v0 = this.#keyLow;
    let v1 = this.#keyHigh;
    let v2 = this.#keyLow ^ 0x6c796765;
    let v3 = this.#keyHigh ^ 0x74656462;
    // After the words come one with the number of bytes, and an end that takes in nothing. Since
    // taking in zero is that, all are steps of one loop, and the round is written down once.
    for (let step = 0; step <= count + 1; step++) {
      const isEnd = step > count;
      const word = step < count ? words[at + step] : isEnd ? 0 : count << 26;
      if (isEnd) v2 ^= 0xff;
      v3 ^= word;
      for (let left = isEnd ? ROUNDS_AT_END : ROUNDS_PER_WORD; left > 0; left--) {
        v0 = (v0 + v1) | 0;
        v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
        v0 = (v0 << 16) | (v0 >>> 16);
        v2 = (v2 + v3) | 0;
        v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
        v0 = (v0 + v3) | 0;
        v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
        v2 = (v2 + v1) | 0;
        v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
        v2 = (v2 << 16) | (v2 >>> 16);
      }
      v0 ^= word;
    }
    return v1 ^ v3;
  }
}
