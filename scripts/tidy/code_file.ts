/**
 * A file as the rules see it: its text, its tokens, its functions, and what is wrong with it.
 *
 * Rules are pure functions over such files, so that a test can show each of them a file that breaks
 * it without a tree on disk.
 */
import { type Token, tokenize } from "./token.ts";

/** A file of the project, the path relative to the root: "src/ring/ring.ts". */
export interface Source {
  readonly path: string;
  readonly text: string;
}

export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
  /** Worth a look, but does not fail the check. */
  readonly warning?: true;
}

export interface FunctionSpan {
  readonly name: string;
  readonly firstLine: number;
  readonly lastLine: number;
  /** Indices into `code` of the braces around the body. */
  readonly open: number;
  readonly close: number;
}

export interface CodeFile extends Source {
  /** Tokens without comments. */
  readonly code: readonly Token[];
  readonly comments: readonly Token[];
  readonly functions: readonly FunctionSpan[];
  readonly isTest: boolean;
}

export function readCodeFile(source: Source): CodeFile {
  const tokens = tokenize(source.text);
  const code = tokens.filter((token) => token.kind !== "comment");
  return {
    ...source,
    code,
    comments: tokens.filter((token) => token.kind === "comment"),
    functions: findFunctions(code),
    isTest: source.path.endsWith("_test.ts") || source.path.startsWith("tests/"),
  };
}

/** True if the tokens from `index` on read exactly `texts`. */
export function reads(code: readonly Token[], index: number, ...texts: string[]): boolean {
  return texts.every((text, offset) => code[index + offset]?.text === text);
}

/** The comments before the first code, as plain text. */
export function headerText(file: CodeFile): string {
  const firstLine = file.code[0]?.line ?? Infinity;
  return file.comments
    .filter((comment) => comment.line < firstLine)
    .map((comment) => comment.text.replace(/^\s*(\/\*+|\*+\/|\*|\/\/)/gm, "").trim())
    .join(" ");
}

/** Words that stand before a parenthesis and a block without being a function's name. */
const CONTROL_WORDS = new Set(["if", "for", "while", "switch", "catch", "with", "await"]);

function findFunctions(code: readonly Token[]): FunctionSpan[] {
  const closing = matchBrackets(code);
  const spans: FunctionSpan[] = [];
  for (let index = 0; index < code.length; index++) {
    const before = code[index - 1];
    let open = -1;
    if (code[index].text === "=>" && code[index + 1]?.text === "{") open = index + 1;
    if (code[index].text === "(" && !CONTROL_WORDS.has(before?.text)) {
      const after = skipReturnType(code, closing, (closing.get(index) ?? index) + 1);
      if (code[after]?.text === "{") open = after;
    }
    const close = closing.get(open);
    if (close === undefined) continue;
    const name = before?.kind === "word" ? before.text : "function";
    const firstLine = (before ?? code[index]).line;
    spans.push({ name, firstLine, lastLine: code[close].line, open, close });
  }
  return spans;
}

/** For the index of each opening bracket the index of its closing one. */
function matchBrackets(code: readonly Token[]): Map<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  code.forEach((token, index) => {
    if (token.kind !== "mark") return;
    if ("([{".includes(token.text)) open.push(index);
    if (")]}".includes(token.text) && open.length > 0) closing.set(open.pop()!, index);
  });
  return closing;
}

/** Marks and words after which a type goes on, so that a brace there is not a function's body. */
const TYPE_GOES_ON = new Set(
  [":", "|", "&", "=>", "<", ".", "is", "asserts", "keyof", "typeof", "readonly", "extends"],
);

function skipReturnType(
  code: readonly Token[],
  closing: ReadonlyMap<number, number>,
  start: number,
): number {
  if (code[start]?.text !== ":") return start;
  let index = start + 1;
  let angles = 0;
  while (index < code.length) {
    const { text } = code[index];
    const goesOn = angles > 0 || TYPE_GOES_ON.has(code[index - 1].text);
    if (text === "{" && !goesOn) return index;
    if (!goesOn && [";", "=", ")", "}", ","].includes(text)) return index;
    if (text === "<") angles++;
    if (text === ">") angles--;
    index = (closing.get(index) ?? index) + 1;
  }
  return index;
}
