import assert from "node:assert/strict";
import { countDiagnostics, DiagnosticList, renderDiagnostics } from "./diagnostic.ts";
import { SourceText } from "./source_text.ts";

const TEXT = "one: 1\ntwo: 2\n\nlast: x";

function listOf(text = TEXT): DiagnosticList {
  return new DiagnosticList(new SourceText("f.yaml", text));
}

Deno.test("a diagnostic is shown as file:line:column with its line, a caret and a hint", () => {
  const list = listOf();
  list.error({ start: 12, end: 13 }, "two must be 1", "write 1");
  list.warning({ start: 0, end: 3 }, "one is used by nobody");
  const expected = [
    "f.yaml:1:1: warning: one is used by nobody",
    "    1 | one: 1",
    "      | ^^^",
    "f.yaml:2:6: two must be 1",
    "    2 | two: 2",
    "      |      ^ write 1",
    "1 error, 1 warning",
    "",
  ];
  assert.deepEqual(renderDiagnostics(list.sorted(), "text", TEXT).split("\n"), expected);
});

Deno.test("they are sorted by position, and of one position in the order they were found", () => {
  const list = listOf();
  list.error({ start: 7, end: 8 }, "third");
  list.error({ start: 0, end: 1 }, "first");
  list.warning({ start: 0, end: 1 }, "second");
  assert.deepEqual(list.sorted().map(({ message }) => message), ["first", "second", "third"]);
});

Deno.test("the same of the same place is said once", () => {
  const list = listOf();
  list.error({ start: 0, end: 1 }, "no");
  list.error({ start: 0, end: 3 }, "no");
  list.error({ start: 0, end: 1 }, "no, really");
  list.error({ start: 1, end: 2 }, "no");
  assert.equal(list.sorted().length, 3);
});

Deno.test("only an error makes a list fail", () => {
  const list = listOf();
  list.warning({ start: 0, end: 1 }, "hm");
  assert.equal(list.hasErrors, false);
  list.error({ start: 0, end: 1 }, "no");
  assert.equal(list.hasErrors, true);
});

Deno.test("a line with nothing on it is not shown, the hint is", () => {
  const list = listOf();
  list.error({ start: 14, end: 14 }, "something is missing", "write it");
  assert.equal(
    renderDiagnostics(list.sorted(), "text", TEXT),
    "f.yaml:3:1: something is missing\n      | write it\n1 error\n",
  );
});

Deno.test("a wide line is cut around the caret", () => {
  const text = `${"a".repeat(200)}!${"b".repeat(200)}`;
  const list = listOf(text);
  list.error({ start: 200, end: 201 }, "no");
  const [, line, caret] = renderDiagnostics(list.sorted(), "text", text).split("\n");
  assert.equal(line.length, "    1 | ".length + 120);
  assert.equal(line[caret.indexOf("^")], "!");
});

Deno.test("the caret stands below its character whatever is before it", () => {
  const text = "\tü😀\x1b: x";
  const list = listOf(text);
  list.error({ start: text.length - 1, end: text.length }, "no");
  const [, line, caret] = renderDiagnostics(list.sorted(), "text", text).split("\n");
  assert.equal(Array.from(line)[caret.indexOf("^")], "x");
  assert.ok(!line.includes("\x1b") && !line.includes("\t"));
});

Deno.test("the caret never leaves the line it is under", () => {
  const text = "a".repeat(400);
  const list = listOf(text);
  list.error({ start: 0, end: 400 }, "all of it");
  list.error({ start: 390, end: 400 }, "its end");
  const lines = renderDiagnostics(list.sorted(), "text", text).split("\n");
  for (const [line, caret] of [[lines[1], lines[2]], [lines[4], lines[5]]]) {
    assert.equal(caret.length, line.length);
  }
});

Deno.test("people see the first twenty, programs all, and a thousand are kept", () => {
  const list = listOf();
  for (let i = 0; i < 1500; i++) list.error({ start: 0, end: 1 }, `number ${i}`);
  const sorted = list.sorted();
  assert.equal(sorted.length, 1000);
  const text = renderDiagnostics(sorted, "text", TEXT);
  assert.ok(text.includes("number 19\n") && !text.includes("number 20\n"));
  assert.ok(text.endsWith("1000 errors (the first 20 are shown)\n"));
  assert.equal(JSON.parse(renderDiagnostics(sorted, "json", TEXT)).diagnostics.length, 1000);
});

Deno.test("as JSON each has its place, and the counts stand on top", () => {
  const list = listOf();
  list.error({ start: 12, end: 13 }, "two must be 1", "write 1");
  assert.deepEqual(JSON.parse(renderDiagnostics(list.sorted(), "json", TEXT)), {
    errors: 1,
    warnings: 0,
    diagnostics: [{
      severity: "error",
      file: "f.yaml",
      line: 2,
      column: 6,
      length: 1,
      message: "two must be 1",
      hint: "write 1",
    }],
  });
  assert.deepEqual(JSON.parse(renderDiagnostics([], "json", TEXT)), {
    errors: 0,
    warnings: 0,
    diagnostics: [],
  });
});

Deno.test("for GitHub each is one line of its workflow commands", () => {
  const list = new DiagnosticList(new SourceText("a,b:c.yaml", TEXT));
  list.error({ start: 12, end: 13 }, "100% wrong\nreally", "write 1");
  assert.equal(
    renderDiagnostics(list.sorted(), "github", TEXT),
    "::error file=a%2Cb%3Ac.yaml,line=2,col=6,endColumn=7::100%25 wrong%0Areally%0Awrite 1\n",
  );
  assert.equal(renderDiagnostics([], "github", TEXT), "");
});

Deno.test("counts leave out what there is none of", () => {
  const list = listOf();
  assert.equal(countDiagnostics(list.sorted()), "no errors");
  list.warning({ start: 0, end: 1 }, "hm");
  assert.equal(countDiagnostics(list.sorted()), "1 warning");
  list.error({ start: 0, end: 1 }, "no");
  list.error({ start: 1, end: 2 }, "no");
  assert.equal(countDiagnostics(list.sorted()), "2 errors, 1 warning");
});
