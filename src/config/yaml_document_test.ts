import assert from "node:assert/strict";
import { problemsOf } from "./test_reading.ts";

const GOOD = "listeners:\n  web: { bind: ':80', backend: app }\nbackends:\n  app: [a:1]\n";

Deno.test("one document is read, with its marks and a byte order mark", () => {
  assert.deepEqual(problemsOf(`\ufeff%YAML 1.2\n---\n${GOOD}...\n`), []);
  assert.deepEqual(problemsOf(GOOD.replaceAll("\n", "\r\n")), []);
});

Deno.test("JSON is YAML", () => {
  const json = JSON.stringify({
    listeners: { web: { bind: ":80", backend: "app" } },
    backends: { app: ["a:1"] },
  });
  assert.deepEqual(problemsOf(json), []);
});

Deno.test("a second document is refused", () => {
  assert.deepEqual(problemsOf(`${GOOD}---\n${GOOD}`), [
    '5:1 a second document begins here -> remove the "---"',
  ]);
});

Deno.test("directives are refused but for the version that is read", () => {
  const problem = "1:1 YAML directives are not read -> remove this line";
  assert.deepEqual(problemsOf(`%YAML 1.1\n---\n${GOOD}`), [problem]);
  assert.deepEqual(problemsOf(`%TAG ! tag:x,2000:\n---\n${GOOD}`), [problem]);
});

Deno.test("tags of programs are refused", () => {
  assert.deepEqual(problemsOf(`${GOOD}x-a: !Ref b\n`), [
    '5:6 "!" starts a YAML tag, which is not read -> quote it: "!Ref b"',
  ]);
});

Deno.test("control characters are refused, first of all", () => {
  assert.deepEqual(problemsOf(`${GOOD}# \x00 [`), [
    "5:3 the file holds the control character \\x00 -> is it text?",
  ]);
});

Deno.test("a file of more than a megabyte is not read", () => {
  assert.deepEqual(problemsOf(`# ${"x".repeat(1 << 20)}`), ["1:1 the file is larger than 1 MiB"]);
});

Deno.test("a file that nests too deep, or holds too much, is told where", () => {
  assert.deepEqual(problemsOf(`x-a: ${"[".repeat(5000)}`), [
    "1:44 the file nests too deep from here on",
  ]);
  const [problem] = problemsOf("x-a: 1\n".repeat(50_000));
  assert.match(problem, /^\d+:\d+ the file holds too many keys and values from here on$/);
});

function many(count: number, item: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => item(i)).join("");
}

/** Texts on which one step or another once took many seconds, or would if written plainly. */
const HEAVY: Readonly<Record<string, string>> = {
  comments: "#c\n".repeat(45_000),
  missingCommas: `a: [\n${'"a"\n'.repeat(12_000)}]\n`,
  openQuotes: "a: 'b\n".repeat(8000),
  openSubstitutions: `a: "${"${".repeat(300_000)}"\n`,
  unknownBackends: `listeners: {${many(2500, (i) => `a${i}: { backend: x${i} }, `)}}\n` +
    `backends: {${many(2500, (i) => `y${i}: [], `)}}\n`,
  misspeltKeys: `listeners:\n${many(2000, (i) => `  a${i}: { bnd: ":80", backen: b }\n`)}`,
  misspeltInMisspelt: `listners:\n${
    many(
      1500,
      (i) =>
        `  a${i}: { bnd: 1, sockt: { kepalive: { idl: 5 } }, ruotes: [{ mtch: { sn: x } }] }\n`,
    )
  }`,
  wideRanges: `listeners:\n${many(2500, (i) => `  a${i}: { bind: [":1-1024", ":1-1024"] }\n`)}`,
  deepBlocks: many(1000, (i) => `${" ".repeat(i)}a:\n`),
  longKey: `${"a".repeat(1_000_000)}: 1`,
};

for (const [name, text] of Object.entries(HEAVY)) {
  Deno.test(`a heavy file is refused soon: ${name}`, () => {
    const began = performance.now();
    assert.notEqual(problemsOf(text).length, 0);
    const ms = performance.now() - began;
    // A tenth to one second on a quiet machine; what it guards against takes many.
    assert.ok(ms < 5000, `${ms} ms`);
  });
}
