/**
 * IP addresses as four 32-bit words, the form in which the data plane compares and hashes them.
 *
 * A word holds four bytes in network order (the first byte on top), as a signed 32-bit integer.
 * IPv4 is IPv4-mapped IPv6 (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2), so a client has one form
 * whichever socket it came through. Words cost no object per address; texts are for people.
 *
 * @hot
 */
import { formatIp, parseIp } from "./address.ts";
import { AF_INET, AF_INET6 } from "./socket_address.ts";

export const IP_WORDS = 4;
/** The third word of every IPv4-mapped address. */
export const IPV4_MARK = 0xffff;

function readWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** Reads 4 bytes of IPv4. */
export function readIpv4Words(bytes: Uint8Array, at: number, words: Int32Array, to: number): void {
  words[to] = 0;
  words[to + 1] = 0;
  words[to + 2] = IPV4_MARK;
  words[to + 3] = readWord(bytes, at);
}

/** Reads 16 bytes of IPv6. */
export function readIpv6Words(bytes: Uint8Array, at: number, words: Int32Array, to: number): void {
  for (let i = 0; i < IP_WORDS; i++) words[to + i] = readWord(bytes, at + i * 4);
}

export function isIpv4Words(words: Int32Array, at: number): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === IPV4_MARK;
}

/** Copies one address; beginnings are given in words. */
export function copyIpWords(from: Int32Array, at: number, words: Int32Array, to: number): void {
  for (let i = 0; i < IP_WORDS; i++) words[to + i] = from[at + i];
}

/** fe80::/10: an address that means something on one interface only. */
export function isLinkLocalWords(words: Int32Array, at: number): boolean {
  return (words[at] & 0xffc00000) === (0xfe800000 | 0);
}

/** Writes the 4 bytes of an IPv4-mapped address. */
export function writeIpv4Bytes(words: Int32Array, at: number, bytes: Uint8Array, to: number): void {
  writeWord(bytes, to, words[at + 3]);
}

/** Writes all 16 bytes. */
export function writeIpv6Bytes(words: Int32Array, at: number, bytes: Uint8Array, to: number): void {
  for (let i = 0; i < IP_WORDS; i++) writeWord(bytes, to + i * 4, words[at + i]);
}

/**
 * Reads a struct sockaddr (ip(7), ipv6(7)) into words; returns the port, or -1 when it is neither
 * IPv4 nor IPv6 (a unix socket), whose words are zero.
 */
export function readSocketAddress(
  bytes: Uint8Array,
  at: number,
  words: Int32Array,
  to: number,
): number {
  switch (bytes[at]) {
    case AF_INET:
      readIpv4Words(bytes, at + 4, words, to);
      break;
    case AF_INET6:
      readIpv6Words(bytes, at + 8, words, to);
      break;
    default:
      for (let i = 0; i < IP_WORDS; i++) words[to + i] = 0;
      return -1;
  }
  return (bytes[at + 2] << 8) | bytes[at + 3];
}

/**
 * Writes a struct sockaddr of `family`; IPv4 only of an IPv4-mapped address. Returns its length.
 * All bytes of it are written, so whatever stood there before does not matter.
 */
export function writeSocketAddress(
  family: number,
  words: Int32Array,
  at: number,
  port: number,
  bytes: Uint8Array,
  to: number,
): number {
  bytes[to] = family;
  bytes[to + 1] = 0;
  bytes[to + 2] = port >> 8;
  bytes[to + 3] = port;
  if (family === AF_INET) {
    writeIpv4Bytes(words, at, bytes, to + 4);
    for (let i = 8; i < 16; i++) bytes[to + i] = 0;
    return 16;
  }
  for (let i = 4; i < 8; i++) bytes[to + i] = 0;
  writeIpv6Bytes(words, at, bytes, to + 8);
  for (let i = 24; i < 28; i++) bytes[to + i] = 0;
  return 28;
}

/** The words of an IP literal without brackets, or null. Allocates: for start-up and tests. */
export function parseIpWords(text: string): Int32Array | null {
  const bytes = parseIp(text);
  if (bytes === null) return null;
  const words = new Int32Array(IP_WORDS);
  if (bytes.length === 4) readIpv4Words(bytes, 0, words, 0);
  else readIpv6Words(bytes, 0, words, 0);
  return words;
}

/** The canonical text; IPv4-mapped addresses as IPv4. Allocates: for logs and tests. */
export function formatIpWords(words: Int32Array, at: number): string {
  const isIpv4 = isIpv4Words(words, at);
  const bytes = new Uint8Array(isIpv4 ? 4 : 16);
  if (isIpv4) writeIpv4Bytes(words, at, bytes, 0);
  else writeIpv6Bytes(words, at, bytes, 0);
  return formatIp(bytes);
}
