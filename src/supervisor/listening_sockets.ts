/**
 * The listening sockets: one per listener and worker, all opened before any worker starts.
 *
 * The sockets of a listener form a SO_REUSEPORT group, so the kernel spreads connections over the
 * workers by hash. The supervisor keeps them open for good: a worker that dies leaves its socket,
 * and what waits in its accept queue, to its successor.
 *
 * SO_REUSEPORT would also let a second program of the same user join the group in silence; so the
 * address is first bound without it, which fails when anybody else listens there.
 */
import {
  describeErrno,
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EINVAL,
  EMFILE,
  EPERM,
} from "../base/errno.ts";
import { BACKLOG_MAX } from "../limits.ts";
import { encodeSocketAddress, portOf } from "../net/socket_address.ts";
import type { Shim } from "../../ffi/shim.ts";

const IPV4_ANY = new Uint8Array(4);
/** Ports from here on need no capability (ip_unprivileged_port_start). */
const UNPRIVILEGED_PORT = 1024;

export interface ListeningSockets {
  readonly name: string;
  /** The bound port, also when port 0 was asked for. */
  readonly port: number;
  /** One per worker. */
  readonly fds: readonly number[];
}

/** What to bind: `ip` 4 or 16 bytes; `text` as the user wrote it. */
export interface BindRequest {
  readonly name: string;
  readonly ip: Uint8Array;
  readonly port: number;
  readonly text: string;
}

export class BindError extends Error {
  override readonly name = "BindError";
  constructor(readonly errno: number, message: string) {
    super(message);
  }
}

function remedy(errno: number, request: BindRequest): string {
  switch (errno) {
    case EACCES:
    case EPERM:
      return request.port < UNPRIVILEGED_PORT
        ? "grant CAP_NET_BIND_SERVICE or use a port >= 1024"
        : 'a security module (SELinux, AppArmor) forbids it; see "dmesg"';
    case EADDRINUSE:
      return `another program listens on port ${request.port} (see "ss -ltnp"); stop it, or bind ` +
        "another port";
    case EADDRNOTAVAIL:
      return 'no interface of this machine has the address (see "ip address"); bind ":' +
        `${request.port}" for all of them`;
    case EAFNOSUPPORT:
      return "IPv6 is switched off in this kernel; bind an IPv4 address";
    case EINVAL:
      return "a link-local address (fe80::) means nothing without its interface; bind another";
    case EMFILE:
      return "each listener has a socket for each worker: raise the limit of open files " +
        "(ulimit -n, or LimitNOFILE), or set fewer workers";
    default:
      return "see ip(7) and bind(2)";
  }
}

function listen(shim: Shim, ip: Uint8Array, port: number, exclusive: boolean): number {
  const address = encodeSocketAddress(ip, port);
  shim.scratch.set(address);
  return shim.library.rw_listen(address.length, BACKLOG_MAX, exclusive ? 1 : 0);
}

/** @throws BindError with cause and remedy; what was opened for this listener is closed again. */
export function openListeningSockets(
  shim: Shim,
  request: BindRequest,
  workers: number,
): ListeningSockets {
  const fail = (errno: number): never => {
    throw new BindError(
      errno,
      `cannot bind "${request.text}" of listener "${request.name}": ${describeErrno(errno)}; ` +
        remedy(errno, request),
    );
  };
  let { ip, port } = request;
  let trial = listen(shim, ip, port, true);
  if (trial === -EAFNOSUPPORT && request.text.startsWith(":")) {
    // ":PORT" is every address that there is: without IPv6 those of IPv4.
    ip = IPV4_ANY;
    trial = listen(shim, ip, port, true);
  }
  if (trial < 0) fail(-trial);
  shim.library.rw_close(trial);
  const fds: number[] = [];
  for (let worker = 0; worker < workers; worker++) {
    const fd = listen(shim, ip, port, false);
    if (fd < 0) {
      for (const opened of fds) shim.library.rw_close(opened);
      fail(-fd);
    }
    fds.push(fd);
    if (port === 0) {
      shim.library.rw_socket_name(fd);
      port = portOf(shim.scratch);
    }
  }
  return { name: request.name, port, fds };
}
