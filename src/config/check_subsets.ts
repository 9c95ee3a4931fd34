/**
 * Labels that listeners and routes ask for: some server of the backend must have all of them, or
 * everything that comes would be refused; and the zone of this node, which some server should have.
 *
 * Labels of servers cannot be wrong by themselves, so a slip in one shows here.
 */
import { quoteText } from "../base/quoted_text.ts";
import { findNearest } from "../base/text_distance.ts";
import { childOf, type ConfigTree, type MapTree, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { type Entries, itemsOf, type ListenerTree, serversOf } from "./listener_tree.ts";
import type { Span } from "./source_text.ts";

type Labels = ReadonlyMap<string, string>;

export function checkSubsets(
  listeners: readonly ListenerTree[],
  backends: Entries,
  diagnostics: DiagnosticList,
): void {
  const known = new Map<string, readonly Labels[] | null>();
  const labelsOf = (name: string) => {
    const backend = backends.get(name);
    if (backend === undefined) return null;
    if (!known.has(name)) known.set(name, readServers(backend.value));
    return known.get(name) ?? null;
  };
  for (const { map } of listeners) {
    const subset = map.entries.get("subset");
    if (subset !== undefined && !map.entries.has("backend")) {
      const message = "subset is of backend, and this listener has none";
      diagnostics.error(subset.keySpan, message, "write it in the routes, or add backend");
    }
    for (const holder of [map, ...itemsOf(childOf(map, "routes"))]) {
      if (holder.kind !== "map") continue;
      const name = stringOf(childOf(holder, "backend"));
      const labels = name === undefined ? null : labelsOf(name);
      if (name !== undefined && labels !== null) checkSubset(holder, name, labels, diagnostics);
    }
  }
}

/** The labels of each server; null when there is anything that cannot be read. */
function readServers(backend: ConfigTree): readonly Labels[] | null {
  const servers = serversOf(backend);
  if (servers?.kind !== "list" || servers.items.length === 0) return null;
  const labels = servers.items.map((server) => readLabels(childOf(server, "labels")));
  return labels.every((each) => each !== null) ? labels : null;
}

function readLabels(tree: ConfigTree | undefined): Labels | null {
  const labels = new Map<string, string>();
  if (tree === undefined) return labels;
  if (tree.kind !== "map") return null;
  for (const [name, { value }] of tree.entries) {
    const text = stringOf(value);
    if (text === undefined) return null;
    labels.set(name, text);
  }
  return labels;
}

function checkSubset(
  holder: MapTree,
  backend: string,
  servers: readonly Labels[],
  diagnostics: DiagnosticList,
): void {
  const subset = holder.entries.get("subset");
  const asked = readLabels(subset?.value);
  if (subset === undefined || asked === null || asked.size === 0) return;
  const hasAll = (labels: Labels) => [...asked].every(([name, text]) => labels.get(name) === text);
  if (servers.some(hasAll)) return;
  const scope = `no server of backend ${quoteText(backend)} has`;
  for (const [name, text] of asked) {
    if (servers.some((labels) => labels.get(name) === text)) continue;
    const { keySpan, value } = (subset.value as MapTree).entries.get(name)!;
    const values = new Set(servers.flatMap((labels) => labels.get(name) ?? []));
    if (values.size > 0) {
      const message = `${scope} the label ${name}: ${quoteText(text)}`;
      diagnostics.error(value.span, message, hintValues(text, [...values]));
    } else {
      const names = new Set(servers.flatMap((labels) => [...labels.keys()]));
      diagnostics.error(keySpan, `${scope} a label ${quoteText(name)}`, hintNames(name, names));
    }
    return;
  }
  diagnostics.error(subset.keySpan, `${scope} all of these labels together`);
}

/** Values that a hint lists at most. */
const VALUES_SHOWN_MAX = 8;

function hintValues(text: string, values: readonly string[]): string {
  const nearest = findNearest(text, values);
  if (nearest !== null) return `did you mean ${quoteText(nearest)}?`;
  const rest = values.length - VALUES_SHOWN_MAX;
  const shown = values.slice(0, VALUES_SHOWN_MAX).map(quoteText).join(", ");
  return `there is ${rest > 0 ? `${shown}, and ${rest} more` : shown}`;
}

function hintNames(name: string, names: ReadonlySet<string>): string {
  const nearest = findNearest(name, names);
  if (nearest !== null) return `did you mean ${quoteText(nearest)}?`;
  if (names.size === 0) return `give some of them labels: { ${name}: VALUE }`;
  return hintValues("", [...names]);
}

/** Warns of a zone of this node in which no server stands: then none is preferred. */
export function checkZone(tree: ConfigTree, backends: Entries, diagnostics: DiagnosticList): void {
  const zone = childOf(tree, "zone");
  const name = stringOf(zone);
  if (zone === undefined || name === undefined || backends.size === 0) return;
  const zones = new Set<string>();
  for (const { value } of backends.values()) {
    for (const server of itemsOf(serversOf(value))) {
      const text = stringOf(childOf(server, "zone"));
      if (text !== undefined) zones.add(text);
    }
  }
  if (zones.has(name)) return;
  warnOfZone(zone.span, name, zones, diagnostics);
}

function warnOfZone(
  span: Span,
  name: string,
  zones: ReadonlySet<string>,
  diagnostics: DiagnosticList,
): void {
  const none = "so none is preferred";
  const message = zones.size === 0
    ? `no server has a zone, ${none}`
    : `no server stands in zone ${quoteText(name)}, ${none}`;
  diagnostics.warning(span, message, zones.size === 0 ? undefined : hintValues(name, [...zones]));
}
