import assert from "node:assert/strict";
import fc from "fast-check";
import { parseShareRate, suggestShareRate } from "./share_rate.ts";

Deno.test("a percentage per unit of time is a share per second", () => {
  assert.equal(parseShareRate("1%/s"), 0.01);
  assert.equal(parseShareRate("60%/m"), 0.01);
  assert.equal(parseShareRate("100%/h"), 1 / 3600);
  assert.equal(parseShareRate("0.5%/s"), 0.005);
});

Deno.test("without a sign, a unit or anything above zero it is none", () => {
  for (const text of ["1%", "1/m", "1", "0%/s", "0.0%/h", "101%/s", "1%/d", "1% /m", "%/s", ""]) {
    assert.equal(parseShareRate(text), null, text);
  }
});

Deno.test("what was probably meant is suggested", () => {
  assert.equal(suggestShareRate("1%"), "1%/m");
  assert.equal(suggestShareRate("1 % per minute"), "1%/m");
  assert.equal(suggestShareRate("5/h"), "5%/h");
  assert.equal(suggestShareRate("0.5 percent/sec"), "0.5%/s");
  for (const text of ["0%/m", "all", "1%/week", "500%/m", ""]) {
    assert.equal(suggestShareRate(text), null, text);
  }
});

Deno.test("what is suggested is a share per unit of time", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    const suggestion = suggestShareRate(text);
    if (suggestion !== null) assert.notEqual(parseShareRate(suggestion), null);
  }));
});
