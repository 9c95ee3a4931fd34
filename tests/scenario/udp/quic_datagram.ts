/**
 * Datagrams that have the shape of QUIC's (RFC 9000, section 17), with noise where QUIC encrypts:
 * what a load balancer may look at is the version and the connection ids, and nothing else.
 */
import { nextRandom } from "../stream_pattern.ts";

const LONG = 0xc0;
const SHORT = 0x40;
const VERSION_1 = [0, 0, 0, 1];
/** A client's first datagram is at least so long (RFC 9000, section 14.1). */
const INITIAL_BYTES = 1200;

export type ConnectionId = readonly number[];

/** An id of `length` bytes; others of another seed. */
export function connectionId(seed: number, length = 8): ConnectionId {
  return noise(seed, length);
}

function noise(seed: number, length: number): number[] {
  let random = seed * 2_654_435_761 >>> 0 || 1;
  return Array.from({ length }, () => (random = nextRandom(random)) >>> 24);
}

function longHeader(to: ConnectionId, from: ConnectionId): number[] {
  return [LONG, ...VERSION_1, to.length, ...to, from.length, ...from];
}

/** What a client begins with: an id of its choice for the server, and its own. */
export function clientInitial(to: ConnectionId, from: ConnectionId): Uint8Array {
  const header = longHeader(to, from);
  return new Uint8Array([...header, ...noise(1, INITIAL_BYTES - header.length)]);
}

/** What a server answers: to the client's id, and the id that it wants to be called by. */
export function serverInitial(to: ConnectionId, from: ConnectionId, name: string): Uint8Array {
  return new Uint8Array([...longHeader(to, from), ...new TextEncoder().encode(name)]);
}

/** Everything after the handshake. */
export function shortHeader(to: ConnectionId, text: string): Uint8Array {
  return new Uint8Array([SHORT, ...to, ...new TextEncoder().encode(text)]);
}

export function isLong(bytes: Uint8Array): boolean {
  return (bytes[0] & 0x80) !== 0;
}

/** The two ids of a long header. */
export function readIds(bytes: Uint8Array): { to: ConnectionId; from: ConnectionId } {
  const toEnd = 6 + bytes[5];
  return {
    to: Array.from(bytes.subarray(6, toEnd)),
    from: Array.from(bytes.subarray(toEnd + 1, toEnd + 1 + bytes[toEnd])),
  };
}
