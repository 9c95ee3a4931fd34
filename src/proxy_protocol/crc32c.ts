/**
 * @hot
 * CRC-32C (Castagnoli), the checksum of iSCSI, SCTP and of the PROXY protocol: RFC 3720 section
 * 12.1 defines it, and its appendix B.4 has the values that the tests know.
 *
 * One byte at a time from a table of 256 entries. Tables that take four or eight bytes at once are
 * faster on long input, but a header is some hundred bytes, read once for a connection.
 *
 * It finds what lines and memories break, not what people change: a checksum proves no sender.
 */
import { assert } from "../base/assert.ts";

/** 0x1edc6f41 with its bits reversed, since the first bit on the line is the lowest of a byte. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = makeTable();

function makeTable(): Int32Array {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let rest = byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
    table[byte] = rest;
  }
  return table;
}

/** Of `bytes[start..end)`; an unsigned 32-bit integer. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  assert(start >= 0 && start <= end && end <= bytes.length, "summed range lies in its bytes");
  return ~advance(-1, bytes, start, end) >>> 0;
}

/** As `crc32c`, with four zeros in place of the field at `fieldAt` that holds the sum itself. */
export function crc32cWithoutField(
  bytes: Uint8Array,
  start: number,
  end: number,
  fieldAt: number,
): number {
  assert(start >= 0 && end <= bytes.length, "summed range lies in its bytes");
  assert(fieldAt >= start && fieldAt + 4 <= end, "the field lies in the summed range");
  let state = advance(-1, bytes, start, fieldAt);
  for (let i = 0; i < 4; i++) state = TABLE[state & 255] ^ (state >>> 8);
  return ~advance(state, bytes, fieldAt + 4, end) >>> 0;
}

function advance(from: number, bytes: Uint8Array, start: number, end: number): number {
  let state = from;
  for (let at = start; at < end; at++) state = TABLE[(state ^ bytes[at]) & 255] ^ (state >>> 8);
  return state;
}
