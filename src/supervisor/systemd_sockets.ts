/**
 * Sockets that systemd opened for us: `systemd:NAME` (sd_listen_fds(3)).
 *
 * LISTEN_FDS says how many, from fd 3 on, LISTEN_FDNAMES their names, LISTEN_PID for whom they are.
 * All workers share such a socket, because it is one: connections go to whoever takes them first.
 * Datagrams of one client must meet one worker, so of a UDP socket only the first worker reads.
 * They get the options that our own have, except those that come before bind(2): whether it may be
 * shared, and whether [::] takes IPv4, are the unit's to say.
 */
import { EINVAL } from "../base/errno.ts";
import { quoteText } from "../base/quoted_text.ts";
import { DATAGRAM_SOCKET, STREAM } from "../ring/ring.ts";
import type { ListenerConfig } from "../config/config.ts";
import { AF_INET, AF_INET6, portOf } from "../net/socket_address.ts";
import type { SocketPlan } from "../upstream/plan.ts";
import type { Shim } from "../../ffi/shim.ts";
import { bindError, bindRefusal } from "./bind_error.ts";
import { setListenerOptions, takesBursts } from "./listener_options.ts";

const FIRST_FD = 3;

type Environment = Readonly<Record<string, string | undefined>>;

/** The fds that systemd passed under `name`. */
export function findPassedFds(environment: Environment, pid: number, name: string): number[] {
  if (environment.LISTEN_PID !== String(pid)) return [];
  const count = Number(environment.LISTEN_FDS);
  if (!Number.isInteger(count) || count < 1) return [];
  const names = (environment.LISTEN_FDNAMES ?? "").split(":");
  return Array.from({ length: count }, (_, i) => i)
    .filter((i) => (names[i] || "unknown") === name)
    .map((i) => FIRST_FD + i);
}

function explain(environment: Environment, pid: number, wanted: string): string {
  if (environment.LISTEN_FDS === undefined) {
    return "nothing was passed by systemd (LISTEN_FDS is not set); start it by its socket unit, " +
      "or bind an address";
  }
  if (environment.LISTEN_PID !== String(pid)) {
    return `the sockets passed are for process ${environment.LISTEN_PID}, and this is ${pid}; ` +
      "ExecStart= must run ringway itself, not a shell or a task runner that starts it";
  }
  const names = [...new Set((environment.LISTEN_FDNAMES ?? "").split(":"))]
    .filter((name) => name !== "");
  const setName = `set FileDescriptorName=${wanted} in the socket unit`;
  if (names.length === 0) return `systemd passed sockets without names; ${setName}`;
  const them = names.length === 1 ? "bind that" : "bind one of them";
  return `systemd passed ${names.map(quoteText).join(", ")}; ${them}, or ${setName}`;
}

/** @param type of rw_socket_type(). */
function describeKind(type: number): string {
  if (type < 0) return "no socket";
  if (type === STREAM) return "a stream socket";
  return type === DATAGRAM_SOCKET ? "a datagram socket" : "a socket of another kind";
}

/** What of a listener's configuration its sockets have to do with. */
export type PassedListener = Pick<
  ListenerConfig,
  "name" | "protocol" | "socket" | "trustedProxies"
>;

export interface PassedSockets {
  /** Port of the first that has one; 0 otherwise. */
  readonly port: number;
  readonly sockets: readonly SocketPlan[];
}

/** @throws BindError when there is none of that name, or one of the wrong type. */
export function takePassedSockets(
  shim: Shim,
  listener: PassedListener,
  bind: { readonly name: string; readonly text: string },
  environment: Environment = Deno.env.toObject(),
  pid: number = Deno.pid,
): PassedSockets {
  const fds = findPassedFds(environment, pid, bind.name);
  if (fds.length === 0) {
    throw bindRefusal(listener.name, bind.text, EINVAL, explain(environment, pid, bind.name));
  }
  let port = 0;
  const sockets = fds.map((fd): SocketPlan => {
    const taken = takeOne(shim, listener, bind.text, fd);
    port ||= taken.port;
    return taken.socket;
  });
  return { port, sockets };
}

function takeOne(
  shim: Shim,
  listener: PassedListener,
  text: string,
  fd: number,
): { readonly port: number; readonly socket: SocketPlan } {
  const { library, scratch } = shim;
  const { name, protocol } = listener;
  const isUdp = protocol === "udp";
  const type = library.rw_socket_type(fd);
  if (type !== (isUdp ? DATAGRAM_SOCKET : STREAM)) {
    const wanted = isUdp ? "ListenDatagram=" : "ListenStream=";
    const reason = `fd ${fd} is ${describeKind(type)}, and protocol ${protocol} needs ${wanted}`;
    throw bindRefusal(name, text, type < 0 ? -type : EINVAL, reason);
  }
  // Ours alone from now on; workers get it when they are started.
  library.rw_close_on_exec(fd, 1);
  const length = library.rw_socket_name(fd);
  const family = scratch[0];
  const isIp = family === AF_INET || family === AF_INET6;
  if (isUdp && !isIp) {
    const reason = `fd ${fd} is a datagram socket of no IP address, and protocol udp needs one ` +
      "with a port in ListenDatagram=";
    throw bindRefusal(name, text, EINVAL, reason);
  }
  const port = isIp ? portOf(scratch) : 0;
  const address = scratch.slice(family === AF_INET ? 4 : 8, family === AF_INET ? 8 : 24);
  const isWildcard = isIp && length > 0 && address.every((byte) => byte === 0);
  const set = setListenerOptions(library, fd, {
    ...{ family, isUdp, isWildcard, options: listener.socket },
    takesBursts: takesBursts(listener),
  });
  if (set < 0) {
    const remedy = `an option of the listener could not be set on fd ${fd}; see socket(7)`;
    throw bindError(name, text, -set, remedy);
  }
  return { port, socket: { fd, family, isWildcard } };
}
