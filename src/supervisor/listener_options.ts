/**
 * The options of a listening socket that it can be given bound or not: what the file says of it,
 * and for datagrams what answering them takes. So they are the same for sockets that we make and
 * for those that systemd has made; what must be set before bind(2) is in ip_sockets.ts.
 */
import type { ListenerConfig } from "../config/config.ts";
import { DATAGRAM_SOCKET_BYTES } from "../limits.ts";
import { AF_INET6 } from "../net/socket_address.ts";
import { optionCalls, type SocketOptions } from "../net/socket_options.ts";
import {
  IP_PKTINFO,
  IPV6_RECVPKTINFO,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
} from "../net/socket_numbers.ts";
import type { Shim } from "../../ffi/shim.ts";

type Library = Pick<Shim["library"], "rw_set_option">;

/** A listening socket as far as its options go. */
export interface ListenerSocket {
  /** sa_family. */
  readonly family: number;
  readonly isUdp: boolean;
  /** Bound, or to be bound, to every address. */
  readonly isWildcard: boolean;
  /** Datagrams that came as one burst may be handed over as one (UDP_GRO). */
  readonly takesBursts: boolean;
  readonly options: SocketOptions;
}

/** A PROXY header may stand in front of each datagram, and then each must be looked at. */
export function takesBursts(listener: Pick<ListenerConfig, "trustedProxies">): boolean {
  return listener.trustedProxies === null;
}

/** @returns 0, or the negated errno of the first option that must not fail. */
export function setListenerOptions(library: Library, fd: number, socket: ListenerSocket): number {
  const { family, isUdp, options } = socket;
  const needed = [...optionCalls(options, "listener", isUdp ? "datagram" : "stream", family)];
  // A wildcard socket has to be told from which address it replies.
  if (isUdp && socket.isWildcard) {
    needed.push(family === AF_INET6 ? [SOL_IPV6, IPV6_RECVPKTINFO, 1] : [SOL_IP, IP_PKTINFO, 1]);
  }
  for (const [level, option, value] of needed) {
    const result = library.rw_set_option(fd, level, option, value);
    if (result < 0) return result;
  }
  if (!isUdp) return 0;
  // A hint: a kernel without it hands over datagrams one by one.
  if (socket.takesBursts) library.rw_set_option(fd, SOL_UDP, UDP_GRO, 1);
  widen(library, fd, options.receive_buffer, SO_RCVBUFFORCE, SO_RCVBUF);
  widen(library, fd, options.send_buffer, SO_SNDBUFFORCE, SO_SNDBUF);
  return 0;
}

/**
 * All clients of a listener share its socket, and what finds it full is lost. So unless the file
 * says otherwise its buffers are large: beyond the system's limit where we may.
 */
function widen(
  library: Library,
  fd: number,
  written: number | undefined,
  forced: number,
  limited: number,
): void {
  if (written !== undefined) return;
  if (library.rw_set_option(fd, SOL_SOCKET, forced, DATAGRAM_SOCKET_BYTES) >= 0) return;
  library.rw_set_option(fd, SOL_SOCKET, limited, DATAGRAM_SOCKET_BYTES);
}
