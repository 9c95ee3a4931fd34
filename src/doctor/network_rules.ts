/**
 * What the network of this process holds ready for listeners and for connections to servers, and
 * what this process may do there.
 */
import { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_NET_RAW } from "../base/capability.ts";
import { plural } from "../base/plural.ts";
import type { Config } from "../config/config.ts";
import { BACKLOG_DEFAULT, DATAGRAM_SOCKET_BYTES } from "../limits.ts";
import { localPortNotice } from "../supervisor/local_ports.ts";
import type { Facts } from "./facts.ts";
import { fail, type Finding, note, ok } from "./finding.ts";

/** By name, their numbers in include/uapi/linux/capability.h. */
const CAPABILITIES = {
  net_bind_service: CAP_NET_BIND_SERVICE,
  net_admin: CAP_NET_ADMIN,
  net_raw: CAP_NET_RAW,
} as const;
type Capability = keyof typeof CAPABILITIES;

/** Of the connections that the firewall can follow: from here on the end is near. */
const CONNTRACK_FULL = 0.8;

function has({ capabilities }: Facts, name: Capability): boolean {
  return capabilities !== null && (capabilities & BigInt(CAPABILITIES[name])) !== 0n;
}

/** Addresses of a configuration that need the capability. */
function lowBinds({ listeners }: Config, unprivilegedPort: number): string[] {
  return listeners.flatMap(({ binds }) =>
    binds.flatMap((bind) =>
      bind.kind === "ip" && bind.port > 0 && bind.port < unprivilegedPort ? [bind.text] : []
    )
  );
}

function judgePorts(facts: Facts, config: Config | null): Finding[] {
  const { unprivilegedPort, capabilities } = facts;
  if (unprivilegedPort === null || capabilities === null) return [];
  const topic = "listening ports";
  if (unprivilegedPort <= 1) return [ok(topic, "any (ip_unprivileged_port_start)")];
  if (has(facts, "net_bind_service")) return [ok(topic, "any (CAP_NET_BIND_SERVICE)")];
  const found = `from ${unprivilegedPort} on`;
  const low = config === null ? [] : lowBinds(config, unprivilegedPort);
  if (low.length === 0) return [ok(topic, found)];
  return [
    fail(
      topic,
      `${found}, but the configuration has ${low.join(", ")}`,
      "grant CAP_NET_BIND_SERVICE (AmbientCapabilities= in a unit of systemd, docker run " +
        "--cap-add), or run: sysctl -w net.ipv4.ip_unprivileged_port_start=0",
    ),
  ];
}

/** Only where servers are to see our clients' addresses. */
function judgeTransparency(facts: Facts, config: Config | null): Finding[] {
  const names = (config?.backends ?? []).filter(({ transparent }) => transparent)
    .map(({ name }) => `"${name}"`);
  if (names.length === 0 || facts.capabilities === null) return [];
  const owned = (["net_admin", "net_raw"] as const).filter((name) => has(facts, name));
  const backends = `${names.length === 1 ? "backend" : "backends"} ${names.join(", ")}`;
  return [
    owned.length > 0
      ? ok("transparent", `${backends} may use clients' addresses (CAP_${owned[0].toUpperCase()})`)
      : fail(
        "transparent",
        `${backends} may not use clients' addresses`,
        "grant CAP_NET_RAW (AmbientCapabilities= in a unit of systemd, docker run --cap-add), or " +
          "remove transparent",
      ),
  ];
}

function judgeBacklog({ somaxconn }: Facts, config: Config | null): Finding[] {
  const streams = config?.listeners.filter(({ udp }) => udp === null) ?? null;
  if (somaxconn === null || streams?.length === 0) return [];
  const wanted = Math.max(...streams?.map(({ backlog }) => backlog) ?? [BACKLOG_DEFAULT]);
  const found = `${Math.min(somaxconn, wanted)} connections may wait to be accepted`;
  return [
    somaxconn >= wanted ? ok("backlog", found) : note(
      "backlog",
      `${found}, not the ${wanted} that are asked for`,
      `sysctl -w net.core.somaxconn=${wanted}`,
    ),
  ];
}

function judgeSynCookies({ synCookies }: Facts): Finding[] {
  if (synCookies === null) return [];
  return [
    synCookies > 0 ? ok("SYN cookies", "on") : note(
      "SYN cookies",
      "off: a flood of SYNs keeps clients out",
      "sysctl -w net.ipv4.tcp_syncookies=1",
    ),
  ];
}

/** Only where there are listeners of UDP: the others' buffers grow by themselves. */
function judgeDatagramBuffers(facts: Facts, config: Config | null): Finding[] {
  const { receiveBufferMax } = facts;
  const needs = config?.listeners.some(({ udp, socket }) =>
    udp !== null && socket.receive_buffer === undefined
  );
  if (needs !== true || receiveBufferMax === null) return [];
  const size = (bytes: number) => `${Math.round(bytes / 1024)} KiB`;
  if (has(facts, "net_admin") || receiveBufferMax >= DATAGRAM_SOCKET_BYTES) {
    return [ok("UDP buffers", `${size(DATAGRAM_SOCKET_BYTES)} for each listening socket`)];
  }
  return [
    note(
      "UDP buffers",
      `${size(receiveBufferMax)} for each listening socket: bursts are lost sooner`,
      `sysctl -w net.core.rmem_max=${DATAGRAM_SOCKET_BYTES}`,
    ),
  ];
}

function judgeLocalPorts({ localPorts }: Facts, config: Config | null): Finding[] {
  const [first, last] = (localPorts ?? "").trim().split(/\s+/).map(Number);
  if (!(last >= first)) return [];
  const found = `${first}-${last}: ${plural(last - first + 1, "connection")} to one server`;
  const notice = config === null ? null : localPortNotice(config, localPorts);
  return [notice === null ? ok("local ports", found) : note("local ports", found, notice)];
}

function judgeConntrack({ conntrack }: Facts, config: Config | null): Finding[] {
  if (conntrack === null) return [];
  const { count, max } = conntrack;
  const found = `the firewall follows ${count} of at most ${max} connections`;
  const double = `sysctl -w net.netfilter.nf_conntrack_max=`;
  // Each connection is two to it: the client's, and ours to the server.
  const wanted = 2 * (config?.connectionsMax ?? 0);
  if (wanted > max) {
    const text = `${found}, fewer than twice limits.connections`;
    return [note("conntrack", text, `${double}${2 * wanted}, or exempt them (NOTRACK)`)];
  }
  if (count < CONNTRACK_FULL * max) return [ok("conntrack", found)];
  return [
    note(
      "conntrack",
      `${found}: what does not fit is dropped`,
      `${double}${2 * max}, or exempt these connections (NOTRACK)`,
    ),
  ];
}

export function judgeNetwork(facts: Facts, config: Config | null): Finding[] {
  return [
    ...judgePorts(facts, config),
    ...judgeTransparency(facts, config),
    ...judgeBacklog(facts, config),
    ...judgeSynCookies(facts),
    ...judgeDatagramBuffers(facts, config),
    ...judgeLocalPorts(facts, config),
    ...judgeConntrack(facts, config),
  ];
}
