/**
 * The slips that YAML invites in a file full of addresses, told in words of the file instead of the
 * grammar: a `[` or `*` that was meant as text, `${...}` between braces, a tab.
 *
 * The library's error names what it stumbled over, which often is not what is wrong. So the line is
 * looked at again for one of the known slips; only when none is found its own message is shown.
 */
import { findNearest } from "../base/text_distance.ts";
import { quoteText } from "../base/quoted_text.ts";
import type { SourceText, Span } from "./source_text.ts";

/** A syntax error as it is reported. */
export interface YamlSlip {
  readonly span: Span;
  readonly message: string;
  readonly hint?: string;
}

const MESSAGE_LENGTH_MAX = 120;
/** How much of a line is looked at for slips. */
const LINE_LENGTH_MAX = 2000;
/** An IPv6 address in brackets that no quote or word precedes. */
const BARE_BRACKETS = /(?<![\w"'\]])\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]:[0-9]+/;
/** A flow scalar around `${...}` that is not in quotes. */
const BARE_SUBSTITUTION = /(?<=[\s,{[])[^\s,[\]{}"']*\$\{[^}"']*\}[^\s,[\]{}"']*/;
/** A key whose value follows without a space, which makes both one text. */
const TIGHT_KEY = /(?<=^\s*|[{,]\s*)[A-Za-z0-9_.-]+:(?=[{["'])/;
/** What the library says when a flow collection ends where the writer did not end it. */
const STRUCTURE_CODES = new Set([
  ...["UNEXPECTED_TOKEN", "MISSING_CHAR", "BAD_INDENT", "MULTILINE_IMPLICIT_KEY", "BLOCK_IN_FLOW"],
]);

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
  switch (code) {
    case "TAB_AS_INDENT":
      return { span, message: "tabs are not allowed as indentation", hint: "use spaces" };
    case "BAD_SCALAR_START": {
      const value = readPlainValue(source, span.start);
      return {
        span: { start: span.start, end: span.start + value.length },
        message: `a plain value cannot begin with ${quoteText(value.slice(0, 1))}`,
        hint: `quote it: ${quoteText(value)}`,
      };
    }
    case "BAD_ALIAS":
      return { span, ...explainAlias(source.text.slice(span.start + 1, span.end), []) };
    case "TAG_RESOLVE_FAILED": {
      const tag = readPlainValue(source, span.start);
      return {
        span: { start: span.start, end: span.start + tag.length },
        message: '"!" starts a YAML tag, which is not read',
        hint: `quote it: ${quoteText(tag)}`,
      };
    }
    case "BLOCK_AS_IMPLICIT_KEY":
      return {
        span,
        message: "a second key on one line",
        hint: 'put it on a line of its own, or quote a value that holds ": "',
      };
    default: {
      const text = message.slice(0, MESSAGE_LENGTH_MAX).replace(/\s+/g, " ");
      return { span, message: `YAML: ${text[0].toLowerCase()}${text.slice(1)}` };
    }
  }
}

/** An alias that refers to nothing: usually a `*` that was meant as a wildcard. */
export function explainAlias(
  name: string,
  anchors: Iterable<string>,
): { readonly message: string; readonly hint: string } {
  const message = '"*" starts an alias';
  if (name.startsWith(":")) return { message, hint: `write ${quoteText(name)}` };
  if (name === "" || name.includes(".")) {
    return { message, hint: `quote it: ${quoteText(`*${name}`)}` };
  }
  const nearest = findNearest(name, anchors);
  return {
    message: `${message}, and there is no anchor ${quoteText(`&${name}`)} before it`,
    hint: nearest === null
      ? `if it is text, quote it: ${quoteText(`*${name}`)}`
      : `did you mean "*${nearest}"?`,
  };
}

/** Text on the line of `offset` that YAML took for structure, or null. */
export function findBareText(source: SourceText, offset: number): YamlSlip | null {
  const line = source.lineSpan(source.lineAt(offset));
  if (line === null) return null;
  const text = source.text.slice(line.start, Math.min(line.end, line.start + LINE_LENGTH_MAX));
  const found = [
    { match: BARE_BRACKETS.exec(text), message: '"[" starts a list' },
    { match: BARE_SUBSTITUTION.exec(text), message: '"{" starts a map inside braces' },
    { match: TIGHT_KEY.exec(text), message: 'no space behind ":"', hint: "put one there" },
  ];
  for (const { match, message, hint } of found) {
    if (match === null) continue;
    const start = line.start + match.index;
    const span = { start, end: start + match[0].length };
    return { span, message, hint: hint ?? `quote it: ${quoteText(match[0])}` };
  }
  return null;
}

/** From `start` to where a plain scalar on this line would end. */
function readPlainValue(source: SourceText, start: number): string {
  const rest = /^[^\r\n]*/.exec(source.text.slice(start, start + LINE_LENGTH_MAX))![0];
  return rest.replace(/\s+#.*$|\s*[,}\]].*$/, "").trimEnd();
}
