/**
 * Headers for the tests of the PROXY protocol, put together by hand: from the specification, not by
 * the writer, which is under test itself.
 */
import { crc32cWithoutField } from "./crc32c.ts";

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

/** 192.0.2.1, 192.0.2.2, 1111 and 80. */
export const IPV4_ADDRESSES = [192, 0, 2, 1, 192, 0, 2, 2, 1111 >> 8, 1111 & 255, 0, 80];
/** 2001:db8::1, ::ffff:1.2.3.4, 1 and 65535. */
export const IPV6_ADDRESSES = [
  ...[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4],
  ...[0, 1, 0xff, 0xff],
];
export const UNIX_ADDRESSES: number[] = new Array(216).fill(0x2f);

/** One byte a character. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export interface Block {
  readonly version?: number;
  readonly command?: number;
  readonly family?: number;
  readonly addresses?: readonly number[];
  readonly tlvs?: readonly number[];
  /** What the header says, if it is not the truth. */
  readonly length?: number;
}

/** A header of version 2: of TCP over IPv4 unless told otherwise. */
export function makeBlock(block: Block = {}): Uint8Array {
  const { version = 2, command = 1, family = 0x11 } = block;
  const { addresses = IPV4_ADDRESSES, tlvs = [] } = block;
  const { length = addresses.length + tlvs.length } = block;
  const fields = [version << 4 | command, family, length >> 8, length & 255];
  return Uint8Array.from([...SIGNATURE, ...fields, ...addresses, ...tlvs]);
}

export function makeTlv(type: number, value: ArrayLike<number> | string): number[] {
  const bytes = typeof value === "string" ? bytesOf(value) : Array.from(value);
  return [type, bytes.length >> 8, bytes.length & 255, ...bytes];
}

/** Puts in the checksum, whose field of four bytes is at `fieldAt`. */
export function sign(header: Uint8Array, fieldAt: number): Uint8Array {
  const sum = crc32cWithoutField(header, 0, header.length, fieldAt);
  header.set([sum >>> 24, sum >>> 16, sum >>> 8, sum], fieldAt);
  return header;
}
