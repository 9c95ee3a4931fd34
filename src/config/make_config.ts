/**
 * From the values of a checked file to a `Config`: units are converted, short forms are spelled
 * out, addresses are parsed, names are filled in.
 *
 * Everything was accepted before, by the schema and by the checks beside it, so nothing can go
 * wrong here; what does is a fault of this program.
 */
import { assert } from "../base/assert.ts";
import { parseByteSize } from "../base/byte_size.ts";
import { parseDuration } from "../base/duration.ts";
import { parseRate } from "../base/rate.ts";
import {
  isUnixLike,
  parseBind,
  type Parsed,
  parseServerAddress,
  parseUnixPath,
} from "../net/address.ts";
import { parseCidr } from "../net/cidr.ts";
import { socketOption, type SocketOptions, type SocketSide } from "../net/socket_options.ts";
import type {
  BackendConfig,
  BindConfig,
  Config,
  ListenerConfig,
  RateConfig,
  RouteConfig,
  ServerConfig,
} from "./config.ts";
import type { MapTree } from "./config_tree.ts";
import type { ConfigFile } from "./schema.ts";
import { nameByAddress, parseDemoAddress } from "./server_name.ts";
import type { BackendSocketValues, ListenerSocketValues } from "./socket_schema.ts";
import type { SourceText } from "./source_text.ts";

type ListenerValues = ConfigFile["listeners"][string];
type BackendValues = ConfigFile["backends"][string];

/** @param tree that `values` were made of: it has the order of the file, and the places. */
export function makeConfig(values: ConfigFile, tree: MapTree, source: SourceText): Config {
  const { workers, log, drain, admin = null } = values;
  return {
    workers,
    log: { level: log.level, format: log.format },
    drain: { delayMs: readMs(drain.delay), timeoutMs: readMs(drain.timeout) },
    admin: admin && { path: read(parseUnixPath(admin.bind)) },
    connectionsMax: values.limits.connections ?? 0,
    listeners: keysOf(tree, "listeners").map(([name, offset]) =>
      makeListener(name, values.listeners[name], source.positionAt(offset))
    ),
    backends: keysOf(tree, "backends").map(([name]) => makeBackend(name, values.backends[name])),
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
  const { name = "", match, backend, allow, deny } = values;
  return {
    name,
    sni: (match.sni ?? []).map((pattern) => pattern.toLowerCase()),
    alpn: match.alpn ?? [],
    backend,
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

/** The values in the units of the table; keys of the file that it does not have are left out. */
function makeSocketOptions(
  values: ListenerSocketValues | BackendSocketValues,
  side: SocketSide,
): SocketOptions {
  const { keepalive, ...rest } = values;
  const written: Record<string, unknown> = { ...rest };
  if (typeof keepalive === "object") {
    written.keepalive = true;
    for (const [key, value] of Object.entries(keepalive)) written[`keepalive_${key}`] = value;
  } else written.keepalive = keepalive;

  const options: Record<string, number> = {};
  for (const [key, value] of Object.entries(written)) {
    const option = socketOption(key, side);
    if (value === undefined || option === null) continue;
    options[key] = readSocketValue(value, option.unit);
  }
  return options;
}

function readSocketValue(value: unknown, unit: string): number {
  if (typeof value === "string") {
    const number = unit === "bytes" ? parseByteSize(value) : parseDuration(value);
    assert(number !== null, "the schema accepts sizes and durations only");
    return unit === "seconds" ? number / 1000 : number;
  }
  return Number(value);
}

function makeBackend(name: string, values: BackendValues): BackendConfig {
  const { servers, balance, hash_on, timeouts, retries } = values;
  return {
    name,
    servers: servers.map(makeServer),
    balance,
    hashOn: balance === "consistent_hash" ? hash_on ?? "source_ip" : null,
    proxyProtocol: values.proxy_protocol ?? null,
    transparent: values.transparent,
    connectTimeoutMs: readMs(timeouts.connect),
    retries,
    socket: makeSocketOptions(values.socket, "backend"),
  };
}

function makeServer(values: BackendValues["servers"][number]): ServerConfig {
  const { address, name = nameByAddress(address), weight, backup } = values;
  const none = { name, host: "", port: 0, unixPath: null, weight, backup, demo: null };
  const demo = parseDemoAddress(address);
  if (demo !== null) return { ...none, demo };
  if (isUnixLike(address)) return { ...none, unixPath: read(parseUnixPath(address)) };
  return { ...none, ...read(parseServerAddress(address)) };
}

function read<T>(parsed: Parsed<T>): T {
  assert(parsed.ok, "the schema accepts only what can be parsed");
  return parsed.value;
}

function readMs(text: string): number {
  const ms = parseDuration(text);
  assert(ms !== null, "the schema accepts durations only");
  return ms;
}
