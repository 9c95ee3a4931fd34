import { deepStrictEqual, strictEqual } from "node:assert/strict";
import * as figure from "./figure.ts";

Deno.test("times have three digits and the unit that fits", () => {
  deepStrictEqual(
    [0.5, 9.999, 12.34, 123.4, 999, 1234, 99_960, 2_500_000].map(figure.formatMicros),
    ["0.50 µs", "10.0 µs", "12.3 µs", "123 µs", "999 µs", "1.23 ms", "100 ms", "2.50 s"],
  );
});

Deno.test("sizes too, but bytes are whole", () => {
  deepStrictEqual(
    [0, 128.4, -62.5, 1023, 9774, 73_400_320, 5e9].map(figure.formatBytes),
    ["0 B", "128 B", "-62 B", "1023 B", "9.54 KiB", "70.0 MiB", "4.66 GiB"],
  );
});

Deno.test("counts are grouped", () => {
  deepStrictEqual([7, 999.6, 41234, 1e6].map(figure.formatCount), [
    "7",
    "1,000",
    "41,234",
    "1,000,000",
  ]);
});

Deno.test("a ratio that misses its goal of two digits does not look as if it met it", () => {
  strictEqual(figure.formatRatio(0.924), "0.924");
  strictEqual(figure.formatShare(0.0804, 2), "8.04 %");
  strictEqual(figure.formatShare(0.874), "87 %");
});

Deno.test("what is no number is shown as nothing", () => {
  deepStrictEqual(
    [figure.formatMicros(NaN), figure.formatCount(NaN), figure.formatRatio(Infinity)],
    ["-", "-", "-"],
  );
});

Deno.test("a range tells its unit once, and collapses where the ends look the same", () => {
  const range = (min: number, max: number) =>
    figure.formatRange({ median: 0, min, max }, figure.formatMicros);
  strictEqual(range(12.1, 12.9), "12.1-12.9 µs");
  strictEqual(range(900, 1100), "900 µs-1.10 ms");
  strictEqual(range(12.11, 12.12), "12.1 µs");
});
