import assert from "node:assert/strict";
import fc from "fast-check";
import { findNearest, textDistance } from "./text_distance.ts";

Deno.test("to insert, delete or replace a letter, or to swap two neighbours, is one slip", () => {
  assert.equal(textDistance("weight", "weight"), 0);
  assert.equal(textDistance("weight", "weights"), 1);
  assert.equal(textDistance("weight", "wight"), 1);
  assert.equal(textDistance("weight", "weicht"), 1);
  assert.equal(textDistance("weight", "wieght"), 1);
  assert.equal(textDistance("", "abc"), 3);
  assert.equal(textDistance("kitten", "sitting"), 3);
  // Restricted form: a swapped pair is not edited again ("ca" to "abc" would be 2 without that).
  assert.equal(textDistance("ca", "abc"), 3);
});

const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 });

Deno.test("the distance is symmetric, and zero for equal words only", () => {
  fc.assert(
    fc.property(word, word, (one, other) => {
      assert.equal(textDistance(one, other), textDistance(other, one));
      assert.equal(textDistance(one, other) === 0, one === other);
    }),
    { seed: 1 },
  );
});

Deno.test("a bounded count is exact up to its bound and larger beyond it", () => {
  fc.assert(
    fc.property(word, word, fc.nat(4), (one, other, most) => {
      const exact = textDistance(one, other);
      const bounded = textDistance(one, other, most);
      if (exact <= most) assert.equal(bounded, exact);
      else assert.ok(bounded > most);
    }),
    { seed: 1 },
  );
});

Deno.test("two slips are forgiven, in a word under five letters one", () => {
  const keys = ["listeners", "backends", "bind", "log"];
  assert.equal(findNearest("listners", keys), "listeners");
  assert.equal(findNearest("lstners", keys), "listeners");
  assert.equal(findNearest("lstnrs", keys), null);
  assert.equal(findNearest("bnd", keys), "bind");
  assert.equal(findNearest("bndi", keys), null);
  assert.equal(findNearest("bnid", keys), "bind");
});

Deno.test("case and hyphens are no slips", () => {
  assert.equal(findNearest("HALF-CLOSE", ["half_close"]), "half_close");
});

Deno.test("the nearest is found, of equals the first", () => {
  assert.equal(findNearest("connectt", ["connects", "connect"]), "connects");
  assert.equal(findNearest("timeoutx", ["timeouts", "timeouty"]), "timeouts");
  assert.equal(findNearest("timeout", ["timeouts", "timeout"]), "timeout");
});

Deno.test("a word of one letter is near to nothing, and a text of a page is no misspelling", () => {
  assert.equal(findNearest("a", ["b", "ab"]), null);
  assert.equal(findNearest("", ["a"]), null);
  assert.equal(findNearest("x".repeat(129), ["x".repeat(128)]), null);
  assert.equal(findNearest("x".repeat(128), ["x".repeat(127)]), "x".repeat(127));
});
