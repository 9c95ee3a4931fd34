/**
 * What is wrong with a configuration, and how it is shown: to people with the line and a caret, to
 * programs as JSON, to a pull request as GitHub workflow commands.
 *
 * Diagnostics come in any order and number; showing sorts them by position. People are shown the
 * first DIAGNOSTICS_SHOWN_MAX, since what follows is mostly caused by the first; programs get all.
 */
import { plural } from "../base/plural.ts";
import { makePrintable } from "../base/quoted_text.ts";
import { SourceText, type Span } from "./source_text.ts";

export type Severity = "error" | "warning";

export interface Diagnostic {
  readonly severity: Severity;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** In characters, from 1. */
  readonly column: number;
  /** Characters that the caret underlines, at least 1. */
  readonly length: number;
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

export const DIAGNOSTIC_FORMATS = ["text", "json", "github"] as const;
export type DiagnosticFormat = typeof DIAGNOSTIC_FORMATS[number];

/** More than this of one file are not kept: it is no configuration, and nobody reads them. */
const DIAGNOSTICS_MAX = 1000;
const DIAGNOSTICS_SHOWN_MAX = 20;
/** Wider lines are cut around the caret. */
const LINE_COLUMNS_MAX = 120;
const COLUMNS_BEFORE_CARET = 60;
const LINE_NUMBER_WIDTH = 5;

/** Collects the diagnostics of one file. */
export class DiagnosticList {
  readonly source: SourceText;
  readonly #diagnostics: Diagnostic[] = [];
  readonly #said = new Set<string>();
  #hasErrors = false;

  constructor(source: SourceText) {
    this.source = source;
  }

  get hasErrors(): boolean {
    return this.#hasErrors;
  }

  error(span: Span, message: string, hint?: string): void {
    this.#add("error", span, message, hint);
  }

  warning(span: Span, message: string, hint?: string): void {
    this.#add("warning", span, message, hint);
  }

  /** By position; of one position, in the order they were found. */
  sorted(): Diagnostic[] {
    return this.#diagnostics.toSorted((a, b) => a.line - b.line || a.column - b.column);
  }

  #add(severity: Severity, span: Span, message: string, hint?: string): void {
    this.#hasErrors ||= severity === "error";
    if (this.#diagnostics.length >= DIAGNOSTICS_MAX) return;
    // What an anchor holds is met once for each alias; nobody wants to be told twice.
    const identity = `${span.start} ${message}`;
    if (this.#said.has(identity)) return;
    this.#said.add(identity);
    const position = this.source.positionAt(span.start);
    const length = this.source.lengthOf(span);
    const { file } = this.source;
    const diagnostic = { severity, file, ...position, length, message };
    this.#diagnostics.push(hint === undefined ? diagnostic : { ...diagnostic, hint });
  }
}

/**
 * @param diagnostics in the order to show them, as `parseConfig` returns them.
 * @param text of the file they are about.
 * @returns lines with their ends; "" when there is nothing to show as text or for GitHub.
 */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  format: DiagnosticFormat,
  text: string,
): string {
  if (format === "json") return renderJson(diagnostics);
  if (diagnostics.length === 0) return "";
  const shown = diagnostics.slice(0, DIAGNOSTICS_SHOWN_MAX);
  const source = new SourceText("", text);
  const lines = format === "github"
    ? shown.map(renderGithub)
    : shown.flatMap((diagnostic) => renderText(diagnostic, source));
  const hidden = diagnostics.length - shown.length;
  if (format === "text") lines.push(countDiagnostics(diagnostics) + describeHidden(hidden));
  return lines.join("\n") + "\n";
}

/** `2 errors, 1 warning`, without what there is none of. */
export function countDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  const counts = [[errors, "error"], [diagnostics.length - errors, "warning"]] as const;
  const present = counts.filter(([count]) => count > 0);
  if (present.length === 0) return "no errors";
  return present.map(([count, noun]) => plural(count, noun)).join(", ");
}

function describeHidden(hidden: number): string {
  return hidden === 0 ? "" : ` (the first ${DIAGNOSTICS_SHOWN_MAX} are shown)`;
}

function renderText(diagnostic: Diagnostic, source: SourceText): string[] {
  const { file, line, column, severity, message, hint } = diagnostic;
  const prefix = severity === "warning" ? "warning: " : "";
  const head = `${file}:${line}:${column}: ${prefix}${message}`;
  const lineText = source.lineText(line);
  const margin = " ".repeat(LINE_NUMBER_WIDTH);
  if (lineText === null || lineText.trim() === "") {
    return hint === undefined ? [head] : [head, `${margin} | ${hint}`];
  }
  const characters = Array.from(makePrintable(lineText));
  const isWide = characters.length > LINE_COLUMNS_MAX;
  const from = isWide ? Math.max(0, column - 1 - COLUMNS_BEFORE_CARET) : 0;
  const shown = characters.slice(from, from + LINE_COLUMNS_MAX);
  const length = Math.max(1, Math.min(diagnostic.length, shown.length - (column - 1 - from)));
  const caret = " ".repeat(column - 1 - from) + "^".repeat(length);
  return [
    head,
    `${String(line).padStart(LINE_NUMBER_WIDTH)} | ${shown.join("")}`.trimEnd(),
    `${margin} | ${caret}${hint === undefined ? "" : ` ${hint}`}`,
  ];
}

function renderJson(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  const counts = { errors, warnings: diagnostics.length - errors };
  return JSON.stringify({ ...counts, diagnostics }, null, 2) + "\n";
}

/** https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands */
function renderGithub(diagnostic: Diagnostic): string {
  const { severity, file, line, column, length, message, hint } = diagnostic;
  const property = (text: string) =>
    escapeGithub(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
  const place = `file=${property(file)},line=${line},col=${column},endColumn=${column + length}`;
  return `::${severity} ${place}::${
    escapeGithub(hint === undefined ? message : `${message}\n${hint}`)
  }`;
}

function escapeGithub(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
