/**
 * @hot
 * Writes the PROXY protocol's header (haproxy.org, doc/proxy-protocol.txt), so that a server knows
 * the client although its connection comes from here.
 *
 * Digits go straight into the bytes to be sent, since a string per connection would be garbage per
 * connection. IPv6 is written as RFC 5952 has it, the same text as in logs. An address pair is IPv4
 * only when both are: a header has one family, and IPv4-mapped addresses are IPv6 as well.
 *
 * No checksum is written, since TCP and UDP have their own, and no other TLV than those that say
 * which client this is and whom it wanted to speak to.
 */
import { assert } from "../base/assert.ts";
import { isIpv4Words, writeIpv4Bytes, writeIpv6Bytes } from "../net/ip_words.ts";
import {
  PROXY_V1_BYTES_MAX,
  TLV_ALPN,
  TLV_AUTHORITY,
  TLV_FIXED_BYTES,
  TLV_UNIQUE_ID,
  UNIQUE_ID_BYTES_MAX,
  V1_START,
  V1_UNKNOWN,
  V2_ADDRESS_BYTES_IPV4,
  V2_ADDRESS_BYTES_IPV6,
  V2_FIXED_BYTES,
  V2_LOCAL,
  V2_PROXY,
  V2_SIGNATURE,
  V2_TCP4,
  V2_TCP6,
  V2_UDP4,
  V2_UDP6,
  V2_UNSPECIFIED,
  V2_VERSION,
} from "./proxy_header.ts";

/** An ALPN name has a length of one byte (RFC 7301 section 3.1). */
const ALPN_BYTES_MAX = 255;
/** A host name has 253 characters; what others accept is sent on. */
const AUTHORITY_BYTES_MAX = 255;

/** The longest header of version 2 that is written here. */
export const PROXY_V2_BYTES_MAX = V2_FIXED_BYTES + V2_ADDRESS_BYTES_IPV6 +
  3 * TLV_FIXED_BYTES + ALPN_BYTES_MAX + AUTHORITY_BYTES_MAX + UNIQUE_ID_BYTES_MAX;

const utf8 = new TextEncoder();
const V1_TCP4 = utf8.encode("TCP4 ");
const V1_TCP6 = utf8.encode("TCP6 ");
const LINE_END = utf8.encode("\r\n");
/** What stands before the IPv4 part of an IPv4-mapped address. */
const MAPPED_START = utf8.encode("::ffff:");
const HEXADECIMAL_DIGITS = utf8.encode("0123456789abcdef");
const DIGIT_0 = 0x30;
const DOT = 0x2e;
const COLON = 0x3a;
const SPACE = 0x20;

const IPV6_GROUPS = 8;

const NO_BYTES = new Uint8Array(0);

/** What is known of a client beyond its address; a length of 0 says that it is not. */
export class ProxyExtras {
  alpnBytes: Uint8Array = NO_BYTES;
  alpnStart = 0;
  alpnLength = 0;
  authorityBytes: Uint8Array = NO_BYTES;
  authorityStart = 0;
  authorityLength = 0;
  uniqueIdBytes: Uint8Array = NO_BYTES;
  uniqueIdStart = 0;
  uniqueIdLength = 0;

  /** For the next client. The bytes stay referred to. */
  clear(): void {
    this.alpnLength = 0;
    this.authorityLength = 0;
    this.uniqueIdLength = 0;
  }
}

/**
 * Writes a line of version 1; `into` has room for PROXY_V1_BYTES_MAX bytes behind `at`.
 *
 * @param source words of an IP address from `sourceAt` on, as net/ip_words.ts has them.
 * @param hasAddress false: addresses and ports are not looked at, and the line says UNKNOWN.
 * @returns bytes written.
 */
export function writeProxyV1(
  into: Uint8Array,
  at: number,
  source: Int32Array,
  sourceAt: number,
  sourcePort: number,
  destination: Int32Array,
  destinationAt: number,
  destinationPort: number,
  hasAddress: boolean,
): number {
  assert(at >= 0 && at + PROXY_V1_BYTES_MAX <= into.length, "there is room for a line");
  let to = writeBytes(into, at, V1_START);
  if (!hasAddress) {
    to = writeBytes(into, to, V1_UNKNOWN);
    return writeBytes(into, to, LINE_END) - at;
  }
  const isIpv4 = isIpv4Words(source, sourceAt) && isIpv4Words(destination, destinationAt);
  to = writeBytes(into, to, isIpv4 ? V1_TCP4 : V1_TCP6);
  to = isIpv4
    ? writeIpv4Text(into, to, source[sourceAt + 3])
    : writeIpv6Text(into, to, source, sourceAt);
  into[to++] = SPACE;
  to = isIpv4
    ? writeIpv4Text(into, to, destination[destinationAt + 3])
    : writeIpv6Text(into, to, destination, destinationAt);
  into[to++] = SPACE;
  to = writePortText(into, to, sourcePort);
  into[to++] = SPACE;
  to = writePortText(into, to, destinationPort);
  return writeBytes(into, to, LINE_END) - at;
}

/**
 * Writes a header of version 2; `into` has room for PROXY_V2_BYTES_MAX bytes behind `at`.
 *
 * What `extras` has of more than 255 bytes, a unique id of more than 128, is left out: half a name
 * is another name, and clients may have given it.
 *
 * @param hasAddress false: nothing else is looked at, and the header says LOCAL.
 * @param isStream TCP, not UDP.
 * @returns bytes written.
 */
export function writeProxyV2(
  into: Uint8Array,
  at: number,
  source: Int32Array,
  sourceAt: number,
  sourcePort: number,
  destination: Int32Array,
  destinationAt: number,
  destinationPort: number,
  hasAddress: boolean,
  isStream: boolean,
  extras: ProxyExtras,
): number {
  assert(at >= 0 && at + PROXY_V2_BYTES_MAX <= into.length, "there is room for a header");
  const fieldsAt = writeBytes(into, at, V2_SIGNATURE);
  let to = at + V2_FIXED_BYTES;
  let family = V2_UNSPECIFIED;
  if (hasAddress) {
    const isIpv4 = isIpv4Words(source, sourceAt) && isIpv4Words(destination, destinationAt);
    if (isIpv4) {
      family = isStream ? V2_TCP4 : V2_UDP4;
      writeIpv4Bytes(source, sourceAt, into, to);
      writeIpv4Bytes(destination, destinationAt, into, to + 4);
    } else {
      family = isStream ? V2_TCP6 : V2_UDP6;
      writeIpv6Bytes(source, sourceAt, into, to);
      writeIpv6Bytes(destination, destinationAt, into, to + 16);
    }
    to += isIpv4 ? V2_ADDRESS_BYTES_IPV4 : V2_ADDRESS_BYTES_IPV6;
    writePort(into, to - 4, sourcePort);
    writePort(into, to - 2, destinationPort);
    to = writeExtras(into, to, extras);
  }
  into[fieldsAt] = V2_VERSION << 4 | (hasAddress ? V2_PROXY : V2_LOCAL);
  into[fieldsAt + 1] = family;
  const length = to - at - V2_FIXED_BYTES;
  into[fieldsAt + 2] = length >> 8;
  into[fieldsAt + 3] = length;
  return to - at;
}

function writeExtras(into: Uint8Array, at: number, extras: ProxyExtras): number {
  let to = at;
  const { alpnBytes, alpnStart, alpnLength } = extras;
  if (alpnLength <= ALPN_BYTES_MAX) {
    to = writeTlv(into, to, TLV_ALPN, alpnBytes, alpnStart, alpnLength);
  }
  const { authorityBytes, authorityStart, authorityLength } = extras;
  if (authorityLength <= AUTHORITY_BYTES_MAX) {
    to = writeTlv(into, to, TLV_AUTHORITY, authorityBytes, authorityStart, authorityLength);
  }
  const { uniqueIdBytes, uniqueIdStart, uniqueIdLength } = extras;
  if (uniqueIdLength <= UNIQUE_ID_BYTES_MAX) {
    to = writeTlv(into, to, TLV_UNIQUE_ID, uniqueIdBytes, uniqueIdStart, uniqueIdLength);
  }
  return to;
}

/** Nothing when the value is empty. */
function writeTlv(
  into: Uint8Array,
  at: number,
  type: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  if (length === 0) return at;
  assert(start >= 0 && length > 0 && start + length <= bytes.length, "a value lies in its bytes");
  into[at] = type;
  into[at + 1] = length >> 8;
  into[at + 2] = length;
  for (let i = 0; i < length; i++) into[at + TLV_FIXED_BYTES + i] = bytes[start + i];
  return at + TLV_FIXED_BYTES + length;
}

function writeBytes(into: Uint8Array, at: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) into[at + i] = bytes[i];
  return at + bytes.length;
}

function writePort(into: Uint8Array, at: number, port: number): void {
  assert(port >> 16 === 0, "a port has 16 bits");
  into[at] = port >> 8;
  into[at + 1] = port;
}

function writePortText(into: Uint8Array, at: number, port: number): number {
  assert(port >> 16 === 0, "a port has 16 bits");
  return writeDecimal(into, at, port);
}

/** @param number not negative. */
function writeDecimal(into: Uint8Array, at: number, number: number): number {
  let digits = 1;
  for (let rest = number; rest >= 10; rest = (rest / 10) | 0) digits++;
  let rest = number;
  for (let to = at + digits - 1; to >= at; to--) {
    into[to] = DIGIT_0 + rest % 10;
    rest = (rest / 10) | 0;
  }
  return at + digits;
}

function writeIpv4Text(into: Uint8Array, at: number, word: number): number {
  let to = at;
  for (let shift = 24; shift >= 0; shift -= 8) {
    to = writeDecimal(into, to, (word >>> shift) & 255);
    if (shift > 0) into[to++] = DOT;
  }
  return to;
}

function groupOf(words: Int32Array, at: number, group: number): number {
  const word = words[at + (group >> 1)];
  return (group & 1) === 0 ? word >>> 16 : word & 0xffff;
}

/** RFC 5952: lower case, the longest run of zeros as "::", the first one of equals. */
function writeIpv6Text(into: Uint8Array, at: number, words: Int32Array, wordsAt: number): number {
  if (isIpv4Words(words, wordsAt)) {
    return writeIpv4Text(into, writeBytes(into, at, MAPPED_START), words[wordsAt + 3]);
  }
  let runStart = -1;
  // One zero group alone is written out.
  let runLength = 1;
  let length = 0;
  for (let group = 0; group < IPV6_GROUPS; group++) {
    length = groupOf(words, wordsAt, group) === 0 ? length + 1 : 0;
    if (length > runLength) {
      runLength = length;
      runStart = group + 1 - length;
    }
  }
  let to = at;
  for (let group = 0; group < IPV6_GROUPS; group++) {
    if (group === runStart) {
      into[to++] = COLON;
      group += runLength - 1;
      // The next group's colon is the second one.
      if (group === IPV6_GROUPS - 1) into[to++] = COLON;
      continue;
    }
    if (group > 0) into[to++] = COLON;
    to = writeHexadecimal(into, to, groupOf(words, wordsAt, group));
  }
  return to;
}

/** @param group 16 bits. */
function writeHexadecimal(into: Uint8Array, at: number, group: number): number {
  let to = at;
  for (let shift = 12; shift >= 0; shift -= 4) {
    // Zeros in front are left away, except that something has to stand there.
    if (to === at && shift > 0 && group >> shift === 0) continue;
    into[to++] = HEXADECIMAL_DIGITS[(group >> shift) & 15];
  }
  return to;
}
