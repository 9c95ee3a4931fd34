/**
 * The hash by which a client's address chooses a server: the same on every worker, restart and
 * node, and for a client the same whether its address came as IPv4 or as IPv4-mapped IPv6.
 *
 * @hot
 */
import { hashBytes, mixBits } from "../base/hash.ts";
import { isIpv4Words, writeIpv4Bytes, writeIpv6Bytes } from "../net/ip_words.ts";

/** "Ring" */
export const CLIENT_HASH_SEED = 0x52696e67;

const scratch = new Uint8Array(16);

/** @returns a signed 32-bit integer. */
export function hashClient(words: Int32Array, at: number): number {
  const isIpv4 = isIpv4Words(words, at);
  if (isIpv4) writeIpv4Bytes(words, at, scratch, 0);
  else writeIpv6Bytes(words, at, scratch, 0);
  return hashBytes(scratch, 0, isIpv4 ? 4 : 16, CLIENT_HASH_SEED) | 0;
}

/** Of a client's port; @returns a signed 32-bit integer. */
export function hashPort(port: number): number {
  return mixBits(port ^ CLIENT_HASH_SEED) | 0;
}

/** The hash of a key with one more part: the first part alone is its own hash. */
export function joinHash(hash: number, part: number, index: number): number {
  return index === 0 ? part : mixBits(Math.imul(hash, 31) + part) | 0;
}
