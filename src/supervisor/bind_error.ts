/**
 * Why an address could not be bound, and what to do about it: errors that end a start, with cause
 * and remedy. Everything a listener opens fails through here.
 */
import {
  describeErrno,
  EACCES,
  EADDRINUSE,
  EAFNOSUPPORT,
  EINVAL,
  EMFILE,
  EPERM,
} from "../base/errno.ts";

/** Ports from here on need no capability (ip_unprivileged_port_start). */
const UNPRIVILEGED_PORT = 1024;

export class BindError extends Error {
  override readonly name = "BindError";
  constructor(readonly errno: number, message: string) {
    super(message);
  }
}

/** @param text the address as the user wrote it. */
export function bindError(
  listener: string,
  text: string,
  errno: number,
  remedy: string,
): BindError {
  return new BindError(
    errno,
    `cannot bind "${text}" of listener "${listener}": ${describeErrno(errno)}; ${remedy}`,
  );
}

/** What to do when an IP address could not be bound. `tool` lists who has the port. */
export function remedyFor(errno: number, port: number, isUdp: boolean): string {
  switch (errno) {
    case EACCES:
    case EPERM:
      return port < UNPRIVILEGED_PORT
        ? "grant CAP_NET_BIND_SERVICE or use a port >= 1024"
        : 'a security module (SELinux, AppArmor) forbids it; see "dmesg"';
    case EADDRINUSE:
      return `another program listens on port ${port} (see "ss -ln${isUdp ? "u" : "t"}p"); stop ` +
        "it, or bind another port";
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
