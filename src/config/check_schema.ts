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
import { toValue } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { decodeProblem, type Problem, QUOTE_HINT } from "./problem.ts";
import { type ConfigFile, SCHEMA } from "./schema.ts";
import type { Span } from "./source_text.ts";

type Path = readonly (string | number)[];

/** The values of the file with defaults; null when something does not fit, which is reported. */
export function checkSchema(tree: MapTree, diagnostics: DiagnosticList): ConfigFile | null {
  const result = v.safeParse(SCHEMA, toValue(withoutExtensions(tree)));
  if (result.success) return result.output;
  const issues = result.issues.map(readIssue);
  const isMisspelt = (missing: Issue) =>
    issues.some((other) => other !== missing && isSameKey(other, missing));
  for (const issue of issues) {
    const isMissing = issue.isKey && !issue.isPresent;
    if (!isMissing || !isMisspelt(issue)) reportIssue(issue, tree, diagnostics);
  }
  return null;
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

/** Whether an unknown key of the same map was meant to be the missing one, which is said there. */
function isSameKey(unknown: Issue, missing: Issue): boolean {
  return unknown.isKey && unknown.problem.key === missing.problem.key &&
    unknown.path.slice(0, -1).join("\0") === missing.path.slice(0, -1).join("\0");
}

function reportIssue({ problem, path, isKey }: Issue, tree: MapTree, diagnostics: DiagnosticList) {
  const { kind, message, hint } = problem;
  const place = locate(tree, path);
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
  // Quoting a substitution would not keep it from becoming a number.
  if (value?.kind !== "scalar" || value.isSubstituted) return undefined;
  return `${hint}: ${quoteText(value.text)}`;
}

/** The deepest part of `path` that the file has: a missing key is shown at the map it misses in. */
function locate(tree: ConfigTree, path: Path): { keySpan: Span; value: ConfigTree | undefined } {
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

/** ` in backend "app"`: the map that a key stands in; "" at the top. */
function describeScope(path: Path): string {
  if (path.length === 0) return "";
  const [section, name] = path;
  const rest = path.slice(2);
  if (section !== "listeners" && section !== "backends" || name === undefined) {
    return ` in ${quoteText(path.join("."))}`;
  }
  const owner = `${section.slice(0, -1)} ${quoteText(String(name))}`;
  if (rest.length === 0) return ` in ${owner}`;
  const index = rest.at(-1)!;
  const inner = typeof index === "number" ? `server ${index + 1}` : quoteText(rest.join("."));
  return ` in ${inner} of ${owner}`;
}

/** What a sentence about the value at `path` is about. */
function describeSubject(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return "the file";
  if (typeof last === "number") return "server";
  const [section] = path;
  if (path.length === 2 && (section === "listeners" || section === "backends")) {
    return `${section.slice(0, -1)} ${quoteText(last)}`;
  }
  return last;
}
