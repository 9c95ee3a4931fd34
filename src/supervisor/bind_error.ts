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

/**
 * A refusal that is ours: no call of the kernel failed, so no words of the kernel stand in it.
 * @param text the address as the user wrote it.
 */
export function bindRefusal(
  listener: string,
  text: string,
  errno: number,
  reason: string,
): BindError {
  return new BindError(errno, `cannot bind "${text}" of listener "${listener}": ${reason}`);
}

/** @param text the address as the user wrote it. */
export function bindError(
  listener: string,
  text: string,
  errno: number,
  remedy: string,
): BindError {
  return bindRefusal(listener, text, errno, `${describeErrno(errno)}; ${remedy}`);
}

/** What to do when an IP address could not be bound. */
export function remedyFor(errno: number, port: number, isUdp: boolean): string {
  switch (errno) {
    case EACCES:
    case EPERM:
      return port < UNPRIVILEGED_PORT
        ? "grant CAP_NET_BIND_SERVICE (AmbientCapabilities= in the unit) or use a port >= 1024"
        : 'a security module (SELinux, AppArmor) forbids it; see "dmesg"';
    case EADDRINUSE:
      // No UDP socket listens, and one that is connected has its port as well.
      return isUdp
        ? `another program has port ${port} (see "ss -anup"); stop it, or bind another port`
        : `another program listens on port ${port} (see "ss -lntp"); stop it, or bind another port`;
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
