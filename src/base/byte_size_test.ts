import assert from "node:assert/strict";
import fc from "fast-check";
import { formatByteSize, parseByteSize, suggestByteSize } from "./byte_size.ts";

Deno.test("a size is a whole number with a binary unit", () => {
  const forms: [string, number][] = [
    ["0B", 0],
    ["1B", 1],
    ["4KiB", 4096],
    ["64KiB", 65_536],
    ["1MiB", 1_048_576],
    ["2GiB", 2_147_483_648],
    ["999999999B", 999_999_999],
  ];
  for (const [text, bytes] of forms) assert.equal(parseByteSize(text), bytes, text);
});

Deno.test("a size without a unit, in powers of ten, with a fraction or a blank is none", () => {
  const others = ["", "65536", "KiB", "64k", "64K", "64KB", "64kB", "64kib", "64Kib", "64 KiB"];
  const odd = ["-1KiB", "1.5MiB", "064KiB", "1KiB\n", " 1KiB", "1TiB", "1000000000B", "1e3B"];
  for (const text of [...others, ...odd]) assert.equal(parseByteSize(text), null, text);
});

Deno.test("formatByteSize takes the largest unit that leaves a whole number", () => {
  assert.equal(formatByteSize(0), "0B");
  assert.equal(formatByteSize(1), "1B");
  assert.equal(formatByteSize(1025), "1025B");
  assert.equal(formatByteSize(65_536), "64KiB");
  assert.equal(formatByteSize(3 * 2 ** 20), "3MiB");
  for (const bytes of [-1, 0.5, NaN, 1e9]) assert.throws(() => formatByteSize(bytes), `${bytes}`);
});

Deno.test("parseByteSize reads back what formatByteSize wrote", () => {
  fc.assert(
    fc.property(fc.nat(999_999_999), fc.constantFrom(1, 1024, 2 ** 20), (count, unit) => {
      const bytes = Math.floor(count / unit) * unit;
      assert.equal(parseByteSize(formatByteSize(bytes)), bytes);
    }),
    { seed: 1 },
  );
});

Deno.test("suggestByteSize knows how people write sizes elsewhere", () => {
  const meant: [string, string | null][] = [
    ["65536", "64KiB"],
    ["1000", "1000B"],
    ["0", "0B"],
    ["64k", "64KiB"],
    ["64 KB", "64KiB"],
    ["64kib", "64KiB"],
    ["1m", "1MiB"],
    ["0.5MB", "512KiB"],
    ["1.5 GiB", "1536MiB"],
    ["16 bytes", "16B"],
    ["999999999999", null],
    ["large", null],
    ["", null],
    ["-1k", null],
    ["1 parsec", null],
  ];
  for (const [text, suggestion] of meant) assert.equal(suggestByteSize(text), suggestion, text);
});

Deno.test("whatever is suggested is a size", () => {
  const number = fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e12, noNaN: true }));
  const unit = fc.constantFrom("", " ", "b", "k", "KB", "KiB", "m", " mb", "GiB", "g", "x");
  fc.assert(
    fc.property(number, unit, (count, unit) => {
      const suggestion = suggestByteSize(`${count}${unit}`);
      if (suggestion !== null) assert.notEqual(parseByteSize(suggestion), null, suggestion);
    }),
    { seed: 1 },
  );
});
