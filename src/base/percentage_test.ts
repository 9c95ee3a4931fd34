import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePercentage, suggestPercentage } from "./percentage.ts";

Deno.test("a percentage is a number from 0 to 100 with its sign", () => {
  const forms: [string, number][] = [
    ["0%", 0],
    ["1%", 0.01],
    ["7%", 0.07],
    ["50%", 0.5],
    ["99%", 0.99],
    ["100%", 1],
    ["2.5%", 0.025],
    ["0.5%", 0.005],
    ["0.0001%", 0.000001],
    ["99.9999%", 0.999999],
    ["100.0%", 1],
  ];
  for (const [text, share] of forms) assert.equal(parsePercentage(text), share, text);
});

Deno.test("without its sign, out of range or in another form it is none", () => {
  const range = ["101%", "100.1%", "1000%", "-1%", "-0%", "+5%"];
  const form = ["", "%", "50", "0.5", "50 %", " 50%", "50%\n", "050%", "00%", "5e1%", "NaN%"];
  const decimals = [".5%", "5.%", "2,5%", "1.23456%", "1.2.3%", "50%%", "percent", "50pct"];
  for (const text of [...range, ...form, ...decimals]) {
    assert.equal(parsePercentage(text), null, text);
  }
});

Deno.test("suggestPercentage knows how people write percentages elsewhere", () => {
  const meant: [string, string | null][] = [
    ["50", "50%"],
    ["50 %", "50%"],
    [" 50% ", "50%"],
    ["050%", "50%"],
    ["50 percent", "50%"],
    ["50pct", "50%"],
    ["2,5%", "2.5%"],
    [".5%", "0.5%"],
    ["5.%", "5%"],
    ["0.5", "50%"],
    ["0.07", "7%"],
    ["1", "100%"],
    ["1.0", "100%"],
    ["1 %", "1%"],
    ["0", "0%"],
    ["1.25", "1.25%"],
    ["1.23456%", "1.2346%"],
    ["150", null],
    ["-5", null],
    ["half", null],
    ["%", null],
    ["", null],
  ];
  for (const [text, suggestion] of meant) assert.equal(suggestPercentage(text), suggestion, text);
});

Deno.test("whatever is suggested is a percentage", () => {
  const parts = fc.constantFrom("0", "1", "5", "100", " ", ".", ",", "%", "percent", "pct", "-");
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 6 }), (words) => {
      const suggestion = suggestPercentage(words.join(""));
      if (suggestion !== null) assert.notEqual(parsePercentage(suggestion), null, suggestion);
    }),
    { seed: 1, numRuns: 2000 },
  );
});

Deno.test("a percentage is the very number that a quotient of counts gives", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1_000_000 }), (tenThousandths) => {
      const share = parsePercentage(`${tenThousandths / 10_000}%`);
      assert.equal(share, tenThousandths / 1_000_000);
    }),
    { seed: 1 },
  );
});
