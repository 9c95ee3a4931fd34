/**
 * Names that lead somewhere: the backends that listeners and their routes name must exist, and
 * backends that nobody names are most likely forgotten.
 */
import { findNearest } from "../base/text_distance.ts";
import { quoteText } from "../base/quoted_text.ts";
import { BACKENDS_MAX, LISTENERS_MAX } from "./config_limits.ts";
import { childOf, type ConfigTree, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { type Entries, itemsOf, type ListenerTree } from "./listener_tree.ts";
import { isName } from "./schema_field.ts";

/** Names that an error lists at most. */
const NAMES_SHOWN_MAX = 8;

/** The listeners that use a backend, by its name. */
export type Uses = ReadonlyMap<string, readonly ListenerTree[]>;

/** @param count of listeners, also of those that are no maps. */
export function checkReferences(
  listeners: readonly ListenerTree[],
  count: number,
  backends: Entries,
  diagnostics: DiagnosticList,
): Uses {
  const uses = new Map<string, ListenerTree[]>();
  // Without any backend, what is missing are they and not a name, and it has been said.
  if (backends.size === 0) return uses;
  // Comparing all names with all names would take minutes in a file that is beyond all bounds.
  const isSmall = listeners.length <= LISTENERS_MAX && backends.size <= BACKENDS_MAX;
  let isComplete = listeners.length > 0 && listeners.length === count;
  for (const listener of listeners) {
    const references = referencesOf(listener);
    // It may have been meant to name any of them, so none is known to be unused.
    if (references.length === 0) isComplete = false;
    for (const reference of references) {
      const name = stringOf(reference);
      if (name !== undefined && backends.has(name)) addUse(uses, name, listener);
      else {
        isComplete = false;
        if (reference === undefined || name === undefined || !isName(name)) continue;
        const nearest = isSmall ? findNearest(name, namesOf(backends)) : null;
        const hint = nearest === null ? undefined : `did you mean ${quoteText(nearest)}?`;
        const message = `backend ${quoteText(name)} does not exist`;
        diagnostics.error(reference.span, `${message} (have: ${listNames(backends)})`, hint);
      }
    }
  }
  if (isComplete) warnOfUnused(backends, uses, diagnostics);
  return uses;
}

/** Undefined for a route that names none. */
function referencesOf({ map }: ListenerTree): (ConfigTree | undefined)[] {
  const routes = itemsOf(childOf(map, "routes")).map((route) => childOf(route, "backend"));
  const own = childOf(map, "backend");
  return own === undefined ? routes : [own, ...routes];
}

function addUse(uses: Map<string, ListenerTree[]>, name: string, listener: ListenerTree): void {
  const listeners = uses.get(name);
  if (listeners === undefined) uses.set(name, [listener]);
  else if (listeners.at(-1) !== listener) listeners.push(listener);
}

function warnOfUnused(backends: Entries, uses: Uses, diagnostics: DiagnosticList): void {
  for (const [name, { keySpan }] of backends) {
    if (!uses.has(name)) {
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
