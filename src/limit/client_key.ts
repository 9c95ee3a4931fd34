/**
 * @hot
 * Who counts as one client where clients are limited: two words made of an address.
 *
 * With IPv4 a client is an address. With IPv6 it is a /64, the least that a network hands out to a
 * customer (RFC 6177): whoever has one has 2^64 addresses, and could take a new one for each
 * connection.
 *
 * An IPv4 address has a marker in its first word. The /64 that it is mapped into, ::/64, would be
 * the same for all of IPv4; 0xffffffff begins only addresses of ff00::/8, which are multicast and
 * must not be the source of a packet (RFC 4291 section 2.7), so no client has it by itself.
 *
 * Words are signed 32-bit integers, as in ip_words.ts. All clients of unix sockets, whose
 * words are zero, are one client.
 */
import { isIpv4Words } from "../net/ip_words.ts";

const IPV4_MARKER = -1;

/** @param at where the four words of the client's address begin. */
export function clientKeyHigh(words: Int32Array, at: number): number {
  return isIpv4Words(words, at) ? IPV4_MARKER : words[at];
}

/** @param at where the four words of the client's address begin. */
export function clientKeyLow(words: Int32Array, at: number): number {
  return isIpv4Words(words, at) ? words[at + 3] : words[at + 1];
}
