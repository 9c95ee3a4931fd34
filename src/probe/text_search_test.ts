import assert from "node:assert/strict";
import fc from "fast-check";
import { SEARCHED_BYTES_MAX, TextSearch } from "./text_search.ts";

Deno.test("a text is found however it is cut into pieces", () => {
  const letters = fc.constantFrom(97, 98, 255);
  const pieces = fc.array(fc.array(letters, { maxLength: 4 }), { maxLength: 12 });
  fc.assert(fc.property(pieces, fc.array(letters, { minLength: 1, maxLength: 4 }), (said, text) => {
    const wanted = String.fromCharCode(...text);
    const search = new TextSearch(wanted);
    for (const piece of said) search.add(Uint8Array.from(piece));
    assert.equal(search.isFound, String.fromCharCode(...said.flat()).includes(wanted));
  }));
});

Deno.test("only the first 64 KiB are searched, and then it is over", () => {
  const search = new TextSearch("ab");
  search.add(new Uint8Array(SEARCHED_BYTES_MAX - 1));
  assert.equal(search.isOver, false);
  search.add(Uint8Array.of(97, 98));
  assert.equal(search.isOver, true);
  assert.equal(search.isFound, false);
});
