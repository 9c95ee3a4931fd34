/**
 * struct sockaddr_in, sockaddr_in6 and sockaddr_un (Linux, little-endian machine) as bytes, and
 * back. Source: ip(7), ipv6(7), unix(7). The port and addresses are in network order, the family
 * in the host's.
 */
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
const SOCKADDR_UN_BYTES = 110;

/** @param ip 4 or 16 bytes; @param port 0..65535. */
export function encodeSocketAddress(ip: Uint8Array, port: number): Uint8Array {
  const v4 = ip.length === 4;
  const bytes = new Uint8Array(v4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES);
  bytes[0] = v4 ? AF_INET : AF_INET6;
  bytes[2] = port >> 8;
  bytes[3] = port & 255;
  bytes.set(ip, v4 ? 4 : 8);
  return bytes;
}

/** Length of a struct sockaddr by its family; a unix path ends with a zero before that. */
export function socketAddressBytes(family: number): number {
  if (family === AF_UNIX) return SOCKADDR_UN_BYTES;
  return family === AF_INET6 ? SOCKADDR_IN6_BYTES : SOCKADDR_IN_BYTES;
}

/** @param path absolute, at most 107 bytes of UTF-8. */
export function encodeUnixAddress(path: string): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_UN_BYTES);
  bytes[0] = AF_UNIX;
  bytes.set(new TextEncoder().encode(path), 2);
  return bytes;
}

/** The port of a sockaddr_in or sockaddr_in6. */
export function portOf(address: Uint8Array): number {
  return address[2] << 8 | address[3];
}
