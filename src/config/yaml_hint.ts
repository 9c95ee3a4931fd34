/**
 * The slips that YAML invites in a file full of addresses: a `[` or `*` that was meant as text,
 * `${...}` between braces, a colon without its space.
 *
 * The library's error names what it stumbled over, which often is not what is wrong. So the line is
 * looked at again for one of these slips before its message is explained (syntax_error.ts).
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

/** With more of them the name of one is not guessed. */
const ANCHORS_COMPARED_MAX = 64;
/** How much of a line is looked at for slips. */
const LINE_LENGTH_MAX = 2000;
/** An IPv6 address in brackets that no quote or word precedes. */
const BARE_BRACKETS = /(?<![\w"'\]])\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]:[0-9]+(?:-[0-9]+)?/;
/** A flow scalar around `${...}` that is not in quotes. */
const BARE_SUBSTITUTION = /(?<=[\s,{[])[^\s,[\]{}"']*\$\{[^}"']*\}[^\s,[\]{}"']*/;
/** A key whose value follows without a space, which makes both one text. */
const TIGHT_KEY = /(?<=^\s*|[{,]\s*)[A-Za-z0-9_.-]+:(?=[{["'])/;

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
  const names = Array.from(anchors);
  const nearest = names.length <= ANCHORS_COMPARED_MAX ? findNearest(name, names) : null;
  return {
    message: `${message}, and there is no anchor ${quoteText(`&${name}`)} before it`,
    hint: nearest === null
      ? `if it is text, quote it: ${quoteText(`*${name}`)}`
      : `did you mean ${quoteText(`*${nearest}`)}?`,
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
export function readPlainValue(source: SourceText, start: number): string {
  const rest = /^[^\r\n]*/.exec(source.text.slice(start, start + LINE_LENGTH_MAX))![0];
  return rest.replace(/\s+#.*$|\s*[,}\]].*$/, "").trimEnd();
}
