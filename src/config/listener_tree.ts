/**
 * Listeners, backends and their values as the checks across a file see them: in the tree, with
 * their places, whether or not everything in them is as it should be.
 *
 * The checks run although the schema found mistakes, so that all are told at once. What cannot be
 * read is left out here, and has been reported by the schema.
 */
import { parseDuration } from "../base/duration.ts";
import { quoteText } from "../base/quoted_text.ts";
import { parseBind } from "../net/address.ts";
import { type Protocol, PROTOCOLS } from "./config.ts";
import { childOf, type ConfigTree, type MapEntry, type MapTree, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import type { Span } from "./source_text.ts";

export type Entries = ReadonlyMap<string, MapEntry>;

export interface ListenerTree {
  readonly name: string;
  readonly keySpan: Span;
  readonly map: MapTree;
  /** Null when what is written is none. */
  readonly protocol: Protocol | null;
}

/** A list's items in the file, or the one value that stands in its place. */
export function itemsOf(tree: ConfigTree | undefined): readonly ConfigTree[] {
  if (tree === undefined) return [];
  return tree.kind === "list" ? tree.items : [tree];
}

/** What `key` holds by name; empty when it is no map. */
export function entriesOf(tree: ConfigTree, key: string): Entries {
  const child = childOf(tree, key);
  return child?.kind === "map" ? child.entries : new Map();
}

export function listenersOf(tree: ConfigTree): ListenerTree[] {
  const listeners: ListenerTree[] = [];
  for (const [name, { keySpan, value }] of entriesOf(tree, "listeners")) {
    if (value.kind !== "map") continue;
    listeners.push({ name, keySpan, map: value, protocol: protocolOf(value) });
  }
  return listeners;
}

function protocolOf(listener: MapTree): Protocol | null {
  const written = childOf(listener, "protocol");
  if (written === undefined) return "tcp";
  return PROTOCOLS.find((protocol) => protocol === stringOf(written)) ?? null;
}

/** The texts of `bind` with their places; of a map that of its address. */
export function bindsOf(
  { map }: ListenerTree,
): { readonly text: string; readonly span: Span; readonly item: ConfigTree }[] {
  return itemsOf(childOf(map, "bind")).flatMap((item) => {
    const address = item.kind === "map" ? childOf(item, "address") : item;
    const text = stringOf(address);
    return address === undefined || text === undefined ? [] : [{ text, span: address.span, item }];
  });
}

/** Whether all addresses are unix sockets, whose clients have none. */
export function isUnixOnly(listener: ListenerTree): boolean {
  const binds = bindsOf(listener);
  return binds.length > 0 && binds.every(({ text }) => {
    const parsed = parseBind(text);
    return parsed.ok && parsed.value.kind === "unix";
  });
}

/** The servers of a backend, whichever form it has. */
export function serversOf(backend: ConfigTree): ConfigTree | undefined {
  return backend.kind === "list" ? backend : childOf(backend, "servers");
}

/** The address of a server, whichever form it has. */
export function addressOf(server: ConfigTree): ConfigTree | undefined {
  return server.kind === "map" ? childOf(server, "address") : server;
}

/** Whether `tree` is the scalar `wanted`. */
export function holds(tree: ConfigTree | undefined, wanted: number | boolean): boolean {
  return tree?.kind === "scalar" && tree.value === wanted;
}

/** The number of a scalar that is one. */
export function numberOf(tree: ConfigTree | undefined): number | null {
  return tree?.kind === "scalar" && typeof tree.value === "number" ? tree.value : null;
}

/** Milliseconds of a scalar that is a duration. */
export function durationOf(tree: ConfigTree | undefined): number | null {
  const text = stringOf(tree);
  return text === undefined ? null : parseDuration(text);
}

/** `listener "dns" with protocol: udp`. */
export function describeUser({ name, protocol }: ListenerTree): string {
  return `listener ${quoteText(name)} with protocol: ${protocol}`;
}

/** A hint at where something occurred before. */
export function firstAt(span: Span, diagnostics: DiagnosticList): string {
  return `first used at line ${diagnostics.source.lineAt(span.start)}`;
}
