import assert from "node:assert/strict";
import { SourceText } from "./source_text.ts";

Deno.test("an offset is in the line and column that an editor shows", () => {
  const source = new SourceText("f", "ab\ncd\n\ne");
  const places = [0, 1, 2, 3, 5, 6, 7, 8].map((offset) => source.positionAt(offset));
  assert.deepEqual(places.map(({ line, column }) => `${line}:${column}`), [
    ...["1:1", "1:2", "1:3", "2:1", "2:3", "3:1", "4:1", "4:2"],
  ]);
});

Deno.test("what lies outside of the text counts as its nearer end", () => {
  const source = new SourceText("f", "ab\ncd");
  assert.deepEqual(source.positionAt(-5), { line: 1, column: 1 });
  assert.deepEqual(source.positionAt(99), { line: 2, column: 3 });
  assert.deepEqual(new SourceText("f", "").positionAt(0), { line: 1, column: 1 });
});

Deno.test("columns and lengths count characters, not code units", () => {
  const source = new SourceText("f", "😀 ü: x");
  assert.deepEqual(source.positionAt(3), { line: 1, column: 3 });
  assert.equal(source.lengthOf({ start: 0, end: 5 }), 4);
});

Deno.test("a length ends with its first line and is at least one", () => {
  const source = new SourceText("f", "abc\r\ndef");
  assert.equal(source.lengthOf({ start: 1, end: 8 }), 2);
  assert.equal(source.lengthOf({ start: 2, end: 2 }), 1);
});

Deno.test("lines come without their ends, be they LF or CR LF", () => {
  const source = new SourceText("f", "ab\r\ncd\n\n");
  const lines = [1, 2, 3, 4, 5, 0].map((line) => source.lineText(line));
  assert.deepEqual(lines, ["ab", "cd", "", "", null, null]);
});

Deno.test("a byte order mark is no part of the text", () => {
  const source = new SourceText("f", "\ufeffab");
  assert.equal(source.text, "ab");
  assert.deepEqual(source.positionAt(0), { line: 1, column: 1 });
});
