import assert from "node:assert/strict";
import fc from "fast-check";
import { parseRate, suggestRate } from "./rate.ts";

Deno.test("a rate is a whole number per second, minute or hour", () => {
  const forms: [string, number][] = [
    ["1/s", 1],
    ["100/s", 100],
    ["6000/m", 100],
    ["90/m", 1.5],
    ["1/h", 1 / 3600],
    ["999999999/s", 999_999_999],
  ];
  for (const [text, perSecond] of forms) assert.equal(parseRate(text), perSecond, text);
});

Deno.test("a rate without a unit, of zero, with a fraction or a blank is none", () => {
  const others = ["", "100", "/s", "0/s", "-1/s", "1.5/s", "100 /s", "100/ s", "100/s\n", "100/d"];
  const odd = ["100/S", "0100/s", "1000000000/s", "100/10s", "1e3/s"];
  for (const text of [...others, ...odd]) assert.equal(parseRate(text), null, text);
});

Deno.test("suggestRate knows how people write rates elsewhere", () => {
  const meant: [string, string | null][] = [
    ["100", "100/s"],
    ["100r/s", "100/s"],
    ["30r/m", "30/m"],
    ["100 / s", "100/s"],
    ["100/sec", "100/s"],
    ["100 per second", "100/s"],
    ["100rps", "100/s"],
    ["100 cps", "100/s"],
    ["5/min", "5/m"],
    ["60 per Hour", "60/h"],
    ["0100/s", "100/s"],
    ["0/s", null],
    ["0", null],
    ["100/10s", null],
    ["1.5/s", null],
    ["fast", null],
    ["", null],
  ];
  for (const [text, suggestion] of meant) assert.equal(suggestRate(text), suggestion, text);
});

Deno.test("whatever is suggested is a rate", () => {
  const parts = fc.constantFrom("0", "1", "100", " ", "/", "r", "per", "s", "sec", "m", "h", "d");
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 5 }), (words) => {
      const suggestion = suggestRate(words.join(""));
      if (suggestion !== null) assert.notEqual(parseRate(suggestion), null, suggestion);
    }),
    { seed: 1, numRuns: 2000 },
  );
});
