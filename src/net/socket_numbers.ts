/**
 * Levels and options of setsockopt(2) and of control messages, by the kernel's names and numbers.
 * What a configuration may set has its numbers in socket_options.ts; here is what the program sets
 * by itself, and the levels of both.
 *
 * Source: Linux include/uapi/asm-generic/socket.h, linux/in.h, linux/in6.h, linux/udp.h.
 */
export const SOL_IP = 0;
export const SOL_SOCKET = 1;
export const SOL_TCP = 6;
export const SOL_UDP = 17;
export const SOL_IPV6 = 41;

export const SO_REUSEADDR = 2;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_REUSEPORT = 15;
export const SO_RCVLOWAT = 18;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;

export const IP_PKTINFO = 8;
export const IP_FREEBIND = 15;
export const IP_TRANSPARENT = 19;
export const IP_BIND_ADDRESS_NO_PORT = 24;

export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_TRANSPARENT = 75;
export const IPV6_FREEBIND = 78;

export const UDP_SEGMENT = 103;
export const UDP_GRO = 104;
