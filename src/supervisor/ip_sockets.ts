/**
 * Sockets bound to an IP address and port: one per worker, as a SO_REUSEPORT group, so that the
 * kernel spreads connections and datagrams over the workers by hash of both addresses.
 *
 * SO_REUSEPORT would also let a second program of the same user join the group in silence; so the
 * address is first bound without it, which fails when anybody else has it.
 *
 * IP_FREEBIND always: an address that this machine gets later (from VRRP, a VPN, an interface that
 * is not up yet) can be bound now, and a start does not depend on the order of other services.
 */
import { EAFNOSUPPORT } from "../base/errno.ts";
import { AF_INET6, encodeSocketAddress, portOf } from "../net/socket_address.ts";
import type { SocketOptions } from "../net/socket_options.ts";
import {
  IP_FREEBIND,
  IPV6_FREEBIND,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
} from "../net/socket_numbers.ts";
import { DATAGRAM_SOCKET, STREAM } from "../ring/ring.ts";
import type { SocketPlan } from "../upstream/plan.ts";
import type { Shim } from "../../ffi/shim.ts";
import { setListenerOptions } from "./listener_options.ts";

const IPV4_ANY = new Uint8Array(4);

/** What to bind. */
export interface IpRequest {
  /** 4 or 16 bytes. */
  readonly ip: Uint8Array;
  /** 0 lets the kernel pick. */
  readonly port: number;
  readonly isUdp: boolean;
  /** Datagrams that came as one burst may be handed over as one (UDP_GRO). */
  readonly takesBursts: boolean;
  /** Without IPv6 in the kernel, every IPv4 address will do. */
  readonly isAnyAddress: boolean;
  readonly options: SocketOptions;
  readonly backlog: number;
}

export interface IpSockets {
  readonly port: number;
  /** One per worker. */
  readonly sockets: readonly SocketPlan[];
}

type Library = Shim["library"];

/** A socket that is bound and, for TCP, listens; or a negated errno. */
function openOne(shim: Shim, ip: Uint8Array, port: number, request: IpRequest, shared: boolean) {
  const { library } = shim;
  const address = encodeSocketAddress(ip, port);
  const family = address[0];
  const fd = library.rw_socket(family, request.isUdp ? DATAGRAM_SOCKET : STREAM);
  if (fd < 0) return fd;
  const prepared = prepare(library, fd, family, request, shared);
  const result = prepared < 0 ? prepared : bindAndListen(shim, fd, address, request);
  if (result >= 0) return fd;
  library.rw_close(fd);
  return result;
}

function bindAndListen(shim: Shim, fd: number, address: Uint8Array, request: IpRequest): number {
  shim.scratch.set(address);
  const bound = shim.library.rw_bind(fd, address.length);
  return bound < 0 || request.isUdp ? bound : shim.library.rw_listen(fd, request.backlog);
}

/** Sets options; 0, or the first failure of one that must not fail. */
function prepare(
  library: Library,
  fd: number,
  family: number,
  request: IpRequest,
  shared: boolean,
): number {
  const { isUdp, takesBursts, options, ip } = request;
  const needed: (readonly [number, number, number])[] = [];
  // With UDP this would let two sockets have the same address.
  if (!isUdp) needed.push([SOL_SOCKET, SO_REUSEADDR, 1]);
  if (shared) needed.push([SOL_SOCKET, SO_REUSEPORT, 1]);
  if (family === AF_INET6) {
    needed.push([SOL_IPV6, IPV6_V6ONLY, 0], [SOL_IPV6, IPV6_FREEBIND, 1]);
  } else needed.push([SOL_IP, IP_FREEBIND, 1]);
  for (const [level, option, value] of needed) {
    const result = library.rw_set_option(fd, level, option, value);
    if (result < 0) return result;
  }
  const socket = { family, isUdp, isWildcard: isWildcard(ip), takesBursts, options };
  return setListenerOptions(library, fd, socket);
}

function isWildcard(ip: Uint8Array): boolean {
  return ip.every((byte) => byte === 0);
}

/** @returns the sockets, or a negated errno, and then nothing stays open. */
export function openIpSockets(
  shim: Shim,
  request: IpRequest,
  workers: number,
): IpSockets | number {
  let { ip, port } = request;
  let trial = openOne(shim, ip, port, request, false);
  if (trial === -EAFNOSUPPORT && request.isAnyAddress) {
    ip = IPV4_ANY;
    trial = openOne(shim, ip, port, request, false);
  }
  if (trial < 0) return trial;
  shim.library.rw_close(trial);
  const sockets: SocketPlan[] = [];
  const family = encodeSocketAddress(ip, port)[0];
  for (let worker = 0; worker < workers; worker++) {
    const fd = openOne(shim, ip, port, request, true);
    if (fd < 0) {
      for (const opened of sockets) shim.library.rw_close(opened.fd);
      return fd;
    }
    sockets.push({ fd, family, isWildcard: isWildcard(ip) });
    if (port === 0) {
      shim.library.rw_socket_name(fd);
      port = portOf(shim.scratch);
    }
  }
  return { port, sockets };
}
