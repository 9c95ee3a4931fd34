/**
 * Splits TypeScript (and well enough C) into tokens, for rules about what code says.
 *
 * Searching text would find `await` inside a comment and `//` inside a string; a real parser would
 * be a dependency, and slow. This stands between: comments, strings, templates and regular
 * expressions are each one token, everything else is words, numbers and marks. Whether a slash
 * divides or begins a regular expression is guessed from the token before it, which is right for
 * code that the formatter wrote.
 */

export type TokenKind =
  | "comment"
  | "word"
  | "number"
  | "string"
  /** A stretch of a template, from "`" or "}" to "`" or "${": the code between is tokens again. */
  | "template"
  | "regex"
  | "mark";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** Of its first character; counted from 1. */
  readonly line: number;
}

const WORD = /[\p{ID_Start}$_#@][\p{ID_Continue}$]*/uy;
const NUMBER = /\.?\d(?:[eE][+-]?\d|[\w.])*/y;
const STRING = /"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?/y;
const COMMENT = /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const TEMPLATE = /[`}](?:[^`\\$]|\\[^]|\$(?!\{))*(?:`|\$\{|$)/y;
const MARK = /=>|\.\.\.|[^]/uy;

/** Words after which a value begins, so that a slash after them begins a regular expression. */
const BEFORE_VALUE = new Set(
  ["return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do", "await"],
);

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  /** For each template that is open around this place: the braces open inside its `${`. */
  const templates: number[] = [];
  let position = 0;
  let line = 1;

  function take(kind: TokenKind, pattern: RegExp): boolean {
    pattern.lastIndex = position;
    const match = pattern.exec(text);
    if (match === null || match[0] === "") return false;
    tokens.push({ kind, text: match[0], line });
    line += match[0].split("\n").length - 1;
    position += match[0].length;
    return true;
  }

  function takeTemplate(): void {
    if (take("template", TEMPLATE) && tokens.at(-1)!.text.endsWith("${")) templates.push(0);
  }

  while (position < text.length) {
    const character = text[position];
    if (character === "\n") line++;
    if (/\s/.test(character)) position++;
    else if (character === "/" && take("comment", COMMENT)) continue;
    else if (character === "/" && beginsValue(tokens) && take("regex", REGEX)) continue;
    else if (character === "`") takeTemplate();
    else if (character === "}" && templates.at(-1) === 0) {
      templates.pop();
      takeTemplate();
    } else if (take("string", STRING) || take("number", NUMBER) || take("word", WORD)) continue;
    else {
      if (character === "{" && templates.length > 0) templates[templates.length - 1]++;
      if (character === "}" && templates.length > 0) templates[templates.length - 1]--;
      take("mark", MARK);
    }
  }
  return tokens;
}

function beginsValue(tokens: readonly Token[]): boolean {
  const before = tokens.findLast((token) => token.kind !== "comment");
  if (before === undefined) return true;
  if (before.kind === "word") return BEFORE_VALUE.has(before.text);
  return before.kind === "mark" && ![")", "]", "}"].includes(before.text);
}
