/**
 * Keys of one listener that need each other: what a protocol has and another has not, a header that
 * is read only from those who are trusted, limits of which one makes another void.
 *
 * A key that would have no effect is an error, not a warning: who wrote it believes that it has.
 */
import { quoteText } from "../base/quoted_text.ts";
import { parseBind } from "../net/address.ts";
import { SOCKET_OPTIONS } from "../net/socket_options.ts";
import { childOf, type ConfigTree, type MapEntry, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { bindsOf, holds, isUnixOnly, type ListenerTree, numberOf } from "./listener_tree.ts";

export function checkListener(listener: ListenerTree, diagnostics: DiagnosticList): void {
  checkProtocolKeys(listener, diagnostics);
  checkTimeouts(listener, diagnostics);
  checkProxyProtocol(listener, diagnostics);
  checkBindKeys(listener, diagnostics);
  checkClientAddresses(listener, diagnostics);
  checkSocket(listener, diagnostics);
  checkLimits(listener, diagnostics);
}

function entryOf({ map }: ListenerTree, key: string): MapEntry | undefined {
  return map.entries.get(key);
}

/** Keys that one protocol has, and what to do about them elsewhere. */
const KEYS_OF_PROTOCOL = [
  ["tls", "tls", "set it, or remove tls"],
  ["routes", "tls", "routes are chosen by the server names of TLS; otherwise use backend"],
  ["udp", "udp", "set it, or remove udp"],
] as const;

function checkProtocolKeys(listener: ListenerTree, diagnostics: DiagnosticList): void {
  const { protocol } = listener;
  if (protocol === null) return;
  for (const [key, needed, hint] of KEYS_OF_PROTOCOL) {
    const entry = entryOf(listener, key);
    if (entry === undefined || protocol === needed) continue;
    diagnostics.error(entry.keySpan, `${key} needs protocol: ${needed}`, hint);
  }
  const written = entryOf(listener, "protocol");
  if (protocol === "tls" && entryOf(listener, "tls") === undefined && written !== undefined) {
    const hint = "add it: TLS is not ended here, the servers have the certificates";
    diagnostics.error(written.value.span, "protocol: tls needs tls: passthrough", hint);
  }
}

function checkTimeouts(listener: ListenerTree, diagnostics: DiagnosticList): void {
  const timeouts = entryOf(listener, "timeouts");
  if (timeouts === undefined || listener.protocol === null) return;
  if (listener.protocol === "udp") {
    const idle = stringOf(childOf(timeouts.value, "idle")) ?? "30s";
    const hint = `write udp: { idle_timeout: ${/^[0-9a-z]{1,20}$/.test(idle) ? idle : "30s"} }`;
    diagnostics.error(timeouts.keySpan, "timeouts are of connections, and udp has none", hint);
    return;
  }
  if (timeouts.value.kind !== "map") return;
  const needs = [
    ["client_hello", "protocol: tls", listener.protocol === "tls"],
    ["proxy_header", "proxy_protocol: true", holds(childOf(listener.map, "proxy_protocol"), true)],
  ] as const;
  for (const [key, needed, isThere] of needs) {
    const entry = timeouts.value.entries.get(key);
    if (entry === undefined || isThere) continue;
    diagnostics.error(entry.keySpan, `${key} needs ${needed}`, `set it, or remove ${key}`);
  }
}

function checkProxyProtocol(listener: ListenerTree, diagnostics: DiagnosticList): void {
  const proxyProtocol = entryOf(listener, "proxy_protocol");
  const trusted = entryOf(listener, "trusted_proxies");
  const isOn = holds(proxyProtocol?.value, true);
  if (isOn && proxyProtocol !== undefined) {
    // Who can open a unix socket was let in by its mode.
    if (trusted !== undefined || isUnixOnly(listener)) return;
    const message = "proxy_protocol: true needs trusted_proxies: " +
      "without them anyone could claim any address";
    const hint = "add the addresses of the proxies in front: trusted_proxies: [10.0.0.0/8]";
    diagnostics.error(proxyProtocol.keySpan, message, hint);
    return;
  }
  // What is neither true nor false has been reported, and may have been meant to be true.
  const isOff = proxyProtocol === undefined || holds(proxyProtocol.value, false);
  if (trusted === undefined || !isOff) return;
  const hint = "set it, or remove trusted_proxies";
  diagnostics.error(trusted.keySpan, "trusted_proxies needs proxy_protocol: true", hint);
}

function checkBindKeys(listener: ListenerTree, diagnostics: DiagnosticList): void {
  for (const { text, span, item } of bindsOf(listener)) {
    const parsed = parseBind(text);
    if (!parsed.ok) continue;
    const { kind } = parsed.value;
    if (kind === "unix" && listener.protocol === "udp") {
      const message = `protocol: udp needs an IP address, found ${quoteText(text)}`;
      diagnostics.error(span, message, 'such as ":53"');
    }
    if (kind === "unix" || item.kind !== "map") continue;
    for (const key of ["mode", "owner", "group"]) {
      const entry = item.entries.get(key);
      if (entry === undefined) continue;
      const message = `${key} is for unix sockets, and the address is ${quoteText(text)}`;
      diagnostics.error(entry.keySpan, message, `remove ${key}`);
    }
  }
}

/** What decides by the client's address, where clients have none. */
function checkClientAddresses(listener: ListenerTree, diagnostics: DiagnosticList): void {
  if (!isUnixOnly(listener) || listener.protocol === "udp") return;
  if (holds(childOf(listener.map, "proxy_protocol"), true)) return;
  const refuse = (tree: ConfigTree | undefined, keys: readonly string[]) => {
    if (tree?.kind !== "map") return;
    for (const key of keys) {
      const entry = tree.entries.get(key);
      if (entry === undefined) continue;
      const message = `${key} needs addresses of clients, and those of a unix socket have none`;
      const hint = "its mode, owner and group decide who may connect";
      diagnostics.error(entry.keySpan, message, hint);
    }
  };
  refuse(listener.map, ["allow", "deny"]);
  refuse(childOf(listener.map, "limits"), ["connections_per_ip", "connection_rate_per_ip"]);
  const routes = childOf(listener.map, "routes");
  if (routes?.kind !== "list") return;
  for (const route of routes.items) refuse(route, ["allow", "deny"]);
}

/** Keys of a `socket` section that only TCP has. */
export function tcpKeysOf(socket: ConfigTree | undefined): [key: string, entry: MapEntry][] {
  if (socket?.kind !== "map") return [];
  const tcp = SOCKET_OPTIONS.filter(({ transport }) => transport === "tcp").map(({ key }) => key);
  return [...socket.entries].filter(([key]) => key === "backlog" || tcp.includes(key));
}

function checkSocket(listener: ListenerTree, diagnostics: DiagnosticList): void {
  if (listener.protocol !== "udp") return;
  for (const [key, { keySpan }] of tcpKeysOf(childOf(listener.map, "socket"))) {
    const message = `${key} is an option of TCP, and the protocol is udp`;
    diagnostics.error(keySpan, message, `remove ${key}`);
  }
}

function checkLimits(listener: ListenerTree, diagnostics: DiagnosticList): void {
  const limits = childOf(listener.map, "limits");
  const perIp = childOf(limits, "connections_per_ip");
  const [one, all] = [numberOf(perIp), numberOf(childOf(limits, "connections"))];
  if (perIp === undefined || one === null || all === null || one <= all) return;
  const message = `connections_per_ip (${one}) is more than connections (${all}), ` +
    "so it is never reached";
  diagnostics.warning(perIp.span, message);
}
