/**
 * The socket options that a configuration may set: one table for their names, numbers, units and
 * meaning. The schema takes keys and descriptions from it, the data plane the calls to make.
 *
 * Values are what setsockopt(2) takes, in the unit that stands in the table; the exception is
 * `dscp`, six bits that the kernel wants two bits further up, in the byte they share with ECN.
 *
 * A listener's options are set on the listening socket before it listens, and an accepted socket
 * inherits them (the kernel copies the listener's socket): keepalive and its times, no delay, user
 * timeout, buffers, dscp. Buffers have no other place: the window scale that they decide is part of
 * the first packets. So no accepted connection costs a setsockopt. Options that mean something to
 * the listening socket alone are defer_accept and fast_open. A server's are set on each socket
 * between socket(2) and connect(2).
 *
 * Numbers: Linux include/uapi/asm-generic/socket.h, linux/tcp.h, linux/in.h, linux/in6.h.
 */
import { assert } from "../base/assert.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "./socket_address.ts";
import { SOL_IP, SOL_IPV6, SOL_SOCKET, SOL_TCP } from "./socket_numbers.ts";

export type SocketSide = "listener" | "backend";

/** `flag` is 0 or 1, `dscp` the six bits of RFC 2474; `bytes` the kernel doubles and caps. */
export type SocketUnit = "flag" | "milliseconds" | "seconds" | "bytes" | "count" | "dscp";

export interface SocketOption {
  /** Its name in `SocketOptions`. */
  readonly key: string;
  readonly level: number;
  readonly option: number;
  readonly unit: SocketUnit;
  readonly sides: readonly SocketSide[];
  readonly transport: "tcp" | "all";
  /** Address families that have it. */
  readonly families: readonly number[];
  /** What is set when nothing was written; a side without one keeps the kernel's default. */
  readonly defaults: Readonly<Partial<Record<SocketSide, number>>>;
  /** For editors and the documentation. */
  readonly help: string;
}

/** Values by key. A key that the side, transport or family does not have is passed over. */
export type SocketOptions = Readonly<Record<string, number>>;

const BOTH: readonly SocketSide[] = ["listener", "backend"];
const IP: readonly number[] = [AF_INET, AF_INET6];

/** What most rows have in common: an option of TCP, on both sides. */
function tcp(
  key: string,
  option: number,
  unit: SocketUnit,
  help: string,
  rest: Partial<SocketOption> = {},
): SocketOption {
  const common = { level: SOL_TCP, sides: BOTH, transport: "tcp", families: IP } as const;
  return { key, option, unit, help, defaults: {}, ...common, ...rest };
}

const DSCP_HELP = "Differentiated services code point of packets that are sent (RFC 2474): " +
  "46 is expedited forwarding.";

/** In the order of the calls. A key has two rows where it is two options to the kernel. */
export const SOCKET_OPTIONS: readonly SocketOption[] = [
  // TCP_NODELAY
  tcp(
    "nodelay",
    1,
    "flag",
    "Send small segments at once (TCP_NODELAY). Without it the last bytes of an answer wait for " +
      "the other side's acknowledgement.",
    { defaults: { listener: 1, backend: 1 } },
  ),
  // SO_KEEPALIVE
  tcp(
    "keepalive",
    9,
    "flag",
    "Ask a connection that rests whether the other side still lives (SO_KEEPALIVE); times that " +
      "are not given are the kernel's.",
    { level: SOL_SOCKET, defaults: { listener: 1 } },
  ),
  // TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT
  tcp("keepalive_idle", 4, "seconds", "How long a connection rests before it is asked."),
  tcp("keepalive_interval", 5, "seconds", "How long to wait between questions."),
  tcp("keepalive_count", 6, "count", "Questions without an answer that end the connection."),
  // TCP_USER_TIMEOUT
  tcp(
    "user_timeout",
    18,
    "milliseconds",
    "How long sent bytes may stay without acknowledgement before the connection is given up " +
      "(TCP_USER_TIMEOUT).",
  ),
  // TCP_DEFER_ACCEPT
  tcp(
    "defer_accept",
    9,
    "seconds",
    "Wake up for a connection only when its first bytes are there, or after so long " +
      "(TCP_DEFER_ACCEPT). Not for protocols in which the server speaks first.",
    { sides: ["listener"] },
  ),
  // TCP_FASTOPEN
  tcp(
    "fast_open",
    23,
    "count",
    "Take data with the first packet of a client that was here before (TCP_FASTOPEN); the " +
      "number is how many such connections may be pending.",
    { sides: ["listener"] },
  ),
  // TCP_FASTOPEN_CONNECT
  tcp(
    "fast_open",
    30,
    "flag",
    "Send data with the first packet to a server that was asked before (TCP_FASTOPEN_CONNECT).",
    { sides: ["backend"] },
  ),
  // SO_RCVBUF, SO_SNDBUF
  ...([["receive", 8], ["send", 7]] as const).map(([direction, option]): SocketOption => ({
    key: `${direction}_buffer`,
    level: SOL_SOCKET,
    option,
    unit: "bytes",
    sides: BOTH,
    transport: "all",
    families: [AF_UNIX, ...IP],
    defaults: {},
    help: `Buffer of the kernel per socket, to ${direction} (SO_${
      direction === "send" ? "SND" : "RCV"
    }BUF). Setting it ends the kernel's own tuning of it.`,
  })),
  // IP_TOS, IPV6_TCLASS: an IPv6 socket that speaks to IPv4 addresses uses the first.
  dscp(SOL_IP, 1, IP),
  dscp(SOL_IPV6, 67, [AF_INET6]),
];

function dscp(level: number, option: number, families: readonly number[]): SocketOption {
  return {
    ...{ key: "dscp", level, option, unit: "dscp", sides: BOTH, transport: "all", families },
    ...{ defaults: {}, help: DSCP_HELP },
  };
}

/** The row of a key; of two the first, which differ in numbers and not in meaning. */
export function socketOption(key: string, side: SocketSide): SocketOption | null {
  return SOCKET_OPTIONS.find((row) => row.key === key && row.sides.includes(side)) ?? null;
}

/**
 * The setsockopt(2) calls to make on a new socket, each with an int as its value: what was written,
 * and the defaults of the table.
 *
 * @param family AF_UNIX, AF_INET or AF_INET6.
 */
export function optionCalls(
  options: SocketOptions,
  side: SocketSide,
  transport: "stream" | "datagram",
  family: number,
): readonly (readonly [level: number, option: number, value: number])[] {
  const calls: (readonly [number, number, number])[] = [];
  for (const row of SOCKET_OPTIONS) {
    const value = options[row.key] ?? row.defaults[side];
    const isTcp = transport === "stream" || row.transport === "all";
    if (value === undefined || !isTcp) continue;
    if (!row.sides.includes(side) || !row.families.includes(family)) continue;
    assert(Number.isInteger(value) && value >= 0, "a socket option is a whole number");
    calls.push([row.level, row.option, row.unit === "dscp" ? value << 2 : value]);
  }
  return calls;
}
