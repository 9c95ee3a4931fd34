/**
 * Reads of a QUIC packet what no version of QUIC may change (RFC 8999): whether the header is long,
 * its version, and the connection ids. All else is encrypted, or means something only to those who
 * know the version, and is not looked at; so versions to come pass like today's.
 *
 * A short header does not say how long its connection id is. Only the server that chose the id
 * knows; quic_directory.ts finds out by having seen ids.
 *
 * The object is the result and is used again for the next datagram: positions are into the bytes of
 * the last `parse`, and nothing is copied. Of a datagram that holds several packets the first
 * counts, all of them belong to one connection (RFC 9000 section 12.2).
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";

export const INVALID = 0;
export const LONG = 1;
export const SHORT = 2;

const LONG_HEADER_BIT = 0x80;
/** Before the destination connection id: first byte, version, length. */
const LONG_PREFIX_BYTES = 6;

export class QuicHeader {
  /** As an unsigned number; 0, which is Version Negotiation, for short headers too. */
  version = 0;
  /** The destination connection id: whom the packet is for. */
  dcidStart = 0;
  /** 0..255. For SHORT all bytes that the id can be part of, to the end of the datagram. */
  dcidLength = 0;
  /** The source connection id: how the sender wants to be called. Only with LONG. */
  scidStart = 0;
  scidLength = 0;

  /**
   * Reads the datagram `bytes[start..end)`.
   *
   * @returns INVALID, LONG or SHORT; after INVALID no field means anything.
   */
  parse(bytes: Uint8Array, start: number, end: number): number {
    assert(start >= 0 && start <= end && end <= bytes.length, "a datagram lies in its bytes");
    this.version = 0;
    this.scidStart = 0;
    this.scidLength = 0;
    this.dcidStart = start + 1;
    this.dcidLength = end - start - 1;
    if (start === end) return INVALID;
    if ((bytes[start] & LONG_HEADER_BIT) === 0) return SHORT;
    if (start + LONG_PREFIX_BYTES > end) return INVALID;
    const dcidStart = start + LONG_PREFIX_BYTES;
    const dcidLength = bytes[dcidStart - 1];
    const scidStart = dcidStart + dcidLength + 1;
    if (scidStart > end) return INVALID;
    const scidLength = bytes[scidStart - 1];
    if (scidStart + scidLength > end) return INVALID;
    this.version = ((bytes[start + 1] << 24) | (bytes[start + 2] << 16) |
      (bytes[start + 3] << 8) | bytes[start + 4]) >>> 0;
    this.dcidStart = dcidStart;
    this.dcidLength = dcidLength;
    this.scidStart = scidStart;
    this.scidLength = scidLength;
    return LONG;
  }
}
