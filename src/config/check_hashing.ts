/**
 * What only `balance: consistent_hash` has, and whether the listeners that use a backend have what
 * it hashes: server names are read of TLS, connection ids of QUIC.
 */
import { quoteText } from "../base/quoted_text.ts";
import { BALANCE_NAMES, HASH_KEYS, type HashOn, type Protocol } from "./config.ts";
import { childOf, type ConfigTree, type MapTree, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { describeUser, firstAt, itemsOf, type ListenerTree } from "./listener_tree.ts";

/** The protocols that have a key to hash on; of others the protocol does not matter. */
const HASHED_PROTOCOLS: Readonly<Partial<Record<HashOn, Protocol>>> = {
  sni: "tls",
  quic_connection_id: "udp",
};

/** @param users the listeners that use the backend. */
export function checkHashing(
  backend: MapTree,
  users: readonly ListenerTree[],
  diagnostics: DiagnosticList,
): void {
  const balance = childOf(backend, "balance");
  const isHashing = stringOf(balance) === "consistent_hash";
  // A misspelt policy has been reported, and may have been meant to be that one.
  const isKnown = BALANCE_NAMES.some((name) => name === stringOf(balance));
  if (!isHashing && (balance === undefined || isKnown)) {
    for (const key of ["hash_on", "load_factor"]) {
      const entry = backend.entries.get(key);
      if (entry === undefined) continue;
      const message = `${key} needs balance: consistent_hash`;
      diagnostics.error(entry.keySpan, message, `set it, or remove ${key}`);
    }
    return;
  }
  const keys = itemsOf(childOf(backend, "hash_on"));
  checkList(keys, diagnostics);
  for (const key of keys) checkProtocol(key, users, diagnostics);
}

function checkList(keys: readonly ConfigTree[], diagnostics: DiagnosticList): void {
  const first = new Map<string, ConfigTree>();
  for (const tree of keys) {
    const key = stringOf(tree);
    if (key === undefined) continue;
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, tree);
    else {
      const message = `${quoteText(key)} occurs twice in hash_on`;
      diagnostics.error(tree.span, message, firstAt(earlier.span, diagnostics));
    }
  }
  const id = first.get("quic_connection_id");
  if (id === undefined || first.size === 1) return;
  const message = "quic_connection_id stands alone: what is beside it changes with the client's " +
    "address, and the id is there to outlast that";
  diagnostics.error(id.span, message, "write hash_on: quic_connection_id");
}

function checkProtocol(
  tree: ConfigTree,
  users: readonly ListenerTree[],
  diagnostics: DiagnosticList,
): void {
  const key = HASH_KEYS.find((key) => key === stringOf(tree));
  const needed = key === undefined ? undefined : HASHED_PROTOCOLS[key];
  if (needed === undefined) return;
  const other = users.find(({ protocol }) => protocol !== null && protocol !== needed);
  if (other === undefined) return;
  const message = `hash_on: ${key} needs protocol: ${needed}, ` +
    `and ${describeUser(other)} uses this backend`;
  const hint = "hash on source_ip, or give that listener a backend of its own";
  diagnostics.error(tree.span, message, hint);
}
