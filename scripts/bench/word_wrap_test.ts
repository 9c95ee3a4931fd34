import { deepStrictEqual } from "node:assert/strict";
import { wrapWords } from "./word_wrap.ts";

Deno.test("a line is filled up to its width, and no further", () => {
  deepStrictEqual(wrapWords("one two three", 7), ["one two", "three"]);
  deepStrictEqual(wrapWords("one two three", 6), ["one", "two", "three"]);
  deepStrictEqual(wrapWords("one", 100), ["one"]);
});

Deno.test("a word that is too long has a line of its own", () => {
  deepStrictEqual(wrapWords("a verylongword b", 5), ["a", "verylongword", "b"]);
});
