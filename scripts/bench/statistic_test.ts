import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { compareWithPeers, median, rotate, spreadOf } from "./statistic.ts";

Deno.test("the median is the middle, or between the two in the middle", () => {
  strictEqual(median([9, 1, 5]), 5);
  strictEqual(median([4, 1, 3, 2]), 2.5);
  strictEqual(median([7]), 7);
  ok(Number.isNaN(median([])));
});

Deno.test("a spread has the ends", () => {
  deepStrictEqual(spreadOf([3, 10, 1]), { median: 3, min: 1, max: 10 });
});

Deno.test("the ratio is to the peer with the smaller median", () => {
  const found = compareWithPeers([8, 9, 10], { slow: [20, 20, 20], fast: [10, 10, 40] });
  strictEqual(found.peer, "fast");
  deepStrictEqual(found.ratio, { median: 0.9, min: 0.25, max: 0.9 });
});

Deno.test("rounds rotate", () => {
  deepStrictEqual([0, 1, 2, 3].map((round) => rotate(["a", "b", "c"], round).join("")), [
    "abc",
    "bca",
    "cab",
    "abc",
  ]);
});
