import assert from "node:assert/strict";
import { formatAge } from "./age.ts";

Deno.test("an age is one number, rounded down, and the unit that suits it", () => {
  const [s, m, h, d] = [1000, 60_000, 3_600_000, 86_400_000];
  const shown: [number, string][] = [
    [0, "0s"],
    [999, "0s"],
    [12 * s, "12s"],
    [m - 1, "59s"],
    [m, "1m"],
    [h - 1, "59m"],
    [h, "1h"],
    [2 * d - 1, "47h"],
    [2 * d, "2d"],
    [500 * d, "500d"],
  ];
  for (const [ms, text] of shown) assert.equal(formatAge(ms), text, text);
});

Deno.test("a time to come, as a clock that is set back makes it, is now", () => {
  assert.equal(formatAge(-5000), "0s");
});
