import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDuration, parseDuration, suggestDuration } from "./duration.ts";

Deno.test("a duration is up to four numbers of up to five digits, each with its unit", () => {
  const forms: [string, number][] = [
    ["0s", 0],
    ["250ms", 250],
    ["2s", 2000],
    ["10m", 600_000],
    ["1h30m", 5_400_000],
    ["1h1m1s1ms", 3_661_001],
    ["99999h", 99_999 * 3_600_000],
    // The order and repetition of units are free (GEP-2257 has the same pattern).
    ["1s1h", 3_601_000],
    ["1m1m", 120_000],
  ];
  for (const [text, ms] of forms) assert.equal(parseDuration(text), ms, text);
});

Deno.test("a duration without a unit, with a sign, a fraction or a blank is none", () => {
  const others = ["", "30", "s", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1s\n", "1d", "1S"];
  const long = ["100000s", "1s1s1s1s1s", "1e3s", "0x1s"];
  for (const text of [...others, ...long]) assert.equal(parseDuration(text), null, text);
});

Deno.test("formatDuration writes the shortest text", () => {
  assert.equal(formatDuration(0), "0s");
  assert.equal(formatDuration(250), "250ms");
  assert.equal(formatDuration(60_000), "1m");
  assert.equal(formatDuration(5_400_000), "1h30m");
  assert.equal(formatDuration(86_400_000), "24h");
});

Deno.test("parseDuration reads back what formatDuration wrote", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999 * 3_600_000 }), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms);
    }),
    { seed: 1 },
  );
});

Deno.test("formatDuration takes whole milliseconds of less than 100000 hours only", () => {
  for (const ms of [-1, 0.5, NaN, Infinity, 100_000 * 3_600_000]) {
    assert.throws(() => formatDuration(ms), `${ms}`);
  }
});

Deno.test("suggestDuration knows how people write durations elsewhere", () => {
  const meant: [string, string | null][] = [
    ["30", "30s"],
    ["0", "0s"],
    ["0.5", "500ms"],
    ["1.5h", "1h30m"],
    ["30 s", "30s"],
    ["30S", "30s"],
    ["1h 30m", "1h30m"],
    ["5 minutes", "5m"],
    ["10 secs", "10s"],
    ["200 msec", "200ms"],
    ["2d", "48h"],
    ["1 week", "168h"],
    ["100000s", "27h46m40s"],
    ["100000h", null],
    ["soon", null],
    ["", null],
    ["-2s", null],
    ["5 parsecs", null],
  ];
  for (const [text, suggestion] of meant) assert.equal(suggestDuration(text), suggestion, text);
});

Deno.test("whatever is suggested is a duration", () => {
  const number = fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e9, noNaN: true }));
  const unit = fc.constantFrom("", " ", "s", "ms", "min", "h", "d", "w", "H", "sec", "x");
  fc.assert(
    fc.property(number, unit, (count, unit) => {
      const suggestion = suggestDuration(`${count}${unit}`);
      if (suggestion !== null) assert.notEqual(parseDuration(suggestion), null, suggestion);
    }),
    { seed: 1 },
  );
});
