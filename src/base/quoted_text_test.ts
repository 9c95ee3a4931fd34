import assert from "node:assert/strict";
import fc from "fast-check";
import { makePrintable, quoteText } from "./quoted_text.ts";

Deno.test("plain text is put in quotes, quotes and backslashes are escaped", () => {
  assert.equal(quoteText("app"), '"app"');
  assert.equal(quoteText(""), '""');
  assert.equal(quoteText('a"b\\c'), '"a\\"b\\\\c"');
  assert.equal(quoteText("bücher 本 😀"), '"bücher 本 😀"');
});

Deno.test("line ends, tabs and what a terminal would obey are shown as escapes", () => {
  assert.equal(quoteText("a\nb\tc"), '"a\\nb\\tc"');
  assert.equal(quoteText("\x1b[31m\x00"), '"\\u{1b}[31m\\u{0}"');
  // Writing direction, a zero-width space, a line separator, half of a surrogate pair.
  const invisible = "\u202e\u200b\u2028\ud800";
  assert.equal(quoteText(invisible), '"\\u{202e}\\u{200b}\\u{2028}\\u{d800}"');
});

Deno.test("a space that is not the space is shown: it looks as if nothing were wrong", () => {
  assert.equal(quoteText("\u00a0bind x"), '"\\u{a0}bind x"');
});

Deno.test("sixty characters are shown whole, of more the first 57 and dots", () => {
  assert.equal(quoteText("x".repeat(60)), `"${"x".repeat(60)}"`);
  assert.equal(quoteText("x".repeat(61)), `"${"x".repeat(57)}..."`);
  // Characters are counted, not code units: no pair is cut in half.
  assert.equal(quoteText("😀".repeat(60)), `"${"😀".repeat(60)}"`);
  assert.equal(quoteText("😀".repeat(61)), `"${"😀".repeat(57)}..."`);
});

const anyText = fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units));

Deno.test("whatever is quoted stays on one line and moves no cursor", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.doesNotMatch(quoteText(text), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    }),
    { seed: 1 },
  );
});

Deno.test("makePrintable keeps the width, so that a caret below stays right", () => {
  assert.equal(makePrintable("\ta\x1bb\u00a0c"), " a\ufffdb\ufffdc");
  fc.assert(
    fc.property(anyText, (text) => {
      const printable = makePrintable(text);
      assert.equal(Array.from(printable).length, Array.from(text).length);
      assert.doesNotMatch(printable, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    }),
    { seed: 1 },
  );
});
