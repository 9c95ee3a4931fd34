/**
 * Syntax errors of the YAML library in words of the file: what was probably meant, and what to do.
 *
 * The library tells errors apart by code and message, and points to where it stumbled, which often
 * is a line or a bracket behind the slip. So messages are looked up by how they begin, and the text
 * around the place decides the rest. What is not in the table keeps the library's own words.
 */
import { makePrintable, quoteText } from "../base/quoted_text.ts";
import type { SourceText, Span } from "./source_text.ts";
import { explainAlias, findBareText, readPlainValue, type YamlSlip } from "./yaml_hint.ts";

const MESSAGE_LENGTH_MAX = 120;
/** Codes after which it is open where collections end. */
const STRUCTURE_CODES = new Set([
  ...["UNEXPECTED_TOKEN", "MISSING_CHAR", "BAD_INDENT", "MULTILINE_IMPLICIT_KEY", "BLOCK_IN_FLOW"],
]);
const SAME_COLUMN = "keys of one map begin in the same column";

/**
 * Whether an error of this code leaves it open where collections end. What the library finds after
 * it is mostly caused by it.
 */
export function leavesStructure(code: string): boolean {
  return STRUCTURE_CODES.has(code);
}

/** @param code of the library's ErrorCode; @param span where it stumbled. */
export function explainSyntaxError(
  source: SourceText,
  code: string,
  message: string,
  span: Span,
): YamlSlip {
  const slip = leavesStructure(code) ? findBareText(source, span.start) : null;
  if (slip !== null) return slip;
  const found = EXPLANATIONS.find(([beginning]) => beginning.test(message));
  if (found !== undefined) return found[1](source, span);
  const text = makePrintable(message.slice(0, MESSAGE_LENGTH_MAX).replace(/\s+/g, " "));
  return { span, message: `YAML: ${text[0].toLowerCase()}${text.slice(1)}` };
}

/** What is wrong where an opening bracket or quote has no end. */
export function explainUnclosed(source: SourceText, opening: Span, end: number): YamlSlip {
  const opener = source.text[opening.start];
  if (opener !== "[" && opener !== "{") {
    return { span: opening, message: "the quote that begins here is never closed" };
  }
  const closer = opener === "[" ? "]" : "}";
  const next = nextToken(source, end);
  const found = source.text[next.start];
  if (found === closer) {
    const span = { start: next.start, end: next.start + 1 };
    const hint = `at least as deep as the key of its "${opener}"`;
    return { span, message: `this "${closer}" must be indented deeper`, hint };
  }
  if (found === "]" || found === "}") {
    const { line } = source.positionAt(opening.start);
    const span = { start: next.start, end: next.start + 1 };
    const message = `"${found}" cannot close the "${opener}" of line ${line}`;
    return { span, message, hint: `write "${closer}"` };
  }
  return { span: opening, message: `the "${opener}" that begins here is never closed` };
}

type Explain = (source: SourceText, span: Span) => YamlSlip;

/** By the beginning of the library's message. */
const EXPLANATIONS: readonly (readonly [beginning: RegExp, explain: Explain])[] = [
  [/^Tabs are not allowed/, (_, span) => ({
    span,
    message: "tabs are not allowed as indentation",
    hint: "use spaces",
  })],
  [/^Plain value cannot start/, (source, { start }) => explainBadStart(source, start)],
  [/^Block scalar header/, (source, { start }) => {
    const line = source.lineSpan(source.lineAt(start))!;
    const before = source.text.slice(line.start, start);
    return explainBadStart(source, line.start + before.search(/[|>][^|>]*$/));
  }],
  [/^Invalid escape/, (source, { start }) => ({
    span: { start, end: start + 2 },
    message: `${makePrintable(source.text.slice(start, start + 2))} means nothing in double quotes`,
    hint: String.raw`use single quotes, or write "\\" for one "\"`,
  })],
  [/^Nested mappings are not/, (source, { start }) => explainSecondKey(source, start)],
  [/^(A block sequence may not|All sequence items)/, (source, { start }) => ({
    span: nextToken(source, start),
    message: "this list item begins in no column of the list above",
    hint: "items of one list begin in the same column",
  })],
  [/^All mapping items/, (source, { start }) => explainColumn(source, start)],
  [/^Implicit (map )?keys? need/, (source, { start }) => explainBareKey(source, start)],
  [/^(Missing ,|Unexpected \S+ token$)/, (source, { start }) => ({
    span: nextToken(source, start),
    message: 'a "," is missing before this',
  })],
  [/^Unexpected (,|empty item) in/, (_, span) => ({ span, message: 'a "," too many' })],
  [/^Unexpected flow-(seq|map)-end/, (source, { start }) => ({
    span: { start, end: start + 1 },
    message: `"${source.text[start]}" closes nothing`,
    hint: "remove it, or add what opens it",
  })],
  [/^Unexpected block-seq-ind/, (_, span) => ({
    span,
    message: "a list cannot begin behind its key",
    hint: 'begin a new line before "-", or write the list in brackets',
  })],
  [/^Unexpected .* at node end/, (source, span) => explainTrailing(source, span)],
  [/^Comments must be/, (_, { start }) => ({
    span: { start, end: start + 1 },
    message: '"#" begins a comment only behind a space',
    hint: "put a space before it, or quote the text that holds it",
  })],
  [/^Anchor cannot be/, (source, { start }) => explainReserved(source, start, "an anchor")],
  [/^Alias cannot be/, (_, span) => ({ span, ...explainAlias("", []) })],
  [/^(Alias|Anchor) ending in/, (_, { start }) => ({
    span: { start, end: start + 1 },
    message: '":" is part of the name of this alias or anchor',
    hint: "remove it, or put a space before it",
  })],
  [/^(Unresolved tag|The .* tag)/, (source, { start }) => {
    return explainReserved(source, start, "a YAML tag, which is not read");
  }],
];

/** A character that YAML keeps for itself, at the beginning of a text. */
function explainReserved(source: SourceText, start: number, what: string): YamlSlip {
  const value = readPlainValue(source, start);
  return {
    span: { start, end: start + value.length },
    message: `${quoteText(value.slice(0, 1))} starts ${what}`,
    hint: `quote it: ${quoteText(value)}`,
  };
}

function explainBadStart(source: SourceText, start: number): YamlSlip {
  const value = readPlainValue(source, start);
  return {
    span: { start, end: start + value.length },
    message: `a plain value cannot begin with ${quoteText(value.slice(0, 1))}`,
    hint: `quote it: ${quoteText(value)}`,
  };
}

/** `key: value: more` on one line, or a key below a value and deeper than its key. */
function explainSecondKey(source: SourceText, start: number): YamlSlip {
  const first = nextToken(source, start);
  const line = source.lineSpan(source.lineAt(first.start))!;
  if (/:(\s|$)/.test(source.text.slice(first.start, line.end))) {
    const span = { start: first.start, end: first.start + 1 };
    const hint = 'put it on a line of its own, or quote a value that holds ": "';
    return { span, message: "a second key on one line", hint };
  }
  return explainTooDeep(source, line.end);
}

/** A key on the line behind `lineEnd`, below a key whose value it cannot belong to. */
function explainTooDeep(source: SourceText, lineEnd: number): YamlSlip {
  const message = "this line is indented deeper than the key above, which has a value already";
  return { span: nextToken(source, lineEnd), message, hint: SAME_COLUMN };
}

/** A line that begins where no line above it does. */
function explainColumn(source: SourceText, start: number): YamlSlip {
  const span = nextToken(source, start);
  const token = source.text.slice(span.start, span.end);
  const isKey = token.endsWith(":");
  const above = source.lineText(source.lineAt(span.start) - 1) ?? "";
  if (!isKey && /^\s*- /.test(above)) {
    return { span, message: 'this list item has no "-"', hint: `write ${quoteText(`- ${token}`)}` };
  }
  return { span, message: "this line begins in no column of the lines above", hint: SAME_COLUMN };
}

/** Text where a key should be: its colon is missing, or the space behind it. */
function explainBareKey(source: SourceText, start: number): YamlSlip {
  const span = nextToken(source, start);
  const line = source.lineSpan(source.lineAt(span.start))!;
  // "bind: :80" and a deeper line below it: the library takes both lines for one key.
  if (/:\s+$/.test(source.text.slice(line.start, span.start))) {
    return explainTooDeep(source, line.end);
  }
  const token = source.text.slice(span.start, span.end);
  if (/^[A-Za-z_]\w*:\S/.test(token)) {
    return { span, message: 'no space behind ":"', hint: "put one there" };
  }
  if (/^-\S/.test(token)) return { span, message: 'no space behind "-"', hint: "put one there" };
  const what = /^[\w.-]+$/.test(token)
    ? `there is no ":" behind ${quoteText(token)}`
    : `${quoteText(token)} stands where a key should be`;
  return { span, message: what, hint: 'a key is written as "key: value"' };
}

/** Text behind a closing quote, or a line further left than where the file began. */
function explainTrailing(source: SourceText, span: Span): YamlSlip {
  const { text } = source;
  const line = source.lineSpan(source.lineAt(span.start))!;
  const before = text.slice(line.start, span.start).trimEnd();
  if (before.endsWith("'")) {
    const hint = "a ' inside of single quotes is written twice";
    return { span, message: "text behind the closing quote", hint };
  }
  if (before.endsWith('"')) {
    return { span, message: "text behind the closing quote", hint: "put all of it in quotes" };
  }
  if (before !== "") return { span, message: "this belongs to nothing before it" };
  const message = "this line is indented less than what it should belong to";
  return { span: nextToken(source, span.start), message, hint: SAME_COLUMN };
}

/** The word at or behind `start`, over white space and comments; a colon ends it as a key. */
function nextToken(source: SourceText, start: number): Span {
  const BLANK = /(?:\s|(?<=\s|^)#[^\n]*)*/y;
  BLANK.lastIndex = start;
  const skipped = BLANK.exec(source.text)?.[0].length ?? 0;
  const at = start + skipped;
  if (at >= source.text.length) return { start, end: start };
  const token = /^(?:- )?[^\s,[\]{}]*/.exec(source.text.slice(at, at + 200))![0];
  return { start: at, end: at + Math.max(1, token.length) };
}
