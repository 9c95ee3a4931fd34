import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { checkTree } from "./tidy.ts";
import { type CodeFile, readCodeFile, type Violation } from "./tidy/code_file.ts";
import { checkRanks, checkReachable } from "./tidy/module_graph.ts";
import {
  checkHot,
  checkMetricNames,
  checkPointers,
  checkPure,
  checkStrictNames,
} from "./tidy/practice.ts";
import {
  checkBarrel,
  checkFileName,
  checkFunctions,
  checkHeader,
  checkIdentifiers,
  checkSize,
  checkUnfinished,
} from "./tidy/shape.ts";
import { tokenize } from "./tidy/token.ts";
import { checkTopLevel } from "./tidy/top_level.ts";

type Rule = (file: CodeFile) => Violation[];

function apply(rule: Rule, path: string, text: string): string[] {
  return rule(readCodeFile({ path, text })).map(({ line, message }) => `${line}: ${message}`);
}

function accepts(rule: Rule, path: string, text: string): void {
  deepStrictEqual(apply(rule, path, text), []);
}

/** `text` must be found wrong once, on `line`, with a message that matches. */
function rejects(rule: Rule, path: string, text: string, line: number, message: RegExp): void {
  const violations = apply(rule, path, text);
  strictEqual(violations.length, 1, `expected one violation, got ${JSON.stringify(violations)}`);
  match(violations[0], new RegExp(`^${line}: `));
  match(violations[0], message);
}

function kinds(text: string): string {
  return tokenize(text).map((token) => `${token.kind} ${token.text}`).join(" | ");
}

Deno.test("tokens: comments, strings and regular expressions are one token each", () => {
  strictEqual(kinds(`a // "x"`), `word a | comment // "x"`);
  strictEqual(kinds(`"// no" + '\\''`), `string "// no" | mark + | string '\\''`);
  strictEqual(kinds(`x = /[/"]\\//g;`), `word x | mark = | regex /[/"]\\//g | mark ;`);
  strictEqual(kinds(`a / b / c`), `word a | mark / | word b | mark / | word c`);
  strictEqual(kinds(`return /x/`), `word return | regex /x/`);
});

Deno.test("tokens: code inside a template is code, also with braces and templates in it", () => {
  strictEqual(
    kinds("`a${f({ b: `c${d}` })}e` + g"),
    [
      "template `a${",
      "word f",
      "mark (",
      "mark {",
      "word b",
      "mark :",
      "template `c${",
      "word d",
      "template }`",
      "mark }",
      "mark )",
      "template }e`",
      "mark +",
      "word g",
    ].join(" | "),
  );
});

Deno.test("tokens: lines are counted through comments and templates", () => {
  const tokens = tokenize("/*\n*/ a `\n\n` b\nc");
  deepStrictEqual(tokens.map(({ line }) => line), [1, 2, 2, 4, 5]);
});

Deno.test("functions: declarations, methods and arrows are found, with return types", () => {
  const text = [
    "function a(x: number): { y: number } {",
    "}",
    "class B {",
    "  c(): Map<string, { d: number }> {",
    "    if (x) {",
    "    }",
    "  }",
    "}",
    "const e = (): void => {",
    "};",
    "const f = x ? g(y) : { z: 1 };",
  ].join("\n");
  const spans = readCodeFile({ path: "src/a.ts", text }).functions;
  deepStrictEqual(spans.map(({ firstLine, lastLine }) => `${firstLine}-${lastLine}`), [
    "1-2",
    "4-7",
    "9-10",
  ]);
});

Deno.test("ranks: a file imports its own folder and lower ones only", () => {
  accepts(checkRanks, "src/ring/kernel_ring.ts", `import { a } from "./ring.ts";`);
  accepts(checkRanks, "src/ring/ring.ts", `import { a } from "../base/assert.ts";`);
  accepts(checkRanks, "src/ring/ring.ts", `import { a } from "../../ffi/shim.ts";`);
  accepts(checkRanks, "src/config/parse.ts", `import { parse } from "yaml";`);
  accepts(checkRanks, "src/ring/ring.ts", `// import { a } from "../worker/worker.ts";`);
  const text = `import { b } from "../base/assert.ts";\nimport { a } from "../worker/worker.ts";`;
  rejects(checkRanks, "src/ring/ring.ts", text, 2, /ring must not import worker/);
});

Deno.test("ranks: two folders of one rank do not know each other", () => {
  rejects(checkRanks, "src/tls/tls.ts", `import "../http2/frame.ts";`, 1, /must not import http2/);
});

Deno.test("ranks: types, dynamic imports and passed-on names count as imports", () => {
  const path = "src/base/assert.ts";
  rejects(checkRanks, path, `import type { A } from "../net/ip.ts";`, 1, /import net/);
  rejects(checkRanks, path, `export * from "../net/ip.ts";`, 1, /import net/);
  rejects(checkRanks, path, `await import("../net/ip.ts");`, 1, /import net/);
});

Deno.test("ranks: the program does not know scripts or tests, but they know it", () => {
  rejects(checkRanks, "src/cli/serve.ts", `import "../../scripts/setup.ts";`, 1, /scripts/);
  rejects(checkRanks, "ffi/shim.ts", `import "../src/ring/ring.ts";`, 1, /import ring/);
  accepts(checkRanks, "scripts/bench.ts", `import "../src/cli/serve.ts";`);
  accepts(checkRanks, "src/base/hash_test.ts", `import "../cli/serve.ts";`);
});

Deno.test("ranks: a folder without a rank is named", () => {
  rejects(checkRanks, "src/extra/thing.ts", "", 1, /"extra" has no rank/);
});

Deno.test("reachable: a file that nothing but its own test uses is dead", () => {
  const files = [
    ["src/main.ts", `import "./cli/serve.ts";`],
    ["src/cli/serve.ts", `const worker = "../worker/run.ts";`],
    ["src/worker/run.ts", ""],
    ["src/base/hash.ts", ""],
    ["src/base/hash_test.ts", `import "./hash.ts";`],
    ["src/base/seed.ts", ""],
    ["tests/simulation/run_test.ts", `import "../../src/base/seed.ts"; start("tests/peer.ts");`],
    ["tests/peer.ts", ""],
    ["scripts/bench.ts", `import "./load.ts";`],
    ["scripts/load.ts", ""],
    ["scripts/old.ts", ""],
  ].map(([path, text]) => readCodeFile({ path, text }));
  const config = { path: "deno.json", text: `{"tasks": {"bench": "deno run scripts/bench.ts"}}` };
  const dead = checkReachable(files, config).map(({ path }) => path);
  deepStrictEqual(dead, ["src/base/hash.ts", "scripts/old.ts"]);
});

Deno.test("size: the caps of lines and columns", () => {
  accepts(checkSize, "src/a.ts", "x;\n".repeat(500));
  rejects(checkSize, "src/a.ts", "x;\n".repeat(501), 501, /501 lines, the cap is 500/);
  accepts(checkSize, "src/a.ts", `// ${"é".repeat(97)}`);
  rejects(checkSize, "src/a.ts", `\n// ${"x".repeat(98)}`, 2, /101 columns/);
  accepts(checkSize, "src/a.ts", `  "${"x".repeat(120)}",`);
});

Deno.test("size: a long function is a warning, a very long one an error", () => {
  const text = (lines: number) => `function run() {\n${"  x;\n".repeat(lines - 2)}}\n`;
  accepts(checkFunctions, "src/a.ts", text(70));
  rejects(checkFunctions, "src/a.ts", text(71), 1, /run: 71 lines, about 70 is usual/);
  rejects(checkFunctions, "src/a.ts", text(91), 1, /run: 91 lines, the cap is 90/);
  const warnings = checkFunctions(readCodeFile({ path: "src/a.ts", text: text(71) }));
  strictEqual(warnings[0].warning, true);
});

Deno.test("names: files are nouns in snake_case, and no barrels", () => {
  accepts(checkFileName, "src/ring/kernel_ring_test.ts", "");
  rejects(checkFileName, "src/ring/kernelRing.ts", "", 1, /snake_case/);
  rejects(checkFileName, "src/ring/mod.ts", "", 1, /barrel/);
  rejects(checkFileName, "src/ring/string_utils.ts", "", 1, /"utils" says nothing/);
  rejects(checkBarrel, "src/ring/all.ts", `export { a } from "./a.ts";`, 1, /barrel/);
  accepts(checkBarrel, "src/ring/a.ts", `export { a };\nconst a = 1;`);
});

Deno.test("names: what is exported says what it is", () => {
  const path = "src/a.ts";
  rejects(checkIdentifiers, path, "\nexport class PoolManager {}", 2, /"manager" in "PoolManager"/);
  rejects(checkIdentifiers, path, "export async function getInfo() {}", 1, /"info"/);
  rejects(checkIdentifiers, path, "export const MISC_BYTES = 1;", 1, /"misc"/);
  rejects(checkIdentifiers, path, "export { a as poolImpl };", 1, /"impl"/);
  accepts(checkIdentifiers, path, "const data = 1; export const USER_DATA_LANES = 2;");
  accepts(checkIdentifiers, path, "export type Metadata = 1; export function information() {}");
});

Deno.test("names: no enum, no prefix I", () => {
  rejects(checkIdentifiers, "src/a.ts", "enum Color { Red }", 1, /enum "Color"/);
  rejects(checkIdentifiers, "src/a.ts", "interface IServer {}", 1, /"IServer": drop the prefix/);
  accepts(checkIdentifiers, "src/a.ts", "interface IpRange {} const a = { enum: 1 };");
});

Deno.test("header: a paragraph before the first code", () => {
  const paragraph = "Sixty characters at the least, so that it says what and why it is.";
  accepts(checkHeader, "src/a.ts", `/**\n * ${paragraph}\n */\nconst a = 1;`);
  accepts(checkHeader, "shim/a.c", `/* ${paragraph} */\n#include "shim.h"`);
  rejects(checkHeader, "src/a.ts", `/** Title. */\nconst a = 1;`, 1, /no header/);
  rejects(checkHeader, "src/a.ts", `const a = 1;\n// ${paragraph}`, 1, /no header/);
  accepts(checkHeader, "src/a_test.ts", "const a = 1;");
});

Deno.test("unfinished: marks in comments are found, words in strings are not", () => {
  const mark = ["TO", "DO"].join("");
  rejects(checkUnfinished, "src/a.ts", `/**\n * ${mark}: later\n */`, 2, /finish it/);
  accepts(checkUnfinished, "src/a.ts", `const a = "${mark}"; // ${mark}S are many`);
});

const HOT = "/** @hot */\n";

Deno.test("hot: nothing that leaves the turn or makes garbage for each event", () => {
  const cases: [string, RegExp][] = [
    ["async function f() {}", /"async"/],
    ["await x;", /"await"/],
    ["Promise.resolve();", /"Promise"/],
    ["BigInt(1);", /"BigInt"/],
    ["const a = 0x1Fn;", /BigInt 0x1Fn/],
    ["const a = `x${y}z${w}`;", /a template/],
    ["const a = /x/;", /regular expression/],
    ["JSON.parse(x);", /JSON/],
    ["for (const [a, b] of c) {}", /destructuring/],
    ["a.map(b);", /\.map\(\)/],
    ["a.forEach(b);", /\.forEach\(\)/],
    ["a.filter(b);", /\.filter\(\)/],
    ["f(...a);", /spread/],
    ["function f() { return () => 1; }", /closure/],
    ["class A { f() { g(function () {}); } }", /function made in a function/],
  ];
  for (const [text, message] of cases) {
    rejects(checkHot, "src/a.ts", HOT + text, 2, message);
    accepts(checkHot, "src/a.ts", text);
  }
  accepts(checkHot, "src/a.ts", `${HOT}const f = () => 1; // await\nconst a = "\`"; b.map;`);
});

Deno.test("hot: a cold line, statement or function is exempt, if it says why", () => {
  const path = "src/a.ts";
  accepts(checkHot, path, `${HOT}a.map(b); // cold: at start-up`);
  accepts(checkHot, path, `${HOT}x = a.map( // cold: at start-up\n  () => \`\`,\n);`);
  rejects(checkHot, path, `${HOT}a.map(b); // cold: at start-up\nb.map(c);`, 3, /\.map/);
  accepts(checkHot, path, `${HOT}// cold: at start-up\nthrow new Error(\n  \`\${a}\`,\n);`);
  const functionText = "function f() {\n  if (a) {\n  }\n  a.map(b);\n}";
  accepts(checkHot, path, `${HOT}// cold: at start-up\n${functionText}`);
  rejects(checkHot, path, `${HOT}// cold: why\n${functionText}\nb.map(c);`, 8, /\.map/);
  rejects(checkHot, path, `${HOT}// cold:\na;`, 2, /say why/);
});

Deno.test("pure: rules take time, randomness and I/O as arguments", () => {
  const cases = [
    "Deno.exit();",
    "Date.now();",
    "performance.now();",
    "Math.random();",
    "await x;",
    "setTimeout(f, 1);",
    "new Date();",
    "crypto.getRandomValues(a);",
  ];
  for (const text of cases) {
    rejects(checkPure, "src/balance/a.ts", `\n${text}`, 2, /in balance, which is pure/);
    accepts(checkPure, "src/worker/a.ts", text);
    accepts(checkPure, "src/balance/a_test.ts", text);
  }
  accepts(checkPure, "src/balance/a.ts", "new Date(ms); // Deno.exit()\nlet performance: number;");
});

Deno.test("pointers: only ffi/ has them", () => {
  const text = "Deno.UnsafePointer.of(a);";
  accepts(checkPointers, "ffi/shim.ts", text);
  rejects(checkPointers, "src/ring/ring.ts", text, 1, /Deno\.UnsafePointer outside ffi/);
  rejects(checkPointers, "tests/a_test.ts", "Deno.dlopen(a, b);", 1, /Deno\.dlopen outside/);
});

Deno.test("metrics: names are spelled in one file", () => {
  const text = `const A = "ringway_connections_total";`;
  accepts(checkMetricNames, "src/metrics/metric_names.ts", text);
  rejects(checkMetricNames, "src/worker/worker.ts", text, 1, /metric_names\.ts only/);
  rejects(checkMetricNames, "src/admin/a.ts", "`ringway_${noun}_total`;", 1, /metric_names/);
  accepts(checkMetricNames, "src/worker/worker_test.ts", text);
});

Deno.test("comparison: what is loose when imported by name is not, under any name", () => {
  const path = "src/base/hash_test.ts";
  const from = `from "node:assert/strict";`;
  const cases = [
    ["equal", "strictEqual"],
    ["deepEqual", "deepStrictEqual"],
    ["notEqual", "notStrictEqual"],
    ["notDeepEqual", "notDeepStrictEqual"],
  ];
  for (const [loose, strict] of cases) {
    const message = new RegExp(`: ${loose} imported by name .*loose.*: import ${strict}$`);
    rejects(checkStrictNames, path, `import { ${loose} } ${from}`, 1, message);
    rejects(checkStrictNames, path, `import {\n  match,\n  ${loose},\n} ${from}`, 3, message);
    rejects(checkStrictNames, path, `import assert, { ${loose} as same } ${from}`, 1, message);
    accepts(checkStrictNames, path, `import { ${strict}, match } ${from}`);
    accepts(checkStrictNames, path, `import { ${strict} as ${loose} } ${from}`);
    accepts(checkStrictNames, path, `import { ${loose} } from "./hash.ts";`);
    accepts(checkStrictNames, path, `import assert ${from}\nassert.${loose}(a, b);`);
  }
  const both = checkStrictNames(
    readCodeFile({ path, text: `import { deepEqual, equal } ${from}` }),
  );
  deepStrictEqual(both.map(({ line }) => line), [1, 1]);
});

Deno.test("top level: the known entries, dot files and build output, nothing else", () => {
  const known = ["deno.json", "src", "ffi", "shim", "config", "tests", "scripts", "README.md"];
  deepStrictEqual(checkTopLevel([...known, "LICENSE", ".git", ".ci", "dist"]), []);
  const violations = checkTopLevel([...known, "notes.md"]);
  deepStrictEqual(violations.map(({ path, message }) => `${path}: ${message}`), [
    "LICENSE: missing at the top of the repository",
    "notes.md: does not belong at the top of the repository",
  ]);
});

Deno.test("tree: rules are applied to each kind of file, in order of place", () => {
  const header = `/** ${"A paragraph that says what this is. ".repeat(2)}*/\n`;
  const files = [
    { path: "src/main.ts", text: `${header}import "./base/a.ts";` },
    { path: "src/base/a.ts", text: `${header}await x;\nenum A { B }` },
    { path: "shim/shim.c", text: "int x;" },
    { path: "src/admin/dashboard/thePage.js", text: "x;" },
  ];
  const found = checkTree(files, { path: "deno.json", text: "" });
  deepStrictEqual(found.map(({ path, line }) => `${path}:${line}`), [
    "shim/shim.c:1",
    "src/admin/dashboard/thePage.js:1",
    "src/base/a.ts:2",
    "src/base/a.ts:3",
  ]);
});
