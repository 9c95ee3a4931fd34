/**
 * Rules about the shape of every file: its size, its names, its header, and its comments.
 */
import { type CodeFile, headerText, reads, type Source, type Violation } from "./code_file.ts";

const FILE_LINES_MAX = 500;
const FUNCTION_LINES_USUAL = 70;
const FUNCTION_LINES_MAX = 90;
const COLUMNS_MAX = 100;
/** Shorter than this it is a title, not a paragraph. */
const HEADER_CHARACTERS_MIN = 60;

const FORBIDDEN_WORDS = new Set([
  "manager",
  "managers",
  "helper",
  "helpers",
  "util",
  "utils",
  "common",
  "misc",
  "data",
  "info",
  "impl",
]);

/** Where a standard chose the word: RFC 9113, RFC 8446, the kernel, the name of this part, CLF. */
const STANDARD_NAMES =
  /\b(data frame|frame data|early data|user data|data plane|common log|log info)\b/g;

const FILE_NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*\.[a-z0-9]+$/;
const UNFINISHED = /\b(TODO|FIXME|XXX|HACK)\b/;

export function checkSize(source: Source): Violation[] {
  const { path, text } = source;
  const lines = text.replace(/\n$/, "").split("\n");
  const violations: Violation[] = [];
  if (lines.length > FILE_LINES_MAX) {
    const message = `${lines.length} lines, the cap is ${FILE_LINES_MAX}: split it by noun`;
    violations.push({ path, line: FILE_LINES_MAX + 1, message });
  }
  lines.forEach((text, index) => {
    const columns = Array.from(text).length;
    // What has no space in it cannot be broken: an address, a hash.
    if (columns <= COLUMNS_MAX || !/\s/.test(text.trim())) return;
    violations.push({
      path,
      line: index + 1,
      message: `${columns} columns, the cap is ${COLUMNS_MAX}`,
    });
  });
  return violations;
}

export function checkFunctions(file: CodeFile): Violation[] {
  return file.functions.flatMap(({ name, firstLine, lastLine }) => {
    const lines = lastLine - firstLine + 1;
    if (lines <= FUNCTION_LINES_USUAL) return [];
    const violation = { path: file.path, line: firstLine };
    if (lines > FUNCTION_LINES_MAX) {
      return [{ ...violation, message: `${name}: ${lines} lines, the cap is 90` }];
    }
    const message = `${name}: ${lines} lines, about 70 is usual`;
    return [{ ...violation, message, warning: true as const }];
  });
}

export function checkFileName({ path }: Source): Violation[] {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const violations: Violation[] = [];
  if (!FILE_NAME.test(name)) violations.push({ path, line: 1, message: "not named in snake_case" });
  if (name === "mod.ts" || name === "index.ts") {
    violations.push({ path, line: 1, message: "a barrel: import from the file that defines it" });
  }
  const word = findForbiddenWord(name.replace(/\..*$/, ""));
  if (word !== undefined) {
    violations.push({ path, line: 1, message: `"${word}" says nothing: name what it holds` });
  }
  return violations;
}

export function checkIdentifiers(file: CodeFile): Violation[] {
  const { code, path } = file;
  const violations: Violation[] = [];
  for (const { name, line } of findExports(file)) {
    const word = findForbiddenWord(name);
    if (word === undefined) continue;
    violations.push({
      path,
      line,
      message: `"${word}" in "${name}" says nothing: name what it is`,
    });
  }
  code.forEach((token, index) => {
    const next = code[index + 1];
    const { line } = token;
    if (token.text === "interface" && /^I[A-Z]/.test(next?.text ?? "")) {
      violations.push({ path, line, message: `interface "${next.text}": drop the prefix I` });
    }
    if (token.text === "enum" && next?.kind === "word" && code[index + 2]?.text === "{") {
      const message = `enum "${next.text}": use constants, or an object "as const"`;
      violations.push({ path, line, message });
    }
  });
  return violations;
}

export function checkHeader(file: CodeFile): Violation[] {
  if (file.path.endsWith("_test.ts")) return [];
  if (headerText(file).length >= HEADER_CHARACTERS_MIN) return [];
  const message =
    "no header: begin with a comment of a paragraph that says what this is and why so";
  return [{ path: file.path, line: 1, message }];
}

export function checkUnfinished(file: CodeFile): Violation[] {
  return file.comments.flatMap((comment) =>
    comment.text.split("\n").flatMap((text, offset) => {
      const mark = UNFINISHED.exec(text)?.[0];
      if (mark === undefined) return [];
      const message = `${mark} in a comment: finish it, or open an issue`;
      return [{ path: file.path, line: comment.line + offset, message }];
    })
  );
}

export function checkBarrel(file: CodeFile): Violation[] {
  const { code } = file;
  const declares = code.some((token) =>
    ["function", "class", "const", "let", "type", "interface"].includes(token.text)
  );
  const passesOn = code.some((token, index) =>
    token.text === "export" && (reads(code, index + 1, "*") || reads(code, index + 1, "{"))
  );
  if (declares || !passesOn) return [];
  const message = "a barrel: it only passes on what others define; import from those";
  return [{ path: file.path, line: 1, message }];
}

interface Export {
  readonly name: string;
  readonly line: number;
}

/** Words that may stand between `export` and the name. */
const DECLARING = new Set([
  "default",
  "declare",
  "abstract",
  "async",
  "function",
  "*",
  "class",
  "const",
  "let",
  "type",
  "interface",
  "namespace",
  "enum",
]);

function findExports(file: CodeFile): Export[] {
  const { code } = file;
  const exports: Export[] = [];
  code.forEach((token, start) => {
    if (token.text !== "export") return;
    let index = start + 1;
    while (DECLARING.has(code[index]?.text)) index++;
    if (code[index]?.text !== "{") {
      if (code[index]?.kind === "word") exports.push({ name: code[index].text, line: token.line });
      return;
    }
    for (index++; index < code.length && code[index].text !== "}"; index++) {
      const { kind, text, line } = code[index];
      if (kind === "word" && text !== "as" && text !== "type") exports.push({ name: text, line });
    }
  });
  return exports;
}

function findForbiddenWord(name: string): string | undefined {
  const words = name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? [];
  const rest = words.join(" ").toLowerCase().replace(STANDARD_NAMES, "");
  return rest.split(" ").find((word) => FORBIDDEN_WORDS.has(word));
}
