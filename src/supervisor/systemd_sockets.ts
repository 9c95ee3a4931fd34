/**
 * Sockets that systemd opened for us: `systemd:NAME` (sd_listen_fds(3)).
 *
 * LISTEN_FDS says how many, from fd 3 on, LISTEN_FDNAMES their names, LISTEN_PID for whom they are.
 * All workers share such a socket, because it is one: connections go to whoever takes them first.
 * Datagrams of one client must meet one worker, so of a UDP socket only the first worker reads.
 */
import { EINVAL } from "../base/errno.ts";
import { DATAGRAM_SOCKET, STREAM } from "../ring/ring.ts";
import type { SocketPlan } from "../upstream/plan.ts";
import type { Shim } from "../../ffi/shim.ts";
import { bindError } from "./bind_error.ts";

const FIRST_FD = 3;
const IP_PORT_OFFSET = 2;
const AF_INET = 2;
const AF_INET6 = 10;

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

function explain(environment: Environment, pid: number): string {
  if (environment.LISTEN_FDS === undefined) {
    return "nothing was passed by systemd (LISTEN_FDS is not set); start it by its socket unit";
  }
  if (environment.LISTEN_PID !== String(pid)) {
    return `the sockets passed are for process ${environment.LISTEN_PID}, and this is ${pid}; ` +
      "let the unit start ringway itself, without a shell in between";
  }
  const names = environment.LISTEN_FDNAMES ?? "";
  return `systemd passed ${names === "" ? "sockets without names" : `only "${names}"`}; set ` +
    "FileDescriptorName= in the socket unit";
}

export interface PassedSockets {
  /** Port of the first that has one; 0 otherwise. */
  readonly port: number;
  readonly sockets: readonly SocketPlan[];
}

/** @throws BindError when there is none of that name, or one of the wrong type. */
export function takePassedSockets(
  shim: Shim,
  listener: string,
  bind: { readonly name: string; readonly text: string },
  isUdp: boolean,
  environment: Environment = Deno.env.toObject(),
  pid: number = Deno.pid,
): PassedSockets {
  const fds = findPassedFds(environment, pid, bind.name);
  if (fds.length === 0) {
    throw bindError(listener, bind.text, EINVAL, explain(environment, pid));
  }
  let port = 0;
  const sockets = fds.map((fd): SocketPlan => {
    const type = shim.library.rw_socket_type(fd);
    if (type !== (isUdp ? DATAGRAM_SOCKET : STREAM)) {
      const wanted = isUdp ? "ListenDatagram=" : "ListenStream=";
      const remedy = `fd ${fd} is no socket of that kind; the unit needs ${wanted}`;
      throw bindError(listener, bind.text, type < 0 ? -type : EINVAL, remedy);
    }
    // Ours alone from now on; workers get it when they are started.
    shim.library.rw_close_on_exec(fd, 1);
    const length = shim.library.rw_socket_name(fd);
    const family = shim.scratch[0];
    const isIp = family === AF_INET || family === AF_INET6;
    const address = shim.scratch.slice(family === AF_INET ? 4 : 8, family === AF_INET ? 8 : 24);
    if (isIp && port === 0) {
      port = shim.scratch[IP_PORT_OFFSET] << 8 | shim.scratch[IP_PORT_OFFSET + 1];
    }
    return { fd, family, isWildcard: isIp && length > 0 && address.every((byte) => byte === 0) };
  });
  return { port, sockets };
}
