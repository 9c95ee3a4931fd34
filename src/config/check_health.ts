/**
 * Checks of a backend whose keys do not fit together, or that could not be made of its servers: a
 * datagram cannot be sent to the path of a stream socket, and an agent needs an address.
 *
 * That a kind is missing is said by the schema; here, that there are several.
 */
import { quoteText } from "../base/quoted_text.ts";
import { isUnixLike } from "../net/address.ts";
import { childOf, type ConfigTree, type MapEntry, type MapTree, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { HEALTH_CHECK_KINDS } from "./health_schema.ts";
import { addressOf, durationOf, itemsOf, serversOf } from "./listener_tree.ts";

/** Of the `interval` that is not written. */
const INTERVAL = "5s";
const INTERVAL_MS = 5000;

export function checkHealth(backend: MapTree, diagnostics: DiagnosticList): void {
  const unixServer = findUnixServer(backend);
  const health = childOf(backend, "health_check");
  if (health?.kind === "map") {
    checkKinds(health, diagnostics);
    checkRequest(health, diagnostics);
    checkTimes(health, diagnostics);
    if (unixServer !== null) checkTarget(health, unixServer, diagnostics);
    else if (backend.entries.has("proxy_protocol")) checkHeaderless(health, diagnostics);
  }
  const agent = backend.entries.get("agent_check");
  if (agent === undefined) return;
  if (agent.value.kind === "map") checkTimes(agent.value, diagnostics);
  if (unixServer !== null) checkAgentTarget(agent, unixServer, diagnostics);
}

/** The address of the first server that is a unix socket, or null. */
function findUnixServer(backend: MapTree): string | null {
  const addresses = itemsOf(serversOf(backend)).map((server) => stringOf(addressOf(server)));
  return addresses.find((text) => text !== undefined && isUnixLike(text)) ?? null;
}

function kindsOf(health: MapTree): string[] {
  return HEALTH_CHECK_KINDS.filter((kind) => health.entries.has(kind));
}

function checkKinds(health: MapTree, diagnostics: DiagnosticList): void {
  const written = [...health.entries].filter(([key]) => kindsOf(health).includes(key));
  const [first, ...others] = written;
  for (const [kind, { keySpan }] of others) {
    const message = `health_check has ${first[0]} already, and a check has one kind`;
    diagnostics.error(keySpan, message, `keep ${first[0]} or ${kind}`);
  }
}

/** What belongs to an HTTP request, where there is none. */
function checkRequest(health: MapTree, diagnostics: DiagnosticList): void {
  const [kind] = kindsOf(health);
  if (kind === undefined) return;
  if (!health.entries.has("path")) {
    for (const key of ["method", "host", "headers", "expect", "body"]) {
      const entry = health.entries.get(key);
      if (entry === undefined) continue;
      const isExchange = key === "expect" && (kind === "tcp" || kind === "udp");
      const hint = isExchange
        ? `write ${kind}: { send: TEXT, expect: TEXT }`
        : `set it, or remove ${key}`;
      diagnostics.error(entry.keySpan, `${key} needs path`, hint);
    }
    return;
  }
  const body = health.entries.get("body");
  if (body === undefined || stringOf(childOf(health, "method")) !== "HEAD") return;
  const message = "body needs a response that has one, and that to HEAD has none";
  diagnostics.error(body.keySpan, message, "write method: GET, or remove body");
}

function checkTimes(check: MapTree, diagnostics: DiagnosticList): void {
  const interval = childOf(check, "interval");
  const intervalMs = interval === undefined ? INTERVAL_MS : durationOf(interval);
  if (intervalMs === null) return;
  const shown = interval === undefined ? `${INTERVAL}, which is the default` : stringOf(interval);
  for (const key of ["timeout", "fast_interval"]) {
    const tree = childOf(check, key);
    const ms = durationOf(tree);
    if (tree === undefined || ms === null || ms <= intervalMs) continue;
    const message = `${key} (${stringOf(tree)}) is longer than interval (${shown})`;
    const hint = key === "timeout"
      ? "a check ends before the next one begins: make interval longer, or timeout shorter"
      : "leave it out, and it is never longer";
    diagnostics.error(tree.span, message, hint);
  }
}

/** A server that expects a PROXY header gets one from each check but for gRPC. */
function checkHeaderless(health: MapTree, diagnostics: DiagnosticList): void {
  const grpc = health.entries.get("grpc");
  if (grpc === undefined || health.entries.has("port") || health.entries.has("address")) return;
  const message = "grpc cannot send the PROXY header that servers of this backend expect";
  const hint = "add a port where none is expected, or check by tcp or path";
  diagnostics.error(grpc.keySpan, message, hint);
}

/** Where checks go, with a server that has neither host nor port. */
function checkTarget(health: MapTree, server: string, diagnostics: DiagnosticList): void {
  if (health.entries.has("address") && health.entries.has("port")) return;
  const subject = `server ${quoteText(server)}`;
  const [kind] = kindsOf(health);
  const needsNetwork = ["udp", "dns", "grpc"].find((each) => each === kind);
  if (needsNetwork !== undefined) {
    const { keySpan } = health.entries.get(needsNetwork)!;
    const message = `${needsNetwork} needs address and port: ${subject} is a unix socket`;
    diagnostics.error(keySpan, message, "add where it can be asked, or check by tcp or path");
    return;
  }
  for (const [key, other] of [["address", "port"], ["port", "address"]]) {
    const entry = health.entries.get(key);
    if (entry === undefined) continue;
    const message = `${key} needs ${other}: ${subject} is a unix socket and has none`;
    diagnostics.error(entry.keySpan, message, `add ${other}, or remove ${key}`);
  }
}

function checkAgentTarget(agent: MapEntry, server: string, diagnostics: DiagnosticList): void {
  if (childOf(agent.value, "address") !== undefined) return;
  const message = `agent_check needs address: server ${quoteText(server)} is a unix socket`;
  const port = portOf(agent.value);
  diagnostics.error(agent.keySpan, message, `write { port: ${port}, address: HOST }`);
}

function portOf(agent: ConfigTree): string {
  const port = agent.kind === "map" ? childOf(agent, "port") : agent;
  return port?.kind === "scalar" && /^[0-9]{1,5}$/.test(port.text) ? port.text : "PORT";
}
