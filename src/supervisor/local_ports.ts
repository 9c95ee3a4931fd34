/**
 * Whether flows of UDP may come to want more local ports than there are. Each flow has a socket of
 * its own towards its server, and the kernel gives each such socket a port that no other has, of
 * the range in net.ipv4.ip_local_port_range (28232 of them by default; IPv6 uses the same range).
 *
 * No mistake, and so no warning: as many as the limit allows are seldom there at once. Sockets of
 * TCP do not count, because towards different servers they may share a port; nor do flows that go
 * out from their client's address (`transparent`), which has all ports to itself.
 */
import type { Config } from "../config/config.ts";
import { PORT_MAX } from "../net/address.ts";

const RANGE_FILE = "/proc/sys/net/ipv4/ip_local_port_range";
/** The lowest port that needs no capability, which is as far down as the range should go. */
const UNPRIVILEGED_PORT = 1024;

/** Of the kernel; null when it does not tell. */
export function readLocalPorts(): string | null {
  try {
    return Deno.readTextFileSync(RANGE_FILE);
  } catch {
    return null; // not even a container without /proc/sys should keep us from starting
  }
}

/**
 * @param range of ports, as the kernel has it: first and last.
 * @returns a line for the log, or null when there are ports enough.
 */
export function localPortNotice(
  { listeners, backends }: Pick<Config, "listeners" | "backends">,
  range: string | null,
): string | null {
  const [first, last] = (range ?? "").trim().split(/\s+/).map(Number);
  if (!Number.isInteger(first) || !Number.isInteger(last) || last < first) return null;
  const transparent = backends.filter((backend) => backend.transparent).map(({ name }) => name);
  const flows = listeners
    .filter(({ backend }) => backend === null || !transparent.includes(backend))
    .reduce((sum, { udp }) => sum + (udp?.flowsMax ?? 0), 0);
  const ports = last - first + 1;
  if (flows <= ports) return null;
  const isWidest = first <= UNPRIVILEGED_PORT && last === PORT_MAX;
  const widen = isWidest
    ? "which is as wide as it gets"
    : `and "sysctl -w net.ipv4.ip_local_port_range='${UNPRIVILEGED_PORT} ${PORT_MAX}'" widens it`;
  return `udp.flows allows ${flows} flows, each of which takes a local port towards its server; ` +
    `net.ipv4.ip_local_port_range has ${ports}, ${widen}`;
}
