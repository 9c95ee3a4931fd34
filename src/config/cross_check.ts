/**
 * What no field can know alone: names that must exist, addresses and names that must differ, keys
 * that need each other.
 *
 * It reads the tree and not the schema's result, and steps over whatever is not as it should be.
 * So a file with a misspelt key still has its references checked, and all errors come at once.
 */
import { findNearest } from "../base/text_distance.ts";
import { quoteText } from "../base/quoted_text.ts";
import { formatHostPort, parseBind, parseServerAddress } from "../net/address.ts";
import { BALANCE_NAMES } from "./config.ts";
import { BACKENDS_MAX, LISTENERS_MAX, SERVERS_TOTAL_MAX } from "./config_limits.ts";
import { childOf, type ConfigTree, type MapEntry, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { parseDemoAddress } from "./schema.ts";
import { explainName, isName } from "./schema_field.ts";
import type { Span } from "./source_text.ts";

/** Names that an error lists at most. */
const NAMES_SHOWN_MAX = 8;

export function crossCheck(tree: ConfigTree, diagnostics: DiagnosticList): void {
  const listeners = entriesOf(tree, "listeners");
  const backends = entriesOf(tree, "backends");
  checkReferences(listeners, backends, diagnostics);
  checkBinds(listeners, diagnostics);
  let servers = 0;
  for (const [name, entry] of backends) {
    servers += checkServers(name, entry, diagnostics);
    checkHashing(entry.value, diagnostics);
  }
  if (servers > SERVERS_TOTAL_MAX) {
    const { keySpan } = [...backends][0][1];
    const message = `all backends together must hold at most ${SERVERS_TOTAL_MAX} servers`;
    diagnostics.error(keySpan, `${message}, found ${servers}`);
  }
}

type Entries = ReadonlyMap<string, MapEntry>;

function entriesOf(tree: ConfigTree, key: string): Entries {
  const child = childOf(tree, key);
  return child?.kind === "map" ? child.entries : new Map();
}

function checkReferences(listeners: Entries, backends: Entries, diagnostics: DiagnosticList): void {
  const used = new Set<string>();
  // Without any backend, what is missing are they and not a name, and it has been said.
  if (backends.size === 0) return;
  let isComplete = listeners.size > 0;
  // Comparing all names with all names would take minutes in a file that is beyond all bounds.
  const isSmall = listeners.size <= LISTENERS_MAX && backends.size <= BACKENDS_MAX;
  for (const { value } of listeners.values()) {
    const reference = childOf(value, "backend");
    const name = stringOf(reference);
    // Routes are not read yet, and may lead anywhere.
    if (childOf(value, "routes") !== undefined) isComplete = false;
    if (reference !== undefined && name !== undefined && backends.has(name)) {
      used.add(name);
      continue;
    }
    // It may have meant any of them, so none is known to be unused.
    isComplete = false;
    if (reference === undefined || name === undefined || !isName(name)) continue;
    const nearest = isSmall ? findNearest(name, namesOf(backends)) : null;
    const hint = nearest === null ? undefined : `did you mean ${quoteText(nearest)}?`;
    const message = `backend ${quoteText(name)} does not exist`;
    diagnostics.error(reference.span, `${message} (have: ${listNames(backends)})`, hint);
  }
  if (!isComplete) return;
  for (const [name, { keySpan }] of backends) {
    if (!used.has(name)) {
      diagnostics.warning(keySpan, `backend ${quoteText(name)} is used by no listener`);
    }
  }
}

/** The names that are any: what is none has been reported, and may hold whatever a file may. */
function namesOf(entries: Entries): string[] {
  return [...entries.keys()].filter(isName);
}

function listNames(entries: Entries): string {
  const names = namesOf(entries);
  if (names.length === 0) return "none of a valid name";
  const rest = names.length - NAMES_SHOWN_MAX;
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(", ");
  return rest > 0 ? `${shown}, and ${rest} more` : shown;
}

interface BoundListener {
  readonly name: string;
  readonly text: string;
  readonly span: Span;
}

/**
 * Listeners that share an address, of which only the first could be bound: equal ones, and a
 * wildcard beside an address that it includes.
 */
function checkBinds(listeners: Entries, diagnostics: DiagnosticList): void {
  const exact = new Map<string, BoundListener>();
  const inside = new Map<string, BoundListener>();
  for (const [name, { value }] of listeners) {
    const bind = childOf(value, "bind");
    const parsed = parseBind(stringOf(bind) ?? "");
    if (bind === undefined || !parsed.ok || parsed.value.port === 0) continue;
    const { host, port } = parsed.value;
    const scopes = scopesOf(host).map((scope) => `${scope} ${port}`);
    const own = scopes.at(-1)!;
    const around = scopes.find((scope) => exact.has(scope));
    const other = around === undefined ? inside.get(own) : exact.get(around);
    const listener = { name, text: formatHostPort(host, port), span: bind.span };
    if (other !== undefined) {
      const names = `listeners ${quoteText(other.name)} and ${quoteText(name)}`;
      const wide = around === undefined ? listener : other;
      const message = around === own
        ? `have the same address ${quoteText(listener.text)}`
        : `overlap: ${quoteText(wide.text)} includes every address`;
      diagnostics.error(bind.span, `${names} ${message}`, firstAt(other.span, diagnostics));
    }
    if (!exact.has(own)) exact.set(own, listener);
    for (const scope of scopes) if (!inside.has(scope)) inside.set(scope, listener);
  }
}

/** What includes the address, widest first, and the address itself; IPv6 sockets take IPv4 too. */
function scopesOf(host: string): string[] {
  if (host === "" || host === "::") return ["all"];
  const plain = host.replace(/^::ffff:(?=[0-9]+\.)/, "");
  if (plain === "0.0.0.0") return ["all", "IPv4"];
  return plain.includes(":") ? ["all", plain] : ["all", "IPv4", plain];
}

/** @returns how many servers the backend has. */
function checkServers(backend: string, entry: MapEntry, diagnostics: DiagnosticList): number {
  const servers = entry.value.kind === "list" ? entry.value : childOf(entry.value, "servers");
  if (servers?.kind !== "list") return 0;
  const names = new Map<string, Span>();
  const addresses = new Map<string, Span>();
  const scope = `in backend ${quoteText(backend)}`;
  for (const server of servers.items) {
    const addressTree = server.kind === "map" ? childOf(server, "address") : server;
    const address = stringOf(addressTree);
    const nameTree = childOf(server, "name") ?? addressTree;
    const name = stringOf(nameTree);
    if (addressTree === undefined || address === undefined) continue;
    const canonical = canonicalAddress(address);
    if (canonical === null) continue;
    const sameAddress = addresses.get(canonical);
    if (sameAddress !== undefined) {
      const message = `the address ${quoteText(canonical)} occurs twice ${scope}`;
      diagnostics.error(addressTree.span, message, firstAt(sameAddress, diagnostics));
      continue;
    }
    addresses.set(canonical, addressTree.span);
    if (nameTree === undefined || name === undefined) continue;
    const sameName = names.get(name);
    if (sameName !== undefined) {
      const message = `the name ${quoteText(name)} occurs twice ${scope}`;
      diagnostics.error(nameTree.span, message, firstAt(sameName, diagnostics));
    }
    names.set(name, nameTree.span);
    if (nameTree === addressTree && !isName(name)) {
      const { hint } = explainName(name);
      const message = `the address ${quoteText(name)} is no name; give the server one`;
      diagnostics.error(nameTree.span, message, hint);
    }
  }
  checkShares(servers.items, servers.span, scope, diagnostics);
  return servers.items.length;
}

function checkShares(
  servers: readonly ConfigTree[],
  span: Span,
  scope: string,
  diagnostics: DiagnosticList,
): void {
  const holds = (server: ConfigTree, key: string, wanted: number | boolean) => {
    const child = childOf(server, key);
    return child?.kind === "scalar" && child.value === wanted;
  };
  if (servers.length === 0) return;
  if (servers.every((server) => holds(server, "weight", 0))) {
    diagnostics.error(span, `all servers ${scope} have weight 0, so none would get a connection`);
  }
  if (servers.every((server) => holds(server, "backup", true))) {
    diagnostics.warning(span, `all servers ${scope} are backups, so they are used as if none were`);
  }
}

/** One text per address; null for what is none. */
function canonicalAddress(address: string): string | null {
  if (parseDemoAddress(address) !== null) return address;
  const parsed = parseServerAddress(address);
  return parsed.ok ? formatHostPort(parsed.value.host, parsed.value.port) : null;
}

function checkHashing(backend: ConfigTree, diagnostics: DiagnosticList): void {
  if (backend.kind !== "map") return;
  const hashOn = backend.entries.get("hash_on");
  const balance = childOf(backend, "balance");
  if (hashOn === undefined || stringOf(balance) === "consistent_hash") return;
  // A misspelt policy has been reported, and may have been meant to be that one.
  const names: readonly string[] = BALANCE_NAMES;
  if (balance !== undefined && !names.includes(stringOf(balance) ?? "")) return;
  const hint = "set it, or remove hash_on";
  diagnostics.error(hashOn.keySpan, "hash_on needs balance: consistent_hash", hint);
}

function firstAt(span: Span, diagnostics: DiagnosticList): string {
  return `first used at line ${diagnostics.source.lineAt(span.start)}`;
}
