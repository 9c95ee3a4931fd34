/**
 * The promises of reading a configuration: no text makes it throw, all that is wrong is said in
 * places that are in the file and in words that fit on a line, and what is accepted is complete.
 */
import type { BackendConfig, BindConfig, Config, ListenerConfig } from "../../src/config/config.ts";
import {
  type Diagnostic,
  DIAGNOSTIC_FORMATS,
  renderDiagnostics,
} from "../../src/config/diagnostic.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { SourceText } from "../../src/config/source_text.ts";
import { parseCidr } from "../../src/net/cidr.ts";
import { AF_INET6 } from "../../src/net/socket_address.ts";
import { optionCalls } from "../../src/net/socket_options.ts";
import { promise } from "./target.ts";

const ENVIRONMENT = { PORT: "8080", EMPTY: "", NUMBER: "7", ODD: "a: [b]\n# \x1b", ZEROS: "007" };
/** What moves a cursor or ends a line. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const MESSAGE_LENGTH_MAX = 1000;

export const CONFIG_WORDS = [
  ...["listeners", "backends", "servers", "bind", "backend", "balance", "timeouts", "idle", "log"],
  ...["drain", "admin", "workers", "address", "weight", "backup", "hash_on", "x-a", "limits"],
  ...["protocol", "udp", "tls", "passthrough", "routes", "match", "sni", "alpn", "allow", "deny"],
  ...["proxy_protocol", "trusted_proxies", "transparent", "socket", "keepalive", "connection_rate"],
  ...["connections_per_ip", "responses", "flows", "mode", "owner", "dscp", "receive_buffer"],
  ...["zone", "overload", "subset", "labels", "priority", "health_check", "agent_check", "path"],
  ...["grpc", "dns", "send", "expect", "headers", "interval", "timeout", "rise", "slow_start"],
  ...["outlier_detection", "max_eject", "circuit_breaker", "panic_threshold", "rebalance"],
  ...["budget", "load_factor", "retry_budget", "pending", "queue_timeout", "50%", "1%/m", "off"],
  ...["consistent_hash", "source_port", "/healthz", "200-299", "\\x00", "\\q", "option httpchk"],
  ...[": ", "- ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", "#", " #", "'", '"', "|", ">"],
  ...["&a ", "*a", "<<: *a", "? ", "!!str ", "%YAML 1.2\n", "---\n", "...\n", "\t", "\r\n", "~"],
  ...["${PORT}", "${EMPTY}", "${NUMBER}", "${ODD}", "${ZEROS}", "${NONE:-1}", "$${", "${", "}"],
  ...["0660", "1.30", "1e999", "0x10", ".inf", "-1", "true", "no", "null", "30", "30s", "576h"],
  ...[":80", "10.0.0.1:80", "[::1]:80", "[::]:443", "*:80", "a.b:1", "demo:x", "unix:/x", "://"],
  ...[":1-9", "systemd:a", "*.a.b", "10.0.0.0/8", "::/0", "100/s", "64KiB", '"0660"', "v2", "h2"],
  ...["\ufeff", "\u2028", "\u202e", "\u00a0", "😀", "\x1b[31m", "__proto__", "constructor"],
];

export function runConfig(input: Uint8Array): void {
  // As a file is read: what is no UTF-8 becomes U+FFFD.
  const text = new TextDecoder().decode(input);
  const { config, diagnostics } = parseConfig(text, "f.yaml", ENVIRONMENT);
  const hasError = diagnostics.some(({ severity }) => severity === "error");
  promise((config === null) === hasError, "a configuration, or at least one error");
  const source = new SourceText("f.yaml", text);
  const widths = new Map<number, number>();
  for (const diagnostic of diagnostics) checkDiagnostic(diagnostic, source, widths);
  checkOrder(diagnostics);
  checkRendering(diagnostics, text);
  if (config !== null) checkConfig(config);
}

/** @param widths characters of lines, counted once: a thousand diagnostics may be about one. */
function checkDiagnostic(
  diagnostic: Diagnostic,
  source: SourceText,
  widths: Map<number, number>,
): void {
  const { line, column, length, message, hint = "" } = diagnostic;
  const lineText = source.lineText(line);
  promise(lineText !== null, `line ${line} is in the file`);
  const characters = widths.get(line) ?? Array.from(lineText).length;
  widths.set(line, characters);
  promise(column >= 1 && column <= characters + 1, `column ${column} is in line ${line}`);
  promise(length >= 1 && column - 1 + length <= characters + 1, "the caret stays on its line");
  for (const words of [message, hint]) {
    promise(!UNPRINTABLE.test(words), `no control character in ${JSON.stringify(words)}`);
    promise(words.length <= MESSAGE_LENGTH_MAX, `fits on a line: ${words}`);
  }
  promise(message !== "", "says something");
}

function checkOrder(diagnostics: readonly Diagnostic[]): void {
  for (let i = 1; i < diagnostics.length; i++) {
    const [before, after] = [diagnostics[i - 1], diagnostics[i]];
    const isSorted = before.line < after.line ||
      before.line === after.line && before.column <= after.column;
    promise(isSorted, "sorted by position");
    const isSame = before.line === after.line && before.column === after.column &&
      before.message === after.message;
    promise(!isSame, `said once: ${after.message}`);
  }
}

function checkRendering(diagnostics: readonly Diagnostic[], text: string): void {
  for (const format of DIAGNOSTIC_FORMATS) {
    const report = renderDiagnostics(diagnostics, format, text);
    if (format === "json") {
      promise(JSON.parse(report).diagnostics.length === diagnostics.length, "all are in the JSON");
    }
    const lines = report.split("\n");
    promise(!lines.some((line) => UNPRINTABLE.test(line)), `printable as ${format}`);
  }
}

/** What the rest of the program takes for granted. */
function checkConfig({ listeners, backends, connectionsMax, overload }: Config): void {
  promise(listeners.length > 0 && backends.length > 0, "something to do");
  promise(Number.isInteger(connectionsMax) && connectionsMax >= 0, "a limit of all listeners");
  promise(Object.values(overload).every((share) => share > 0), "overload begins above nothing");
  const names = new Set(backends.map(({ name }) => name));
  promise(names.size === backends.length, "names of backends differ");
  for (const listener of listeners) checkListener(listener, names);
  for (const backend of backends) checkBackend(backend);
}

function checkListener(listener: ListenerConfig, backends: ReadonlySet<string>): void {
  const { binds, protocol, backend, routes, udp, trustedProxies } = listener;
  promise(binds.length > 0, "somewhere to accept");
  for (const bind of binds) checkBind(bind);
  promise(backend !== null || routes.length > 0, "somewhere to go");
  for (const name of [backend ?? routes[0].backend, ...routes.map((route) => route.backend)]) {
    promise(backends.has(name), `backend "${name}" exists`);
  }
  promise(routes.length === 0 || protocol === "tls", "names are read of TLS only");
  promise((udp !== null) === (protocol === "udp"), "flows are of UDP");
  promise(udp === null || udp.flowsMax > 0 && udp.responses >= 0, "bounds of flows");
  const isTrusting = trustedProxies?.length !== 0 || binds.every(({ kind }) => kind === "unix");
  promise(isTrusting, "some proxy is trusted");
  const lists = [trustedProxies ?? [], listener.allow, listener.deny];
  for (const { sni, alpn, allow, deny } of routes) {
    promise(sni.length + alpn.length > 0, "a route asks for something");
    promise(sni.every((pattern) => pattern === pattern.toLowerCase()), "names in lower case");
    lists.push(allow, deny);
  }
  for (const text of lists.flat()) {
    const parsed = parseCidr(text);
    promise(parsed.ok && parsed.value.text === text, `"${text}" is in its one form`);
  }
  checkSubset(listener.subset, backend);
  for (const route of routes) checkSubset(route.subset, route.backend);
  checkNumbers(listener);
  checkSocket(listener.socket, "listener");
}

function checkSubset(subset: Readonly<Record<string, string>>, backend: string | null): void {
  const words = Object.entries(subset).flat();
  promise(words.length === 0 || backend !== null, "a subset is of a backend");
  promise(words.every((word) => /^[A-Za-z0-9]/.test(word)), "labels are words");
}

function checkBind(bind: BindConfig): void {
  if (bind.kind === "ip") {
    promise(bind.port >= 0 && bind.lastPort >= bind.port && bind.lastPort <= 65535, "ports");
    promise(bind.port > 0 || bind.lastPort === 0, "a range has no port 0");
  } else if (bind.kind === "unix") {
    promise(bind.path.startsWith("/"), "an absolute path");
    promise(bind.mode === null || bind.mode >= 0 && bind.mode <= 0o777, "permissions only");
  } else {
    promise(/^[\w.-]+$/.test(bind.name), "a name without blanks");
  }
}

function checkNumbers(listener: ListenerConfig): void {
  const { idleTimeoutMs, halfCloseTimeoutMs, clientHelloTimeoutMs, proxyHeaderTimeoutMs } =
    listener;
  for (
    const ms of [idleTimeoutMs, halfCloseTimeoutMs, clientHelloTimeoutMs, proxyHeaderTimeoutMs]
  ) {
    promise(Number.isInteger(ms) && ms > 0, "every wait is bounded");
  }
  for (const limit of [listener.connectionsMax, listener.connectionsPerIpMax, listener.backlog]) {
    promise(Number.isInteger(limit) && limit >= 0, "limits are whole numbers");
  }
  for (const rate of [listener.connectionRate, listener.connectionRatePerIp]) {
    promise(rate === null || rate.perSecond > 0 && rate.burst >= 1, "a rate lets something pass");
  }
}

function checkBackend(backend: BackendConfig): void {
  const { servers, transparent, socket, hashOn, balance, loadFactor } = backend;
  const names = new Set(servers.map(({ name }) => name));
  promise(servers.length > 0 && names.size === servers.length, "names of servers differ");
  promise(![...names].some((name) => name.includes("/")), "names can stand in BACKEND/SERVER");
  promise(servers.some(({ weight }) => weight > 0), "some server may be picked");
  const isHashing = balance === "consistent_hash";
  promise((hashOn.length > 0) === isHashing, "hashing has a key");
  promise(loadFactor === 0 || isHashing && loadFactor > 1, "a bound of hashing leaves room");
  for (const { host, port, unixPath, demo } of servers) {
    const isAddress = host !== "" && port > 0;
    promise(
      [isAddress, unixPath !== null, demo !== null].filter(Boolean).length === 1,
      "one place",
    );
    promise(unixPath === null || !transparent, "a unix socket has no addresses");
  }
  const groups = servers.filter(({ backup }) => !backup).map(({ priority }) => priority);
  const isWhole = Math.max(-1, ...groups) === new Set(groups).size - 1;
  promise(isWhole, "groups of preference have no gap");
  checkHealth(backend);
  checkResilience(backend);
  checkSocket(socket, "backend");
}

function checkHealth({ healthCheck, agentCheck, servers }: BackendConfig): void {
  for (const check of [healthCheck, agentCheck]) {
    if (check === null) continue;
    promise(check.timeoutMs > 0 && check.timeoutMs <= check.intervalMs, "one check at a time");
  }
  const isUnix = servers.some(({ unixPath }) => unixPath !== null);
  promise(agentCheck === null || !isUnix || agentCheck.host !== null, "agents have an address");
  if (healthCheck === null) return;
  const { probe, host, port, rise, fall, fastIntervalMs, intervalMs } = healthCheck;
  promise(rise > 0 && fall > 0, "a change of state takes a check");
  promise(fastIntervalMs > 0 && fastIntervalMs <= intervalMs, "fast is not slow");
  const isStream = probe.kind === "tcp" || probe.kind === "http";
  promise(!isUnix || isStream || host !== null && port !== null, "checks have an address");
  promise(!isUnix || (host === null) === (port === null), "host and port come together");
  if (probe.kind === "http") {
    promise(/^\/[!-~]*$/.test(probe.path), "a path fits into a request");
    const lines = Object.entries(probe.headers).map(([name, value]) => `${name}: ${value}`);
    promise(lines.every((line) => /^[\t -~]+$/.test(line)), "a header is one line");
    promise(probe.status.every(([first, last]) => first >= 100 && first <= last), "statuses");
  } else if (probe.kind === "tcp" || probe.kind === "udp") {
    const texts = [probe.send, probe.expect].filter((text) => text !== null);
    promise(texts.every((text) => /^[\0-\xff]+$/.test(text)), "texts of checks are bytes");
  }
}

function checkResilience(backend: BackendConfig): void {
  const { ejection, circuitBreaker, retryBudget, panicThreshold } = backend;
  for (const share of [retryBudget, panicThreshold]) {
    promise(share >= 0 && share <= 1, "a share is a part of one");
  }
  promise(backend.rebalancePerSecond >= 0 && backend.rebalancePerSecond <= 1, "a part of all");
  promise(backend.queueTimeoutMs > 0 && backend.pendingMax >= 0, "a queue has bounds");
  if (ejection !== null) {
    promise(ejection.ejectMs <= ejection.ejectMsMax, "the first ejection is the shortest");
    promise(ejection.ejectedMax > 0 && ejection.ejectedMax <= 1, "some may be ejected");
  }
  if (circuitBreaker === null) return;
  promise(circuitBreaker.errors > 0 && circuitBreaker.trials > 0, "a breaker opens and closes");
}

function checkSocket(options: ListenerConfig["socket"], side: "listener" | "backend"): void {
  for (const [level, option, value] of optionCalls(options, side, "stream", AF_INET6)) {
    promise(value >= 0 && value < 2 ** 31, `option ${level}/${option} fits in an int`);
  }
}
