/**
 * From text to the nodes of one YAML 1.2 document, with every slip reported where it is.
 *
 * The library is driven one lexical token at a time instead of with its `parseDocument`, because
 * several of its steps take minutes on files of a megabyte (looking for duplicate keys is
 * quadratic, composing recurses, `toJS` of nested keys is exponential). Counting tokens and open
 * collections on the way stops such a file at the bound, in a tenth of a second. Duplicate keys,
 * aliases and values are config_tree.ts's, which costs what the file is long.
 *
 * Refused although YAML has it: several documents in one file, directives other than `%YAML 1.2`
 * (version 1.1 would turn `no` into false), tags, and control characters.
 */
import { Composer, type Document, isCollection, isScalar, Lexer, Parser, visit } from "yaml";
import type { ParsedNode, Range } from "yaml";
import { DEPTH_MAX, TEXT_LENGTH_MAX, TOKENS_MAX } from "./config_limits.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import type { Span } from "./source_text.ts";
import { explainSyntaxError, explainUnclosed, leavesStructure } from "./syntax_error.ts";
import { findBareText } from "./yaml_hint.ts";

export type YamlDocument = Document.Parsed<ParsedNode>;
type Token = Parameters<Composer["next"]>[0];

/** Tokens outside of any document after which reading on tells nothing new. */
const STRAY_TOKENS_MAX = 20;
/** What neither YAML nor a terminal takes; also what the lexer uses as marks of its own. */
// deno-lint-ignore no-control-regex
const CONTROL_CHARACTER = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** The document, or null after an error that leaves its structure in doubt. */
export function readYaml(diagnostics: DiagnosticList): YamlDocument | null {
  const { source } = diagnostics;
  const { text } = source;
  if (text.length > TEXT_LENGTH_MAX) {
    diagnostics.error({ start: 0, end: 0 }, "the file is larger than 1 MiB");
    return null;
  }
  const control = CONTROL_CHARACTER.exec(text);
  if (control !== null) {
    const code = control[0].charCodeAt(0).toString(16).padStart(2, "0");
    const span = { start: control.index, end: control.index + 1 };
    diagnostics.error(span, `the file holds the control character \\x${code}`, "is it text?");
    return null;
  }
  const tokens = readTokens(diagnostics);
  if (tokens === null) return null;
  const document = compose(tokens, diagnostics);
  return document === null || reportSyntaxErrors(document, diagnostics) ? null : document;
}

/** Lexes and parses as far as the bounds allow; null when they, or our rules, stop it. */
function readTokens(diagnostics: DiagnosticList): Token[] | null {
  const { text } = diagnostics.source;
  const parser = new Parser();
  const tokens: Token[] = [];
  let lexemes = 0;
  let strayTokens = 0;
  for (const lexeme of new Lexer().lex(text)) {
    const start = parser.offset;
    for (const token of parser.next(lexeme)) {
      tokens.push(token);
      if (token.type === "error") strayTokens++;
    }
    lexemes++;
    const isTooDeep = parser.stack.length > DEPTH_MAX;
    if (isTooDeep || lexemes > TOKENS_MAX) {
      const what = isTooDeep ? "nests too deep" : "holds too many keys and values";
      diagnostics.error({ start, end: start }, `the file ${what} from here on`);
      return null;
    }
    if (strayTokens > STRAY_TOKENS_MAX) break;
  }
  tokens.push(...parser.end());
  return isOneDocument(tokens, diagnostics) ? tokens : null;
}

function isOneDocument(tokens: readonly Token[], diagnostics: DiagnosticList): boolean {
  let documents = 0;
  for (const token of tokens) {
    if (token.type === "directive" && !/^%YAML\s+1\.2\s*$/.test(token.source)) {
      const span = { start: token.offset, end: token.offset + token.source.length };
      diagnostics.error(span, "YAML directives are not read", "remove this line");
      return false;
    }
    if (token.type === "document" && ++documents > 1) {
      const span = { start: token.offset, end: token.offset + "---".length };
      diagnostics.error(span, "a second document begins here", 'remove the "---"');
      return false;
    }
  }
  return true;
}

function compose(tokens: readonly Token[], diagnostics: DiagnosticList): YamlDocument | null {
  const composer = new Composer({
    version: "1.2",
    schema: "core",
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: "silent",
  });
  try {
    const [document] = composer.compose(tokens, true, diagnostics.source.text.length);
    return document;
  } catch {
    // Promised to callers: no text makes reading throw, whatever the library does with it.
    diagnostics.error({ start: 0, end: 0 }, "the file cannot be read as YAML");
    return null;
  }
}

/**
 * The first error of each line: what the library finds behind it on the same line is caused by it.
 * So are later doubts about structure, once there was one; of these only known slips are told.
 */
function reportSyntaxErrors(document: YamlDocument, diagnostics: DiagnosticList): boolean {
  const { source } = diagnostics;
  const lines = new Set<number>();
  let openings: ReadonlyMap<number, Span> | undefined;
  let isInDoubt = false;
  for (const { code, message, pos: [start, end] } of [...document.errors, ...document.warnings]) {
    // They may be many, each a line of its own: looked for once.
    if (UNCLOSED.test(message)) openings ??= findOpenings(document);
    const opening = UNCLOSED.test(message) ? openings?.get(start) : undefined;
    if (opening === undefined && lines.has(source.lineAt(start))) continue;
    const slip = opening === undefined
      ? explainSyntaxError(source, code, message, { start, end })
      : explainUnclosed(source, opening, start);
    const line = source.lineAt(slip.span.start);
    if (lines.has(line)) continue;
    lines.add(line);
    if (leavesStructure(code)) {
      if (isInDoubt && findBareText(source, start) === null) continue;
      isInDoubt = true;
    }
    if (code === "TAB_AS_INDENT") isInDoubt = true;
    diagnostics.error(slip.span, slip.message, slip.hint);
  }
  return lines.size > 0;
}

/** What the library says of a quote or bracket that is not closed, and where it ends. */
const UNCLOSED = /^Missing closing|end with a [\]}]$/;

/**
 * Where quotes and brackets were opened, by where what is in them ends: there the library points
 * when the end is missing. Of several that end in one place, the innermost.
 */
function findOpenings(document: YamlDocument): Map<number, Span> {
  const openings = new Map<number, Span>();
  visit(document, {
    Node(_, node) {
      const isOpened = isScalar(node) ? node.type?.startsWith("QUOTE_") : isFlow(node);
      const range = node.range as Range | null | undefined;
      if (isOpened && range) openings.set(range[1], { start: range[0], end: range[0] + 1 });
    },
  });
  return openings;
}

function isFlow(node: unknown): boolean {
  return isCollection(node) && node.flow === true;
}
