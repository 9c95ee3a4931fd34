/**
 * @hot
 * Reads the first message of a TLS client, which is in the clear: whom it wants to talk to
 * (server_name, RFC 6066) and what it speaks (ALPN, RFC 7301). Nothing is decrypted or changed; the
 * bytes go on to the server as they came.
 *
 * The bytes are peeked at, so each call gets all that came so far, from the beginning. Until the
 * message is complete only the headers of its records are looked at: a client that sends byte by
 * byte costs a few reads per byte, not the whole message again. What cannot become a ClientHello is
 * refused at the first byte that shows it, and a verdict once given stays whatever comes after.
 *
 * It is strict where lenience would let two programs see two names: every length in the message
 * must be exact, neither extension may stand twice, and a server name must be a host name (labels
 * of letters, digits, hyphens and underscores; the last one no number, which would be an IPv4
 * address). It takes no offence at what it need not understand: other extensions, unknown versions,
 * cipher suites and protocols, and the values of RFC 8701 (GREASE) that clients put everywhere to
 * keep servers from doing so. With Encrypted ClientHello the outer name counts: there is no other.
 */
import { assert } from "../../base/assert.ts";
import * as violations from "./hello_violation.ts";

export const INCOMPLETE = 0;
export const DONE = 1;
export const VIOLATION = 2;

/** Bytes of all records that hold the message, their headers included. */
export const CLIENT_HELLO_BYTES_MAX = 16 * 1024;
/** RFC 1035 section 2.3.4; a dot at the end counts. */
const SNI_BYTES_MAX = 255;

const RECORD_HEADER_BYTES = 5;
const RECORD_BYTES_MAX = 1 << 14;
const CONTENT_TYPE_HANDSHAKE = 22;
const VERSION_MAJOR = 3;
const VERSION_MINOR_MAX = 4;
const MESSAGE_HEADER_BYTES = 4;
const MESSAGE_CLIENT_HELLO = 1;
const VERSION_AND_RANDOM_BYTES = 34;
const SESSION_ID_BYTES_MAX = 32;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_ALPN = 16;
const NAME_TYPE_HOST_NAME = 0;
const LABEL_BYTES_MAX = 63;
const DOT = 0x2e;

/** For each byte of a label what it is compared as, lower case; 0 for bytes that have no place. */
const FOLDED = makeFolded();

function makeFolded(): Uint8Array {
  const folded = new Uint8Array(256);
  for (let byte = 0x61; byte <= 0x7a; byte++) folded[byte] = folded[byte - 32] = byte;
  for (let byte = 0x30; byte <= 0x39; byte++) folded[byte] = byte;
  folded[0x2d] = 0x2d;
  folded[0x5f] = 0x5f;
  return folded;
}

const ascii = new TextDecoder();

export class ClientHello {
  // After DONE; before it these are in the making, after VIOLATION they are empty.

  /** Bytes from the start to the end of the last record of the message. */
  helloBytes = 0;
  /** The server name in lower case, without a dot at the end. */
  readonly sniBytes = new Uint8Array(SNI_BYTES_MAX);
  /** 0 when the client named nobody. */
  sniLength = 0;
  /** The protocols as the extension has them, a byte of length before each; without GREASE. */
  readonly alpnBytes = new Uint8Array(CLIENT_HELLO_BYTES_MAX);
  alpnLength = 0;
  alpnCount = 0;
  /** Where the protocol that the client likes best stands in `alpnBytes`; meaningful with any. */
  firstAlpnStart = 0;
  /** 0 without protocols. */
  firstAlpnLength = 0;

  // After VIOLATION.

  /** What to tell the client, for `writeAlert`. */
  alert = 0;
  /** Index into `VIOLATIONS`; -1 when there is none. */
  violation = -1;

  /** The first bytes of the message, which may come in as many records. */
  readonly #messageHeader = new Uint8Array(MESSAGE_HEADER_BYTES);
  /** A message of several records is put together here. */
  readonly #message = new Uint8Array(CLIENT_HELLO_BYTES_MAX);

  /**
   * Looks at `bytes[start..end)`, all that the connection has sent so far.
   *
   * @returns INCOMPLETE, DONE or VIOLATION.
   */
  parse(bytes: Uint8Array, start: number, end: number): number {
    assert(start >= 0 && start <= end && end <= bytes.length, "what is parsed lies in its bytes");
    this.#clear();
    this.alert = 0;
    this.violation = -1;
    const header = this.#messageHeader;
    /** Bytes of the message in the records before the one at `at`. */
    let taken = 0;
    for (let at = start;;) {
      const verdict = this.#checkRecordHeader(bytes, at, end, at === start);
      if (verdict !== DONE) return verdict;
      const fragment = at + RECORD_HEADER_BYTES;
      const length = readUint16(bytes, fragment - 2);
      const recordEnd = fragment + length;
      if (recordEnd - start > CLIENT_HELLO_BYTES_MAX) {
        return this.#refuse(violations.HELLO_TOO_LONG);
      }
      const arrived = length < end - fragment ? length : end - fragment;
      for (let i = 0; i < arrived && taken + i < MESSAGE_HEADER_BYTES; i++) {
        header[taken + i] = bytes[fragment + i];
      }
      if (taken + arrived > 0 && header[0] !== MESSAGE_CLIENT_HELLO) {
        return this.#refuse(violations.NOT_CLIENT_HELLO);
      }
      if (taken + arrived >= MESSAGE_HEADER_BYTES) {
        const messageBytes = MESSAGE_HEADER_BYTES + (header[1] << 16) + readUint16(header, 2);
        const missing = messageBytes - taken - length;
        // What follows must be answered first, so nobody may send it yet (RFC 8446 section 5.1).
        if (missing < 0) return this.#refuse(violations.HELLO_GOES_ON);
        if (recordEnd - start + missing > CLIENT_HELLO_BYTES_MAX) {
          return this.#refuse(violations.HELLO_TOO_LONG);
        }
        if (missing === 0 && arrived === length) {
          return this.#readMessage(bytes, start, recordEnd, taken > 0);
        }
      }
      if (arrived < length) return INCOMPLETE;
      taken += length;
      at = recordEnd;
    }
  }

  /** The server name as text, "" for none. Allocates, unlike all else here. */
  get sni(): string {
    return ascii.decode(this.sniBytes.subarray(0, this.sniLength));
  }

  /** Whether the client offers `protocol`, compared byte by byte. */
  hasAlpn(protocol: Uint8Array): boolean {
    const list = this.alpnBytes;
    for (let at = 0; at < this.alpnLength;) {
      const length = list[at++];
      if (length === protocol.length) {
        let same = 0;
        while (same < length && list[at + same] === protocol[same]) same++;
        if (same === length) return true;
      }
      at += length;
    }
    return false;
  }

  #clear(): void {
    this.helloBytes = 0;
    this.sniLength = 0;
    this.alpnLength = 0;
    this.alpnCount = 0;
    this.firstAlpnStart = 0;
    this.firstAlpnLength = 0;
  }

  #refuse(violation: number): number {
    this.#clear();
    this.violation = violation;
    this.alert = violations.VIOLATION_ALERTS[violation];
    return VIOLATION;
  }

  /** Each byte is judged as soon as it is there; DONE when all five are. */
  #checkRecordHeader(bytes: Uint8Array, at: number, end: number, isFirst: boolean): number {
    if (at === end) return INCOMPLETE;
    if (bytes[at] !== CONTENT_TYPE_HANDSHAKE) {
      return this.#refuse(isFirst ? violations.NOT_TLS : violations.RECORD_TYPE);
    }
    if (at + 1 < end && bytes[at + 1] !== VERSION_MAJOR) {
      return this.#refuse(violations.RECORD_VERSION);
    }
    if (at + 2 < end && bytes[at + 2] > VERSION_MINOR_MAX) {
      return this.#refuse(violations.RECORD_VERSION);
    }
    if (at + RECORD_HEADER_BYTES > end) return INCOMPLETE;
    const length = readUint16(bytes, at + 3);
    if (length === 0) return this.#refuse(violations.RECORD_EMPTY);
    if (length > RECORD_BYTES_MAX) return this.#refuse(violations.RECORD_TOO_LONG);
    return DONE;
  }

  /** The records in `bytes[start..end)` hold exactly the message. */
  #readMessage(bytes: Uint8Array, start: number, end: number, isSplit: boolean): number {
    let verdict: number;
    if (isSplit) {
      const messageEnd = this.#join(bytes, start, end);
      verdict = this.#readBody(this.#message, MESSAGE_HEADER_BYTES, messageEnd);
    } else {
      verdict = this.#readBody(bytes, start + RECORD_HEADER_BYTES + MESSAGE_HEADER_BYTES, end);
    }
    if (verdict === DONE) this.helloBytes = end - start;
    return verdict;
  }

  /** Puts the fragments of all records together. Returns how many bytes they are. */
  #join(bytes: Uint8Array, start: number, end: number): number {
    const message = this.#message;
    let to = 0;
    for (let at = start; at < end;) {
      const fragmentEnd = at + RECORD_HEADER_BYTES + readUint16(bytes, at + 3);
      for (at += RECORD_HEADER_BYTES; at < fragmentEnd; at++) message[to++] = bytes[at];
    }
    return to;
  }

  /** RFC 8446 section 4.1.2, which is RFC 5246 section 7.4.1.2 as far as this goes. */
  #readBody(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    if (at + VERSION_AND_RANDOM_BYTES + 1 > end) return this.#refuse(violations.HELLO_LENGTHS);
    if (bytes[at] !== VERSION_MAJOR) return this.#refuse(violations.HELLO_VERSION);
    at += VERSION_AND_RANDOM_BYTES;
    if (bytes[at] > SESSION_ID_BYTES_MAX) return this.#refuse(violations.SESSION_ID);
    at += 1 + bytes[at];
    if (at + 2 > end) return this.#refuse(violations.HELLO_LENGTHS);
    const suiteBytes = readUint16(bytes, at);
    if (suiteBytes === 0 || suiteBytes % 2 !== 0) return this.#refuse(violations.CIPHER_SUITES);
    at += 2 + suiteBytes;
    if (at + 1 > end) return this.#refuse(violations.HELLO_LENGTHS);
    if (bytes[at] === 0) return this.#refuse(violations.COMPRESSION);
    at += 1 + bytes[at];
    // Without extensions not even their length is there.
    if (at === end) return DONE;
    if (at + 2 > end || at + 2 + readUint16(bytes, at) !== end) {
      return this.#refuse(violations.HELLO_LENGTHS);
    }
    return this.#readExtensions(bytes, at + 2, end);
  }

  #readExtensions(bytes: Uint8Array, start: number, end: number): number {
    let hasServerName = false;
    let hasProtocols = false;
    for (let at = start; at < end;) {
      if (at + 4 > end) return this.#refuse(violations.HELLO_LENGTHS);
      const type = readUint16(bytes, at);
      const next = at + 4 + readUint16(bytes, at + 2);
      if (next > end) return this.#refuse(violations.HELLO_LENGTHS);
      let verdict = DONE;
      if (type === EXTENSION_SERVER_NAME) {
        if (hasServerName) return this.#refuse(violations.EXTENSION_TWICE);
        hasServerName = true;
        verdict = this.#readServerNames(bytes, at + 4, next);
      } else if (type === EXTENSION_ALPN) {
        if (hasProtocols) return this.#refuse(violations.EXTENSION_TWICE);
        hasProtocols = true;
        verdict = this.#readProtocols(bytes, at + 4, next);
      }
      if (verdict !== DONE) return verdict;
      at = next;
    }
    return DONE;
  }

  /** RFC 6066 section 3: names of any type have their length in front. */
  #readServerNames(bytes: Uint8Array, start: number, end: number): number {
    if (!isWholeList(bytes, start, end)) return this.#refuse(violations.SERVER_NAME_LIST);
    let isNamed = false;
    for (let at = start + 2; at < end;) {
      if (at + 3 > end) return this.#refuse(violations.SERVER_NAME_LIST);
      const next = at + 3 + readUint16(bytes, at + 1);
      if (next > end) return this.#refuse(violations.SERVER_NAME_LIST);
      if (bytes[at] === NAME_TYPE_HOST_NAME) {
        if (isNamed) return this.#refuse(violations.SERVER_NAME_TWICE);
        isNamed = true;
        if (at + 3 === next) return this.#refuse(violations.SERVER_NAME_LIST);
        if (!this.#readHostName(bytes, at + 3, next)) return this.#refuse(violations.SERVER_NAME);
      }
      at = next;
    }
    return DONE;
  }

  /** Copies the name in lower case; false when it is none. As in DNS hyphens may be anywhere. */
  #readHostName(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start > SNI_BYTES_MAX) return false;
    const length = bytes[end - 1] === DOT ? end - start - 1 : end - start;
    const name = this.sniBytes;
    let label = 0;
    let isNumber = true;
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i];
      if (byte === DOT) {
        if (i === label || i - label > LABEL_BYTES_MAX) return false;
        label = i + 1;
        isNumber = true;
        name[i] = DOT;
        continue;
      }
      const folded = FOLDED[byte];
      if (folded === 0) return false;
      if (folded < 0x30 || folded > 0x39) isNumber = false;
      name[i] = folded;
    }
    if (length === label || length - label > LABEL_BYTES_MAX || isNumber) return false;
    this.sniLength = length;
    return true;
  }

  /** RFC 7301 section 3.1: at least one protocol, none of them empty. */
  #readProtocols(bytes: Uint8Array, start: number, end: number): number {
    if (!isWholeList(bytes, start, end)) return this.#refuse(violations.ALPN_LIST);
    const list = this.alpnBytes;
    let to = 0;
    for (let at = start + 2; at < end;) {
      const length = bytes[at];
      const next = at + 1 + length;
      if (length === 0 || next > end) return this.#refuse(violations.ALPN_LIST);
      if (length !== 2 || !isGrease(bytes[at + 1], bytes[at + 2])) {
        for (; at < next; at++) list[to++] = bytes[at];
        this.alpnCount++;
      }
      at = next;
    }
    this.alpnLength = to;
    if (to > 0) {
      this.firstAlpnStart = 1;
      this.firstAlpnLength = list[0];
    }
    return DONE;
  }
}

function readUint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** Whether `bytes[start..end)` is a length of two bytes and as many others, at least one. */
function isWholeList(bytes: Uint8Array, start: number, end: number): boolean {
  return start + 2 < end && start + 2 + readUint16(bytes, start) === end;
}

/** RFC 8701 section 2: 0x0a0a, 0x1a1a and so on. */
function isGrease(first: number, second: number): boolean {
  return first === second && (first & 0x0f) === 0x0a;
}
