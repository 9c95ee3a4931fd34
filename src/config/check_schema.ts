/**
 * Holds the tree of a file against the schema, and turns what the schema finds into diagnostics:
 * with the place in the file, the subject of the sentence, and the section it happened in.
 *
 * The schema's path is followed through the tree, which keeps for each key and value where it was
 * written. A value that was reported while the tree was built is not reported again.
 */
import * as v from "valibot";
import { quoteText } from "../base/quoted_text.ts";
import type { ConfigTree, MapTree } from "./config_tree.ts";
import { joinPath, renameKeys, toValue } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { decodeProblem, type Problem, QUOTE_HINT } from "./problem.ts";
import { type ConfigFile, SCHEMA } from "./schema.ts";
import type { Span } from "./source_text.ts";

type Path = readonly (string | number)[];

/** Keys that stand in each other: `listeners.web.routes.0.match.sni` has four of our words. */
const DEPTH_MAX = 4;

/** With more misspelt keys than that, what is in them can wait until they are mended. */
const MISSPELT_MAX = 100;

export interface CheckedTree {
  /** The values of the file with defaults; null when something does not fit, which is reported. */
  readonly values: ConfigFile | null;
  /** The tree with misspelt keys read as what they were meant to be. */
  readonly tree: MapTree;
}

export function checkSchema(tree: MapTree, diagnostics: DiagnosticList): CheckedTree {
  const reported = new Set<string>();
  let meant = withoutExtensions(tree);
  // A misspelt key hides everything in it, where the next one may be.
  for (let depth = 0; depth <= DEPTH_MAX; depth++) {
    const { values, issues } = applySchema(meant);
    if (values !== null) return { values: reported.size === 0 ? values : null, tree: meant };
    const misspelt = issues.filter((issue) => isRenamed(issue, meant));
    const isFollowed = misspelt.length > 0 && misspelt.length <= MISSPELT_MAX;
    const isLast = !isFollowed || depth === DEPTH_MAX;
    reportIssues(isLast ? issues : misspelt, meant, diagnostics, reported);
    if (isLast) break;
    meant = renameKeys(
      meant,
      new Map(misspelt.map(({ path, problem }) => [joinPath(path), problem.key!])),
    );
  }
  return { values: null, tree: meant };
}

function applySchema(tree: MapTree): { values: ConfigFile | null; issues: readonly Issue[] } {
  const first = v.safeParse(SCHEMA, toValue(tree, new Set()));
  if (first.success) return { values: first.output, issues: [] };
  const texts = findTexts(first.issues, tree);
  const result = texts.size === 0 ? first : v.safeParse(SCHEMA, toValue(tree, texts));
  if (result.success) return { values: result.output, issues: [] };
  return { values: null, issues: result.issues.map(readIssue) };
}

/** Whether the key is misspelt, and its map has none of the name it was meant to be. */
function isRenamed({ problem, path }: Issue, tree: MapTree): boolean {
  if (problem.isMisspelt !== true) return false;
  const { value } = locate(tree, path.slice(0, -1));
  return value?.kind === "map" && !value.entries.has(problem.key!);
}

/** @param reported what was said before, for it is not said again. */
function reportIssues(
  issues: readonly Issue[],
  tree: MapTree,
  diagnostics: DiagnosticList,
  reported: Set<string>,
): void {
  const replaced = new Set(issues.filter(({ isPresent }) => isPresent).map(describeKey));
  for (const issue of issues) {
    const isMissing = issue.isKey && !issue.isPresent;
    if (isMissing && replaced.has(describeKey(issue))) continue;
    const place = locate(tree, issue.path);
    // What stands in an anchor is checked for each alias, and is wrong in one place.
    const { start } = issue.isKey ? place.keySpan : place.value?.span ?? place.keySpan;
    const identity = `${start} ${issue.problem.message}`;
    if (reported.has(identity)) continue;
    reported.add(identity);
    reportIssue(issue, place, diagnostics);
  }
}

/**
 * Substitutions that look like numbers, true or null where text is wanted. In the file one would
 * quote them, but quoting cannot say of a substitution what it stands for.
 */
function findTexts(issues: readonly v.BaseIssue<unknown>[], tree: ConfigTree): Set<ConfigTree> {
  const texts = new Set<ConfigTree>();
  for (const issue of issues) {
    if (issue.expected !== "string") continue;
    const { value } = locate(tree, readIssue(issue).path);
    if (value?.kind === "scalar" && value.isSubstituted) texts.add(value);
  }
  return texts;
}

/** Top-level keys that begin with "x-" are a place for anchors, and mean nothing themselves. */
function withoutExtensions(tree: MapTree): MapTree {
  const entries = [...tree.entries].filter(([key]) => !key.startsWith("x-"));
  return { ...tree, entries: new Map(entries) };
}

interface Issue {
  readonly problem: Problem;
  readonly path: Path;
  /** About the last key of the path, and not its value. */
  readonly isKey: boolean;
  /** Whether the file has what the path leads to. */
  readonly isPresent: boolean;
}

function readIssue(issue: v.BaseIssue<unknown>): Issue {
  const items = issue.path ?? [];
  const last = items.at(-1);
  return {
    problem: decodeProblem(issue.message),
    path: items.map(({ key }) => key as string | number),
    isKey: last?.origin === "key",
    isPresent: last?.value !== undefined,
  };
}

/** The map, and the key of it that is missing or that another one stands in place of. */
function describeKey({ problem, path }: Issue): string {
  return joinPath([...path.slice(0, -1), problem.key ?? ""]);
}

function reportIssue({ problem, path, isKey }: Issue, place: Place, diagnostics: DiagnosticList) {
  const { kind, message, hint } = problem;
  if (isKey) {
    const scope = kind === "key" ? describeScope(path.slice(0, -1)) : "";
    diagnostics.error(place.keySpan, message + scope, hint);
    return;
  }
  const { value } = place;
  if (value?.kind === "scalar" && value.isReported) return;
  const subject = kind === "value" ? `${describeSubject(path)} ` : "";
  diagnostics.error(value?.span ?? place.keySpan, subject + message, completeHint(hint, value));
}

/** The hint for `1.30` shows the zero that the number has lost. */
function completeHint(hint: string | undefined, value: ConfigTree | undefined): string | undefined {
  if (hint !== QUOTE_HINT) return hint;
  const isWritten = value?.kind === "scalar" && value.value !== null;
  return isWritten ? `${hint}: ${quoteText(value.text)}` : undefined;
}

interface Place {
  readonly keySpan: Span;
  /** Undefined when the file does not have it. */
  readonly value: ConfigTree | undefined;
}

/** The deepest part of `path` that the file has: a missing key is shown at the map it misses in. */
function locate(tree: ConfigTree, path: Path): Place {
  let value: ConfigTree | undefined = tree;
  let keySpan: Span = { start: tree.span.start, end: tree.span.start };
  for (const key of path) {
    if (value?.kind === "map") {
      const entry = value.entries.get(String(key));
      if (entry === undefined) return { keySpan, value: undefined };
      keySpan = entry.keySpan;
      value = entry.value;
    } else if (value?.kind === "list") {
      value = value.items[Number(key)];
      keySpan = value?.span ?? keySpan;
    }
  }
  return { keySpan, value };
}

/** What items of lists are called, by the key of the list. */
const ITEM_NOUNS: Readonly<Record<string, string>> = {
  servers: "server",
  routes: "route",
  bind: "address",
};

/** ` in backend "app"`, ` in "match" of route 2 of listener "web"`: where a key stands. */
function describeScope(path: Path): string {
  if (path.length === 0) return "";
  const [section, name] = path;
  if (section !== "listeners" && section !== "backends" || name === undefined) {
    return ` in ${quoteText(path.join("."))}`;
  }
  let scope = `${section.slice(0, -1)} ${quoteText(String(name))}`;
  let keys: string[] = [];
  const addKeys = () => {
    if (keys.length > 0) scope = `${quoteText(keys.join("."))} of ${scope}`;
    keys = [];
  };
  for (const key of path.slice(2)) {
    if (typeof key === "string") {
      keys.push(key);
      continue;
    }
    // A backend may be a list itself.
    const list = keys.pop() ?? "servers";
    addKeys();
    scope = `${ITEM_NOUNS[list] ?? quoteText(list)} ${key + 1} of ${scope}`;
  }
  addKeys();
  return ` in ${scope}`;
}

/** What a sentence about the value at `path` is about. */
function describeSubject(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return "the file";
  if (typeof last === "number") {
    const list = path.at(-2);
    const isBackend = path.length === 3 && path[0] === "backends";
    if (isBackend || list === "servers") return "server";
    return list === "routes" ? "route" : String(list);
  }
  const [section] = path;
  if (path.length === 2 && (section === "listeners" || section === "backends")) {
    return `${section.slice(0, -1)} ${quoteText(last)}`;
  }
  return last;
}
