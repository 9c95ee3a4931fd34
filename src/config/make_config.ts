/**
 * From the values of a checked file to a `Config`: units are converted, short forms are spelled
 * out, addresses are parsed, names are filled in.
 *
 * Everything was accepted before, by the schema and by the checks beside it, so nothing can go
 * wrong here; what does is a fault of this program.
 */
import { assert } from "../base/assert.ts";
import { parseRate } from "../base/rate.ts";
import { parseBind, parseUnixPath } from "../net/address.ts";
import { parseCidr } from "../net/cidr.ts";
import type {
  BindConfig,
  Config,
  ListenerConfig,
  OverloadConfig,
  RateConfig,
  RouteConfig,
} from "./config.ts";
import type { MapTree } from "./config_tree.ts";
import { makeBackend } from "./make_backend.ts";
import { makeSocketOptions } from "./make_socket_options.ts";
import { read, readMs, readShare } from "./parsed_value.ts";
import type { ConfigFile } from "./schema.ts";
import type { SourceText } from "./source_text.ts";

type ListenerValues = ConfigFile["listeners"][string];

/** @param tree that `values` were made of: it has the order of the file, and the places. */
export function makeConfig(values: ConfigFile, tree: MapTree, source: SourceText): Config {
  const { workers, io, log, drain, admin = null } = values;
  return {
    workers,
    io,
    log: { level: log.level, format: log.format },
    drain: { delayMs: readMs(drain.delay), timeoutMs: readMs(drain.timeout) },
    admin: admin && { path: read(parseUnixPath(admin.bind)) },
    connectionsMax: values.limits.connections ?? 0,
    zone: values.zone ?? null,
    overload: makeOverload(values.overload),
    hardening: values.hardening === "on",
    user: values.user ?? null,
    group: values.group ?? null,
    listeners: keysOf(tree, "listeners").map(([name, offset]) =>
      makeListener(name, values.listeners[name], source.positionAt(offset))
    ),
    backends: keysOf(tree, "backends").map(([name]) => makeBackend(name, values.backends[name])),
  };
}

function makeOverload({ busy, memory, files, buffers }: ConfigFile["overload"]): OverloadConfig {
  const readBound = (text: string) => text === "off" ? Infinity : readShare(text);
  return {
    busy: readBound(busy),
    memory: readBound(memory),
    files: readBound(files),
    buffers: readBound(buffers),
  };
}

/** Names in the order of the file: objects put those that look like numbers first. */
function keysOf(tree: MapTree, section: string): (readonly [name: string, offset: number])[] {
  const map = tree.entries.get(section)?.value;
  assert(map?.kind === "map", "the schema has seen a map here");
  return Array.from(map.entries, ([name, { keySpan }]) => [name, keySpan.start] as const);
}

function makeListener(
  name: string,
  values: ListenerValues,
  position: ListenerConfig["position"],
): ListenerConfig {
  const { protocol, timeouts, limits, udp, socket } = values;
  const isUdp = protocol === "udp";
  return {
    name,
    binds: values.bind.map(makeBind),
    protocol,
    backend: values.backend ?? null,
    subset: { ...values.subset },
    routes: (values.routes ?? []).map(makeRoute),
    trustedProxies: values.proxy_protocol ? makeRanges(values.trusted_proxies) : null,
    allow: makeRanges(values.allow),
    deny: makeRanges(values.deny),
    idleTimeoutMs: readMs(isUdp ? udp.idle_timeout : timeouts.idle),
    halfCloseTimeoutMs: readMs(timeouts.half_close),
    clientHelloTimeoutMs: readMs(timeouts.client_hello),
    proxyHeaderTimeoutMs: readMs(timeouts.proxy_header),
    connectionsMax: limits.connections ?? 0,
    connectionsPerIpMax: limits.connections_per_ip ?? 0,
    connectionRate: makeRate(limits.connection_rate),
    connectionRatePerIp: makeRate(limits.connection_rate_per_ip),
    udp: isUdp ? { responses: udp.responses, flowsMax: udp.flows } : null,
    socket: makeSocketOptions(socket, "listener"),
    backlog: socket.backlog,
    position,
  };
}

function makeBind(values: ListenerValues["bind"][number]): BindConfig {
  const { address: text, mode, owner = null, group = null } = values;
  const bind = read(parseBind(text));
  if (bind.kind !== "unix") return { ...bind, text };
  return { ...bind, mode: mode === undefined ? null : parseInt(mode, 8), owner, group, text };
}

function makeRoute(values: NonNullable<ListenerValues["routes"]>[number]): RouteConfig {
  const { name = "", match, backend, subset, allow, deny } = values;
  return {
    name,
    sni: (match.sni ?? []).map((pattern) => pattern.toLowerCase()),
    alpn: match.alpn ?? [],
    backend,
    subset: { ...subset },
    allow: makeRanges(allow),
    deny: makeRanges(deny),
  };
}

/** In the one form that each has. */
function makeRanges(texts: readonly string[] = []): string[] {
  return texts.map((text) => read(parseCidr(text)).text);
}

function makeRate(values: ListenerValues["limits"]["connection_rate"]): RateConfig | null {
  if (values === undefined) return null;
  const perSecond = parseRate(values.rate);
  assert(perSecond !== null, "the schema accepts rates only");
  return { perSecond, burst: values.burst ?? Math.ceil(perSecond) };
}
