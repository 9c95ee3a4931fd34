/**
 * @hot
 * What a proxy says of the client before the client's first byte: the PROXY protocol, versions 1
 * and 2 (haproxy.org, doc/proxy-protocol.txt, 2020/03/05).
 *
 * Strict, because the header decides who the client is: whatever two programs could read in two
 * ways is refused. And prompt: INCOMPLETE means that the bytes so far can still become a header, so
 * who waits for more waits for something, and a peer that speaks another protocol is found out by
 * its first byte that does not fit. (The one exception is a checksum, which is judged when the
 * header is whole.) A call reads from the start again: bytes that are looked at with MSG_PEEK need
 * no state between calls, and a header is short.
 *
 * Nobody is trusted or refused here; that is for who knows where the connection comes from.
 */
import { assert } from "../base/assert.ts";
import { IP_WORDS, readIpv4Words, readIpv6Words } from "../net/ip_words.ts";
import {
  portOfText,
  readIpv4Text,
  readIpv6Text,
  readPortText,
  TEXT_OPEN,
  TEXT_WRONG,
} from "./address_text.ts";
import { crc32cWithoutField } from "./crc32c.ts";

/** Results of `parse`. */
export const INCOMPLETE = 0;
export const DONE = 1;
export const VIOLATION = 2;

/** What was wrong, in words for a log; `ProxyHeader.violation` is an index. */
export const VIOLATIONS: readonly string[] = [
  "not a PROXY header",
  "version 1: neither TCP4, TCP6 nor UNKNOWN",
  "version 1: not a source address",
  "version 1: not a destination address",
  "version 1: not a source port",
  "version 1: not a destination port",
  "version 1: the line does not end in CRLF",
  "version 1: the line is longer than 107 bytes",
  "version 2: unknown version",
  "version 2: unknown command",
  "version 2: unknown address family or transport",
  "version 2: oversized",
  "version 2: shorter than its addresses",
  "version 2: a TLV does not fit in the header",
  "version 2: a checksum that has not 4 bytes",
  "version 2: more than one checksum",
  "version 2: wrong checksum",
  "version 2: a unique id of more than 128 bytes",
];
const NO_HEADER = 0;
const UNKNOWN_PROTOCOL = 1;
const BAD_SOURCE = 2;
const BAD_DESTINATION = 3;
const BAD_SOURCE_PORT = 4;
const BAD_DESTINATION_PORT = 5;
const NO_LINE_END = 6;
const LONG_LINE = 7;
const UNKNOWN_VERSION = 8;
const UNKNOWN_COMMAND = 9;
const UNKNOWN_FAMILY = 10;
const OVERSIZED = 11;
const SHORT_OF_ADDRESSES = 12;
const UNFIT_TLV = 13;
const BAD_CHECKSUM_LENGTH = 14;
const SECOND_CHECKSUM = 15;
const WRONG_CHECKSUM = 16;
const LONG_UNIQUE_ID = 17;

/** A line of version 1 with its CRLF. */
export const PROXY_V1_BYTES_MAX = 107;
/**
 * Where a line's fields have ended with the byte behind them, if the least that must follow is to
 * fit. It matters: two addresses of 45 characters (IPv6 written out, with IPv4 at its end) do not.
 */
const ADDRESSES_END = PROXY_V1_BYTES_MAX - "0 0\r\n".length;
const SOURCE_PORT_END = PROXY_V1_BYTES_MAX - "0\r\n".length;
const DESTINATION_PORT_END = PROXY_V1_BYTES_MAX - "\n".length;
/**
 * A header of version 2 as a whole. The format allows 65,551 bytes; what senders have to say fits
 * in a segment, so who announces more wants memory.
 */
export const PROXY_HEADER_BYTES_MAX = 4096;

const utf8 = new TextEncoder();

export const V1_START = utf8.encode("PROXY ");
export const V1_UNKNOWN = utf8.encode("UNKNOWN");
const V1_TCP = utf8.encode("TCP");

export const V2_SIGNATURE = utf8.encode("\r\n\r\n\0\r\nQUIT\n");
/** Signature, version and command, family and transport, length. */
export const V2_FIXED_BYTES = 16;
export const V2_VERSION = 2;
export const V2_LOCAL = 0;
export const V2_PROXY = 1;

/** Family and transport, the 14th byte. */
export const V2_UNSPECIFIED = 0x00;
export const V2_TCP4 = 0x11;
export const V2_UDP4 = 0x12;
export const V2_TCP6 = 0x21;
export const V2_UDP6 = 0x22;
const V2_UNIX_STREAM = 0x31;
const V2_UNIX_DATAGRAM = 0x32;

export const V2_ADDRESS_BYTES_IPV4 = 12;
export const V2_ADDRESS_BYTES_IPV6 = 36;
const V2_ADDRESS_BYTES_UNIX = 216;

/** Type and length of a TLV. */
export const TLV_FIXED_BYTES = 3;
export const TLV_ALPN = 0x01;
export const TLV_AUTHORITY = 0x02;
export const TLV_CRC32C = 0x03;
export const TLV_UNIQUE_ID = 0x05;
const CRC32C_BYTES = 4;
/** Section 2.2.5. */
export const UNIQUE_ID_BYTES_MAX = 128;

const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const DIGIT_4 = 0x34;
const DIGIT_6 = 0x36;

/** One header after the other; the fields hold from a DONE to the next call. */
export class ProxyHeader {
  /** The header's length: the client's first byte stands behind. */
  headerBytes = 0;
  /** 1 or 2. */
  version = 0;
  /**
   * Whether addresses and ports are given. If not, the connection's own count: the proxy speaks for
   * itself (LOCAL), does not know (UNKNOWN, AF_UNSPEC), or serves a unix socket.
   */
  hasAddress = false;
  /** Of the client's transport: TCP, not UDP. False without addresses. */
  isStream = false;
  /** Whether the addresses were given as IPv4; without that they may still be IPv4-mapped. */
  isIpv4 = false;
  readonly source = new Int32Array(IP_WORDS);
  readonly destination = new Int32Array(IP_WORDS);
  sourcePort = 0;
  destinationPort = 0;

  /** The first TLV of each type that is not empty: offset in the bytes parsed; length 0: none. */
  alpnStart = 0;
  alpnLength = 0;
  /** The client's SNI, as a rule. Not checked to be a host name, or text at all. */
  authorityStart = 0;
  authorityLength = 0;
  uniqueIdStart = 0;
  uniqueIdLength = 0;

  /** After a VIOLATION: an index into VIOLATIONS. */
  violation = 0;

  /**
   * Reads the header that begins at `start`; nothing outside of `start..end` is looked at. More
   * bytes never change a result other than INCOMPLETE, nor the violation.
   *
   * @returns INCOMPLETE, DONE or VIOLATION.
   */
  parse(bytes: Uint8Array, start: number, end: number): number {
    assert(start >= 0 && start <= end && end <= bytes.length, "parsed range lies in its bytes");
    this.#clear();
    if (start === end) return INCOMPLETE;
    if (bytes[start] === V1_START[0]) return this.#parseLine(bytes, start, end);
    return this.#parseBlock(bytes, start, end);
  }

  /** Nobody gets the address of who came before. */
  #clear(): void {
    this.headerBytes = 0;
    this.version = 0;
    this.hasAddress = false;
    this.isStream = false;
    this.isIpv4 = false;
    for (let i = 0; i < IP_WORDS; i++) {
      this.source[i] = 0;
      this.destination[i] = 0;
    }
    this.sourcePort = 0;
    this.destinationPort = 0;
    this.alpnStart = 0;
    this.alpnLength = 0;
    this.authorityStart = 0;
    this.authorityLength = 0;
    this.uniqueIdStart = 0;
    this.uniqueIdLength = 0;
    this.violation = 0;
  }

  /** Version 1, a line of text. */
  #parseLine(bytes: Uint8Array, start: number, end: number): number {
    let at = readBytes(bytes, start, end, V1_START);
    if (at < 0) return this.#stop(at, NO_HEADER);
    if (at === end) return INCOMPLETE;
    if (bytes[at] === V1_UNKNOWN[0]) return this.#parseUnknown(bytes, start, at, end);
    at = readBytes(bytes, at, end, V1_TCP);
    if (at < 0) return this.#stop(at, UNKNOWN_PROTOCOL);
    if (at === end) return INCOMPLETE;
    const isIpv4 = bytes[at] === DIGIT_4;
    if (!isIpv4 && bytes[at] !== DIGIT_6) return this.#refuse(UNKNOWN_PROTOCOL);
    at = readByte(bytes, at + 1, end, SPACE);
    if (at < 0) return this.#stop(at, UNKNOWN_PROTOCOL);

    const { source, destination } = this;
    at = isIpv4 ? readIpv4Text(bytes, at, end, source, 0) : readIpv6Text(bytes, at, end, source, 0);
    at = readByte(bytes, at, end, SPACE);
    if (at < 0) return this.#stop(at, BAD_SOURCE);
    const addressesEnd = Math.min(end, start + ADDRESSES_END);
    at = isIpv4
      ? readIpv4Text(bytes, at, addressesEnd, destination, 0)
      : readIpv6Text(bytes, at, addressesEnd, destination, 0);
    at = readByte(bytes, at, addressesEnd, SPACE);
    if (at < 0) return this.#stopLine(at, BAD_DESTINATION, end >= start + ADDRESSES_END);

    const sourcePortStart = at;
    const sourcePortEnd = Math.min(end, start + SOURCE_PORT_END);
    at = readByte(bytes, readPortText(bytes, at, sourcePortEnd), sourcePortEnd, SPACE);
    if (at < 0) return this.#stopLine(at, BAD_SOURCE_PORT, end >= start + SOURCE_PORT_END);
    this.sourcePort = portOfText(bytes, sourcePortStart, at - 1);
    const destinationPortStart = at;
    at = readPortText(bytes, at, Math.min(end, start + DESTINATION_PORT_END));
    if (at < 0) {
      return this.#stopLine(at, BAD_DESTINATION_PORT, end >= start + DESTINATION_PORT_END);
    }
    this.destinationPort = portOfText(bytes, destinationPortStart, at);
    at = readByte(bytes, readByte(bytes, at, end, CR), end, LF);
    if (at < 0) return this.#stop(at, NO_LINE_END);

    this.hasAddress = true;
    this.isStream = true;
    this.isIpv4 = isIpv4;
    return this.#finish(1, at - start);
  }

  /** The rest of a line whose proxy does not know the client; it says nothing that counts. */
  #parseUnknown(bytes: Uint8Array, start: number, from: number, end: number): number {
    let at = readBytes(bytes, from, end, V1_UNKNOWN);
    if (at < 0) return this.#stop(at, UNKNOWN_PROTOCOL);
    if (at === end) return INCOMPLETE;
    if (bytes[at] !== SPACE && bytes[at] !== CR) return this.#refuse(UNKNOWN_PROTOCOL);
    for (; at < end && bytes[at] !== CR; at++) {
      if (bytes[at] === LF) return this.#refuse(NO_LINE_END);
      if (at - start + 1 + "\r\n".length > PROXY_V1_BYTES_MAX) return this.#refuse(LONG_LINE);
    }
    at = readByte(bytes, readByte(bytes, at, end, CR), end, LF);
    if (at < 0) return this.#stop(at, NO_LINE_END);
    return this.#finish(1, at - start);
  }

  /** Version 2, binary. */
  #parseBlock(bytes: Uint8Array, start: number, end: number): number {
    let at = readBytes(bytes, start, end, V2_SIGNATURE);
    if (at < 0) return this.#stop(at, NO_HEADER);
    if (at === end) return INCOMPLETE;
    const command = bytes[at] & 15;
    if (bytes[at] >> 4 !== V2_VERSION) return this.#refuse(UNKNOWN_VERSION);
    if (command !== V2_LOCAL && command !== V2_PROXY) return this.#refuse(UNKNOWN_COMMAND);
    at++;
    if (at === end) return INCOMPLETE;
    const family = bytes[at];
    const addressBytes = command === V2_LOCAL ? 0 : addressBytesOf(family);
    if (addressBytes < 0) return this.#refuse(UNKNOWN_FAMILY);
    at++;
    if (at === end) return INCOMPLETE;
    const leastLength = bytes[at] << 8;
    if (V2_FIXED_BYTES + leastLength > PROXY_HEADER_BYTES_MAX) return this.#refuse(OVERSIZED);
    at++;
    if (at === end) return INCOMPLETE;
    const length = leastLength | bytes[at];
    if (V2_FIXED_BYTES + length > PROXY_HEADER_BYTES_MAX) return this.#refuse(OVERSIZED);
    if (length < addressBytes) return this.#refuse(SHORT_OF_ADDRESSES);
    at++;

    const headerEnd = at + length;
    if (command === V2_LOCAL) {
      return end < headerEnd ? INCOMPLETE : this.#finish(2, headerEnd - start);
    }
    const result = this.#parseTlvs(bytes, start, at + addressBytes, headerEnd, end);
    if (result !== DONE) return result;
    this.#readAddresses(bytes, at, family);
    return this.#finish(2, headerEnd - start);
  }

  /** They fill the header from `from` on. A header that is not whole is read as far as it goes. */
  #parseTlvs(
    bytes: Uint8Array,
    start: number,
    from: number,
    headerEnd: number,
    end: number,
  ): number {
    let checksumAt = -1;
    for (let at = from; at !== headerEnd;) {
      const room = headerEnd - at - TLV_FIXED_BYTES;
      if (room < 0) return this.#refuse(UNFIT_TLV);
      if (at >= end) return INCOMPLETE;
      const type = bytes[at];
      if (type === TLV_CRC32C) {
        if (checksumAt >= 0) return this.#refuse(SECOND_CHECKSUM);
        // It has four bytes, and behind them is nothing or a whole TLV.
        const behind = room - CRC32C_BYTES;
        if (behind !== 0 && behind < TLV_FIXED_BYTES) return this.#refuse(UNFIT_TLV);
      }
      if (at + 1 >= end) return INCOMPLETE;
      // The first byte of a length is enough to know what it is at least.
      const isLengthWhole = at + 2 < end;
      const length = (bytes[at + 1] << 8) | (isLengthWhole ? bytes[at + 2] : 0);
      if (type === TLV_CRC32C && (isLengthWhole ? length !== CRC32C_BYTES : length !== 0)) {
        return this.#refuse(BAD_CHECKSUM_LENGTH);
      }
      if (type === TLV_UNIQUE_ID && length > UNIQUE_ID_BYTES_MAX) {
        return this.#refuse(LONG_UNIQUE_ID);
      }
      if (length > room) return this.#refuse(UNFIT_TLV);
      if (!isLengthWhole) return INCOMPLETE;
      at += TLV_FIXED_BYTES;
      if (type === TLV_CRC32C) checksumAt = at;
      else this.#noteTlv(type, at, length);
      at += length;
    }
    if (end < headerEnd) return INCOMPLETE;
    if (checksumAt < 0) return DONE;
    const sum = crc32cWithoutField(bytes, start, headerEnd, checksumAt);
    const isRight = (sum >>> 16) === readPort(bytes, checksumAt) &&
      (sum & 0xffff) === readPort(bytes, checksumAt + 2);
    return isRight ? DONE : this.#refuse(WRONG_CHECKSUM);
  }

  #noteTlv(type: number, start: number, length: number): void {
    if (type === TLV_ALPN && this.alpnLength === 0) {
      this.alpnStart = start;
      this.alpnLength = length;
    } else if (type === TLV_AUTHORITY && this.authorityLength === 0) {
      this.authorityStart = start;
      this.authorityLength = length;
    } else if (type === TLV_UNIQUE_ID && this.uniqueIdLength === 0) {
      this.uniqueIdStart = start;
      this.uniqueIdLength = length;
    }
  }

  #readAddresses(bytes: Uint8Array, at: number, family: number): void {
    this.isIpv4 = family === V2_TCP4 || family === V2_UDP4;
    this.hasAddress = this.isIpv4 || family === V2_TCP6 || family === V2_UDP6;
    if (!this.hasAddress) return;
    this.isStream = family === V2_TCP4 || family === V2_TCP6;
    if (this.isIpv4) {
      readIpv4Words(bytes, at, this.source, 0);
      readIpv4Words(bytes, at + 4, this.destination, 0);
    } else {
      readIpv6Words(bytes, at, this.source, 0);
      readIpv6Words(bytes, at + 16, this.destination, 0);
    }
    const portsAt = at + (this.isIpv4 ? 8 : 32);
    this.sourcePort = readPort(bytes, portsAt);
    this.destinationPort = readPort(bytes, portsAt + 2);
  }

  #finish(version: number, headerBytes: number): number {
    const bytesMax = version === 1 ? PROXY_V1_BYTES_MAX : PROXY_HEADER_BYTES_MAX;
    assert(headerBytes > 0 && headerBytes <= bytesMax, "a header has kept its bound");
    this.version = version;
    this.headerBytes = headerBytes;
    return DONE;
  }

  #refuse(violation: number): number {
    this.violation = violation;
    return VIOLATION;
  }

  /** What `at` means when it is no position. */
  #stop(at: number, violation: number): number {
    assert(at === TEXT_OPEN || at === TEXT_WRONG, "a text that was read does not stop a header");
    return at === TEXT_OPEN ? INCOMPLETE : this.#refuse(violation);
  }

  /** As `#stop`; a text that is open although it had all the room there is makes a long line. */
  #stopLine(at: number, violation: number, isFull: boolean): number {
    if (at === TEXT_OPEN && isFull) return this.#refuse(LONG_LINE);
    return this.#stop(at, violation);
  }
}

/** The position behind `wanted`, or why it does not stand at `start`. */
function readBytes(bytes: Uint8Array, start: number, end: number, wanted: Uint8Array): number {
  for (let i = 0; i < wanted.length; i++) {
    if (start + i === end) return TEXT_OPEN;
    if (bytes[start + i] !== wanted[i]) return TEXT_WRONG;
  }
  return start + wanted.length;
}

/** As `readBytes`, of one byte; `at` may be the answer to what was read before. */
function readByte(bytes: Uint8Array, at: number, end: number, wanted: number): number {
  if (at < 0) return at;
  if (at === end) return TEXT_OPEN;
  return bytes[at] === wanted ? at + 1 : TEXT_WRONG;
}

/** Bytes of addresses and ports; -1 of a family and transport that must not be sent. */
function addressBytesOf(family: number): number {
  switch (family) {
    case V2_UNSPECIFIED:
      return 0;
    case V2_TCP4:
    case V2_UDP4:
      return V2_ADDRESS_BYTES_IPV4;
    case V2_TCP6:
    case V2_UDP6:
      return V2_ADDRESS_BYTES_IPV6;
    case V2_UNIX_STREAM:
    case V2_UNIX_DATAGRAM:
      return V2_ADDRESS_BYTES_UNIX;
    default:
      return -1;
  }
}

function readPort(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}
