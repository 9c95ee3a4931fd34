/**
 * From the text of a configuration file to a `Config`, or to everything that is wrong with it.
 *
 * Pure: the text and the environment come in, the configuration and diagnostics go out. It reads no
 * file, resolves no name, and does not know on which machine the result will run, so a check gives
 * the same answer everywhere. No text makes it throw. Warnings alone leave a configuration; with an
 * error there is none, since half of a load balancer's configuration is an outage.
 */
import { assert } from "../base/assert.ts";
import { parseDuration } from "../base/duration.ts";
import { parseBind, parseServerAddress } from "../net/address.ts";
import { checkSchema } from "./check_schema.ts";
import type { BackendConfig, Config, ListenerConfig, ServerConfig } from "./config.ts";
import { buildTree, type ConfigTree, type MapTree } from "./config_tree.ts";
import { crossCheck } from "./cross_check.ts";
import { type Diagnostic, DiagnosticList } from "./diagnostic.ts";
import { type ConfigFile, parseDemoAddress } from "./schema.ts";
import { SourceText } from "./source_text.ts";
import type { Environment } from "./substitution.ts";
import { readYaml } from "./yaml_document.ts";

export interface ParsedConfig {
  /** Null when there is an error among the diagnostics. */
  readonly config: Config | null;
  /** Sorted by position. */
  readonly diagnostics: readonly Diagnostic[];
}

/** @param file the name for messages; nothing is read from it. */
export function parseConfig(text: string, file: string, environment: Environment): ParsedConfig {
  const diagnostics = new DiagnosticList(new SourceText(file, text));
  const config = readConfig(environment, diagnostics);
  assert(config !== null || diagnostics.hasErrors, "what is refused is explained");
  return { config: diagnostics.hasErrors ? null : config, diagnostics: diagnostics.sorted() };
}

function readConfig(environment: Environment, diagnostics: DiagnosticList): Config | null {
  const document = readYaml(diagnostics);
  if (document === null) return null;
  const tree = buildTree(document, environment, diagnostics);
  if (tree === null) return null;
  if (tree.kind !== "map") {
    reportNoMap(tree, diagnostics);
    return null;
  }
  const { values, tree: meant } = checkSchema(tree, diagnostics);
  crossCheck(meant, diagnostics);
  if (values === null || diagnostics.hasErrors) return null;
  return makeConfig(values, tree, diagnostics.source);
}

function reportNoMap(tree: ConfigTree, diagnostics: DiagnosticList): void {
  if (tree.kind === "scalar" && tree.isReported) return;
  if (tree.kind === "scalar" && tree.value === null) {
    const hint = "it needs listeners and backends";
    diagnostics.error(tree.span, "the file holds no configuration", hint);
    return;
  }
  const isTight = tree.kind === "scalar" && /^[A-Za-z_]+:\S/.test(tree.text);
  const hint = isTight ? 'put a space behind ":"' : undefined;
  diagnostics.error(tree.span, "the file must be a map with listeners and backends", hint);
}

function makeConfig(values: ConfigFile, tree: MapTree, source: SourceText): Config {
  const { workers, log, drain, admin = null } = values;
  return {
    workers,
    log: { level: log.level, format: log.format },
    drain: { delayMs: readMs(drain.delay), timeoutMs: readMs(drain.timeout) },
    admin: admin && { path: admin.bind.slice("unix:".length) },
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
  values: ConfigFile["listeners"][string],
  position: ListenerConfig["position"],
): ListenerConfig {
  const parsed = parseBind(values.bind);
  assert(parsed.ok, "the schema accepts addresses only");
  const { host, port } = parsed.value;
  return {
    name,
    bind: { host, port, text: values.bind },
    protocol: values.protocol,
    backend: values.backend,
    idleTimeoutMs: readMs(values.timeouts.idle),
    halfCloseTimeoutMs: readMs(values.timeouts.half_close),
    connectionsMax: values.limits.connections ?? 0,
    position,
  };
}

type BackendValues = ConfigFile["backends"][string];

function makeBackend(name: string, values: BackendValues): BackendConfig {
  const { servers, balance, hash_on, timeouts, retries } = values;
  return {
    name,
    servers: servers.map(makeServer),
    balance,
    hashOn: balance === "consistent_hash" ? hash_on ?? "source_ip" : null,
    connectTimeoutMs: readMs(timeouts.connect),
    retries,
  };
}

function makeServer(values: BackendValues["servers"][number]): ServerConfig {
  const { address, name = address, weight, backup } = values;
  const demo = parseDemoAddress(address);
  if (demo !== null) return { name, host: "", port: 0, weight, backup, demo };
  const parsed = parseServerAddress(address);
  assert(parsed.ok, "the schema accepts addresses only");
  return { name, ...parsed.value, weight, backup, demo: null };
}

function readMs(text: string): number {
  const ms = parseDuration(text);
  assert(ms !== null, "the schema accepts durations only");
  return ms;
}
