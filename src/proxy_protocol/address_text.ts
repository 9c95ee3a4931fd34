/**
 * @hot
 * IP addresses and ports as they stand in a version 1 header: text, read from its bytes.
 *
 * `net/address.ts` reads the same texts, but from strings and with some garbage, and it cannot tell
 * half a text from a wrong one. Here it matters: bytes come as the network cuts them, and a sender
 * whose text can no longer become right is to be told at once, not when a deadline has passed.
 *
 * Each function gives the position of the first byte behind the text, `TEXT_OPEN` or `TEXT_WRONG`.
 * What may stand behind a text is the caller's to judge, and a text that ends where the bytes end
 * is open: another digit may come.
 */
import { IP_WORDS, IPV4_MARK } from "../net/ip_words.ts";

/** The bytes ended, and can still become a text. */
export const TEXT_OPEN = -1;
/** No bytes that may follow make a text of this. */
export const TEXT_WRONG = -2;

const DOT = 0x2e;
const COLON = 0x3a;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const LOWER_A = 0x61;
const LOWER_F = 0x66;
/** What makes a lower case letter of one in upper case. */
const CASE_BIT = 0x20;

const IPV6_GROUPS = 8;
const GROUP_DIGITS_MAX = 4;
const PORT_MAX = 65535;

/** The groups of the address being read: who reads does not call who reads another one. */
const groups = new Uint16Array(IPV6_GROUPS);

function decimalValue(byte: number): number {
  return byte >= DIGIT_0 && byte <= DIGIT_9 ? byte - DIGIT_0 : -1;
}

function hexadecimalValue(byte: number): number {
  if (byte >= DIGIT_0 && byte <= DIGIT_9) return byte - DIGIT_0;
  const letter = byte | CASE_BIT;
  return letter >= LOWER_A && letter <= LOWER_F ? letter - LOWER_A + 10 : -1;
}

/** Four decimal numbers without zeros in front, into `words` as an IPv4-mapped address. */
export function readIpv4Text(
  bytes: Uint8Array,
  start: number,
  end: number,
  words: Int32Array,
  to: number,
): number {
  let word = 0;
  let partsBefore = 0;
  let part = -1;
  for (let at = start; at < end; at++) {
    const digit = decimalValue(bytes[at]);
    if (digit >= 0) {
      // A zero stands alone: what others take for octal is refused.
      if (part === 0) return TEXT_WRONG;
      part = part < 0 ? digit : part * 10 + digit;
      if (part > 255) return TEXT_WRONG;
      continue;
    }
    if (part < 0) return TEXT_WRONG;
    word = (word << 8) | part;
    if (partsBefore === 3) {
      words[to] = 0;
      words[to + 1] = 0;
      words[to + 2] = IPV4_MARK;
      words[to + 3] = word;
      return at;
    }
    if (bytes[at] !== DOT) return TEXT_WRONG;
    partsBefore++;
    part = -1;
  }
  return TEXT_OPEN;
}

/** RFC 4291 section 2.2 in all three forms, into `words`; without brackets and zone. */
export function readIpv6Text(
  bytes: Uint8Array,
  start: number,
  end: number,
  words: Int32Array,
  to: number,
): number {
  let count = 0;
  /** Groups before "::", which stands for at least one; -1 when there was none. */
  let gap = -1;
  let digits = 0;
  let group = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    const countMax = gap < 0 ? IPV6_GROUPS : IPV6_GROUPS - 1;
    const digit = hexadecimalValue(byte);
    if (digit >= 0) {
      const afterLoneColon = gap < 0 && count === 0 && at > start && digits === 0;
      if (digits === GROUP_DIGITS_MAX || count === countMax || afterLoneColon) return TEXT_WRONG;
      group = digits === 0 ? digit : (group << 4) | digit;
      digits++;
    } else if (digits > 0) {
      if (byte === DOT) {
        const room = gap < 0 ? count === IPV6_GROUPS - 2 : count <= countMax - 2;
        if (!room) return TEXT_WRONG;
        const behind = readIpv4Text(bytes, at - digits, end, words, to);
        if (behind < 0) return behind;
        groups[count] = words[to + 3] >>> 16;
        groups[count + 1] = words[to + 3];
        spread(count + 2, gap, words, to);
        return behind;
      }
      groups[count] = group;
      count++;
      digits = 0;
      if (byte !== COLON) {
        if (gap < 0 && count < IPV6_GROUPS) return TEXT_WRONG;
        spread(count, gap, words, to);
        return at;
      }
      // A colon behind a group promises another one.
      if (count === countMax) return TEXT_WRONG;
    } else {
      const afterColon = at > start && bytes[at - 1] === COLON;
      const afterGap = afterColon && gap === count;
      if (afterGap && byte !== COLON) {
        spread(count, gap, words, to);
        return at;
      }
      if (byte !== COLON || (afterColon && gap >= 0)) return TEXT_WRONG;
      if (afterColon) gap = count;
    }
  }
  return TEXT_OPEN;
}

/** Puts `count` groups into words, zeros where the gap is. */
function spread(count: number, gap: number, words: Int32Array, to: number): void {
  for (let i = 0; i < IP_WORDS; i++) words[to + i] = 0;
  const shift = IPV6_GROUPS - count;
  for (let i = 0; i < count; i++) {
    const place = gap >= 0 && i >= gap ? i + shift : i;
    words[to + (place >> 1)] |= (place & 1) === 0 ? groups[i] << 16 : groups[i];
  }
}

/** A decimal number from 0 to 65535 without zeros in front. */
export function readPortText(bytes: Uint8Array, start: number, end: number): number {
  let port = -1;
  for (let at = start; at < end; at++) {
    const digit = decimalValue(bytes[at]);
    if (digit < 0) return port < 0 ? TEXT_WRONG : at;
    if (port === 0) return TEXT_WRONG;
    port = port < 0 ? digit : port * 10 + digit;
    if (port > PORT_MAX) return TEXT_WRONG;
  }
  return TEXT_OPEN;
}

/** The number that `readPortText` has found to stand in `bytes[start..end)`. */
export function portOfText(bytes: Uint8Array, start: number, end: number): number {
  let port = 0;
  for (let at = start; at < end; at++) port = port * 10 + decimalValue(bytes[at]);
  return port;
}
