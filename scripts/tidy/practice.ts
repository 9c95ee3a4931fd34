/**
 * Rules about what code may do where: on the hot path, in the pure folders, with pointers, with
 * metric names, and when it compares in a test.
 *
 * A hot file says `@hot` in its header. In it stands nothing that makes garbage for each event or
 * leaves the turn. What runs only at start-up or on a rare failure is exempt where a comment says
 * so and why: `// cold: why`, at the end of a line, or on a line of its own above a statement or a
 * whole function. At the end of a line that opens a bracket it holds until that bracket closes.
 */
import { type CodeFile, headerText, reads, type Violation } from "./code_file.ts";

const PURE_FOLDERS = new Set([
  "base",
  "net",
  "http",
  "http1",
  "proxy_protocol",
  "limit",
  "balance",
  "health",
  "config",
]);
const ALLOCATING_METHODS = new Set(["map", "forEach", "filter", "flatMap"]);
const METRIC_NAMES_FILE = "src/metrics/metric_names.ts";

export function checkHot(file: CodeFile): Violation[] {
  if (!/(^|\s)@hot\b/.test(headerText(file))) return [];
  const violations: Violation[] = [];
  const cold = findColdLines(file, violations);
  file.code.forEach((token, index) => {
    if (cold.has(token.line)) return;
    const what = findGarbage(file, index);
    if (what === undefined) return;
    const message = `${what} in a @hot file; write it without, or mark it "// cold: why"`;
    violations.push({ path: file.path, line: token.line, message });
  });
  return violations;
}

/** What the token at `index` does that a hot file must not, or undefined. */
function findGarbage(file: CodeFile, index: number): string | undefined {
  const { code } = file;
  const { kind, text } = code[index];
  switch (kind) {
    case "number":
      return /^\d\w*n$/.test(text) ? `the BigInt ${text}` : undefined;
    case "template":
      return text.startsWith("`") ? "a template" : undefined;
    case "regex":
      return `the regular expression ${text}`;
    case "word":
      if (code[index - 1]?.text === ".") {
        const isCall = ALLOCATING_METHODS.has(text) && reads(code, index + 1, "(");
        return isCall ? `.${text}()` : undefined;
      }
      if (["async", "await", "Promise"].includes(text)) return `"${text}"`;
      if (/^(BigInt|BigInt64Array|BigUint64Array)$/.test(text)) return `"${text}"`;
      if (text === "JSON" && reads(code, index + 1, ".")) return "JSON";
      if (text === "function" && isInFunction(file, index)) return "a function made in a function";
      if ((text === "const" || text === "let") && reads(code, index + 1, "[")) {
        return "destructuring of an iterable";
      }
      return undefined;
    case "mark":
      if (text === "...") return "a spread or rest";
      if (text === "=>" && isInFunction(file, index)) return "a closure made in a function";
      return undefined;
  }
}

function isInFunction(file: CodeFile, index: number): boolean {
  return file.functions.some(({ open, close }) => open < index && index < close);
}

/** The lines that a `// cold: why` exempts. One without a reason exempts nothing. */
function findColdLines(file: CodeFile, violations: Violation[]): Set<number> {
  const cold = new Set<number>();
  for (const { text, line } of file.comments) {
    const reason = /^\/\/ *cold\b:?(.*)/.exec(text)?.[1];
    if (reason === undefined) continue;
    if (reason.trim() === "") {
      const message = 'say why: "// cold: runs once, at start-up"';
      violations.push({ path: file.path, line, message });
    } else {
      const [first, last] = findColdSpan(file, line);
      for (let at = first; at <= last; at++) cold.add(at);
    }
  }
  return cold;
}

/**
 * The first and last line that a comment on `line` speaks of: from the code on that line to where
 * its brackets are closed, or, where there is no code, the next statement, function or class.
 */
function findColdSpan(file: CodeFile, line: number): [number, number] {
  const start = file.code.findIndex((token) => token.line >= line);
  if (start < 0) return [line, line];
  const trails = file.code[start].line === line;
  let depth = 0;
  let index = start;
  for (; index < file.code.length - 1; index++) {
    const { kind, text } = file.code[index];
    const isMark = kind === "mark";
    if (isMark && "([{".includes(text)) depth++;
    if (isMark && ")]}".includes(text)) depth--;
    if (depth > 0) continue;
    const endsStatement = isMark && (text === ";" || text === "}");
    const endsLine = file.code[index + 1].line > line;
    if (depth < 0 || (trails ? endsLine : endsStatement)) break;
  }
  return [file.code[start].line, file.code[index].line];
}

/** What makes a function more than one of its arguments. */
const IMPURE: readonly (readonly string[])[] = [
  ["Deno"],
  ["performance"],
  ["crypto"],
  ["console"],
  ["fetch"],
  ["Date", ".", "now"],
  ["new", "Date", "(", ")"],
  ["Math", ".", "random"],
  ["setTimeout"],
  ["setInterval"],
  ["setImmediate"],
  ["queueMicrotask"],
  ["async"],
  ["await"],
  ["Promise"],
];

export function checkPure(file: CodeFile): Violation[] {
  const [top, folder] = file.path.split("/");
  if (top !== "src" || !PURE_FOLDERS.has(folder) || file.isTest) return [];
  return file.code.flatMap((token, index) => {
    const isProperty = file.code[index - 1]?.text === "." || file.code[index + 1]?.text === ":";
    const found = IMPURE.find((texts) => reads(file.code, index, ...texts));
    if (found === undefined || token.kind !== "word" || isProperty) return [];
    const message = `"${found.join("").replace("new", "new ")}" in ${folder}, which is pure: ` +
      `pass time, randomness and results of I/O in`;
    return [{ path: file.path, line: token.line, message }];
  });
}

const POINTERS = new Set([
  "UnsafePointer",
  "UnsafePointerView",
  "UnsafeFnPointer",
  "UnsafeCallback",
  "dlopen",
]);

/** The scripts are left out: they build the library, and their tests open what they built. */
export function checkPointers(file: CodeFile): Violation[] {
  if (!/^(src|tests)\//.test(file.path)) return [];
  return file.code.flatMap((token, index) => {
    const name = file.code[index + 2]?.text;
    if (!reads(file.code, index, "Deno", ".") || !POINTERS.has(name)) return [];
    const message = `Deno.${name} outside ffi/: above it memory is a Uint8Array with one owner`;
    return [{ path: file.path, line: token.line, message }];
  });
}

export function checkMetricNames(file: CodeFile): Violation[] {
  const spellsThem = file.path === METRIC_NAMES_FILE || file.isTest;
  if (spellsThem || !/^(src|ffi)\//.test(file.path)) return [];
  return file.code.flatMap(({ kind, text, line }) => {
    if (kind !== "string" && kind !== "template" || !text.slice(1).startsWith("ringway_")) {
      return [];
    }
    const message = `${text}: metric names are spelled in ${METRIC_NAMES_FILE} only`;
    return [{ path: file.path, line, message }];
  });
}

/** What compares with "==" if imported by name, and what to write for it. */
const STRICT_NAMES = new Map([
  ["equal", "strictEqual"],
  ["deepEqual", "deepStrictEqual"],
  ["notEqual", "notStrictEqual"],
  ["notDeepEqual", "notDeepStrictEqual"],
]);

/** Only the default export of "node:assert/strict" is strict in this runtime under every name. */
export function checkStrictNames(file: CodeFile): Violation[] {
  const { code, path } = file;
  return code.flatMap(({ text: module }, from) => {
    if (module !== `"node:assert/strict"` || !reads(code, from - 2, "}", "from")) return [];
    const open = code.findLastIndex(({ text }, index) => index < from && text === "{");
    return code.slice(open, from).flatMap(({ text, line }, offset) => {
      const strict = STRICT_NAMES.get(text);
      const isImported = ["{", ","].includes(code[open + offset - 1]?.text);
      if (strict === undefined || !isImported) return [];
      const message = `${text} imported by name from ${module} is loose in this runtime, ` +
        `1 is "1" to it: import ${strict}`;
      return [{ path, line, message }];
    });
  });
}
