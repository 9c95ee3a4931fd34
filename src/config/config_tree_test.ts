import assert from "node:assert/strict";
import {
  buildTree,
  childOf,
  type ConfigTree,
  renameKeys,
  stringOf,
  toValue,
} from "./config_tree.ts";
import { DiagnosticList } from "./diagnostic.ts";
import { SourceText } from "./source_text.ts";
import { readYaml } from "./yaml_document.ts";

const ENVIRONMENT = { NUMBER: "7", TRUE: "true", ZEROS: "007", EMPTY: "", TEXT: "a: b # c" };

function read(text: string): { tree: ConfigTree | null; problems: string[] } {
  const diagnostics = new DiagnosticList(new SourceText("f", text));
  const document = readYaml(diagnostics);
  const tree = document && buildTree(document, ENVIRONMENT, diagnostics);
  const problems = diagnostics.sorted().map(({ line, column, message, hint }) =>
    `${line}:${column} ${message}${hint === undefined ? "" : ` -> ${hint}`}`
  );
  return { tree, problems };
}

/** As plain JSON, so that maps without a prototype compare with object literals. */
function valueOf(text: string): unknown {
  const { tree, problems } = read(text);
  assert.deepEqual(problems, []);
  return JSON.parse(JSON.stringify(toValue(tree!, new Set())));
}

function problemsOf(text: string): string[] {
  return read(text).problems;
}

Deno.test("scalars are what YAML 1.2 says they are", () => {
  const text = "[a, 'b', 1, 1.5, 0x10, 1e3, true, False, null, ~, '1', no, 2024-01-02, 1_000]";
  assert.deepEqual(valueOf(text), [
    ...["a", "b", 1, 1.5, 16, 1000, true, false, null, null, "1", "no", "2024-01-02", "1_000"],
  ]);
  assert.deepEqual(valueOf("a: |\n  b\n  c\nd: >\n  e\n  f\n"), { a: "b\nc\n", d: "e f\n" });
});

Deno.test("keys are text as written, whatever they look like", () => {
  assert.deepEqual(valueOf("1.30: a\nno: b\n0x10: c\n~: d\n'1.3': e"), {
    "1.30": "a",
    no: "b",
    "0x10": "c",
    "~": "d",
    "1.3": "e",
  });
});

Deno.test("entries stay in the order of the file, numbers too", () => {
  const { tree } = read("b: 1\n2: 2\na: 3\n1: 4");
  assert.ok(tree?.kind === "map");
  assert.deepEqual([...tree.entries.keys()], ["b", "2", "a", "1"]);
});

Deno.test("each key and value knows its place", () => {
  const { tree } = read("a:\n  - { b: c }\n");
  assert.ok(tree?.kind === "map");
  assert.deepEqual(tree.entries.get("a")!.keySpan, { start: 0, end: 1 });
  const list = childOf(tree, "a");
  assert.ok(list?.kind === "list");
  assert.deepEqual(childOf(list.items[0], "b")?.span, { start: 12, end: 13 });
});

Deno.test("an empty value is shown at its key", () => {
  const { tree } = read("a: 1\nbc:\n");
  assert.deepEqual(childOf(tree!, "bc")?.span, { start: 5, end: 7 });
});

Deno.test("an alias stands for what its anchor holds, the latest of its name", () => {
  assert.deepEqual(valueOf("a: &x [1]\nb: *x\nc: &x 2\nd: *x"), {
    a: [1],
    b: [1],
    c: 2,
    d: 2,
  });
});

Deno.test("an alias inside of its own anchor is an error, and not followed", () => {
  assert.deepEqual(problemsOf("a: &x { b: *x }"), ['1:12 "*x" stands inside its own anchor']);
});

Deno.test("<< merges maps: what the map says itself wins, then what was merged first", () => {
  const base = "x: &x { a: 1, b: 1 }\ny: &y { b: 2, c: 2 }\n";
  const merged = (text: string) => (valueOf(base + text) as { m: unknown }).m;
  assert.deepEqual(merged("m: { <<: *x, a: 0 }"), { a: 0, b: 1 });
  assert.deepEqual(merged("m: { a: 0, <<: *x }"), { a: 0, b: 1 });
  assert.deepEqual(merged("m: { <<: [*x, *y] }"), { a: 1, b: 1, c: 2 });
  assert.deepEqual(merged("m: { <<: { d: 4 } }"), { d: 4 });
  // In quotes it is a key like any other.
  assert.deepEqual(merged("m: { '<<': 1 }"), { "<<": 1 });
});

Deno.test("<< takes maps only", () => {
  assert.deepEqual(problemsOf("m: { <<: a }"), [
    '1:6 "<<" merges maps only -> write "<<: *name"',
  ]);
});

Deno.test("a key that is there twice is an error at the second; merging is no repetition", () => {
  assert.deepEqual(problemsOf("a: 1\nb: 2\na: 3\na: 4"), [
    '3:1 duplicate key "a" -> first defined at line 1',
    '4:1 duplicate key "a" -> first defined at line 1',
  ]);
  assert.deepEqual(problemsOf("1: a\n'1': b"), [
    '2:1 duplicate key "1" -> first defined at line 1',
  ]);
  assert.deepEqual(problemsOf("x: &x { a: 1 }\nm: { a: 2, <<: *x }"), []);
});

Deno.test("keys that objects have a meaning for are refused", () => {
  for (const key of ["__proto__", "constructor", "prototype"]) {
    assert.deepEqual(problemsOf(`${key}: 1`), [`1:1 "${key}" cannot be a key or a name`]);
  }
  assert.deepEqual(valueOf("toString: 1\nhasOwnProperty: 2"), { toString: 1, hasOwnProperty: 2 });
});

Deno.test("a key that is a list or a map, or missing, is an error", () => {
  assert.deepEqual(problemsOf("? [a]\n: b"), ["1:3 a key must be plain text"]);
  assert.deepEqual(problemsOf("{ a: b }: c"), ["1:1 a key must be plain text"]);
  assert.deepEqual(problemsOf(": b"), ['1:1 a key is missing before ":"']);
});

Deno.test("nine aliases of nine aliases of nine stop at the bound, at once", () => {
  const levels = Array.from({ length: 12 }, (_, i) => {
    const item = i === 0 ? "0" : `*l${i - 1}`;
    return `l${i}: &l${i} [${new Array(9).fill(item).join(", ")}]`;
  });
  const began = performance.now();
  const { tree, problems } = read(levels.join("\n"));
  assert.equal(tree, null);
  assert.equal(problems.length, 1);
  assert.match(problems[0], /^5:\d+ aliases stand for more than 50000 values$/);
  assert.ok(performance.now() - began < 2000);
});

Deno.test("maps that merge each other's doubles stop at the bound too", () => {
  const levels = Array.from({ length: 400 }, (_, i) => {
    const merge = i === 0 ? "" : `<<: [*m${i - 1}, *m${i - 1}], `;
    return `m${i}: &m${i} { ${merge}k${i}: 1 }`;
  });
  const { tree, problems } = read(levels.join("\n"));
  assert.equal(tree, null);
  assert.match(problems[0], /aliases stand for more than 50000 values/);
});

Deno.test("a scalar that is one substitution is typed by its value, any other is text", () => {
  assert.deepEqual(valueOf("a: ${NUMBER}\nb: ${TRUE}\nc: ${EMPTY}\nd: ${NONE:-1.5}"), {
    a: 7,
    b: true,
    c: null,
    d: 1.5,
  });
  assert.deepEqual(valueOf("a: ${NUMBER}0\nb: 'x${TRUE}'"), { a: "70", b: "xtrue" });
  // In braces a substitution needs quotes, so quotes do not make it text.
  assert.deepEqual(valueOf('{ a: "${NUMBER}" }'), { a: 7 });
});

Deno.test("a value with zeros in front stays text: no field takes it for a number", () => {
  assert.deepEqual(valueOf("a: ${ZEROS}"), { a: "007" });
});

Deno.test("a substituted value cannot add structure", () => {
  assert.deepEqual(valueOf("a: ${TEXT}\nb: [x, y]"), { a: "a: b # c", b: ["x", "y"] });
});

Deno.test("keys are not substituted", () => {
  assert.deepEqual(valueOf("${NUMBER}: a"), { "${NUMBER}": "a" });
});

Deno.test("stringOf gives text, and what a substitution stands for as text", () => {
  const { tree } = read("a: x\nb: 7\nc: ${NUMBER}\nd: [x]");
  const strings = ["a", "b", "c", "d", "e"].map((key) => stringOf(childOf(tree!, key)));
  assert.deepEqual(strings, ["x", undefined, "7", undefined, undefined]);
});

Deno.test("renameKeys gives keys other names in their places", () => {
  const { tree } = read("x: 1\na:\n  - { b: 1, c: 2 }\ny: 2");
  const renamed = renameKeys(tree!, new Map([["a", "A"], ["a\x000\0b", "B"]]));
  assert.equal(JSON.stringify(toValue(renamed, new Set())), '{"x":1,"A":[{"B":1,"c":2}],"y":2}');
});
