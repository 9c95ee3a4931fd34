import assert from "node:assert/strict";
import fc from "fast-check";
import { crc32c, crc32cWithoutField } from "./crc32c.ts";

function sum(bytes: ArrayLike<number>): number {
  return crc32c(Uint8Array.from(bytes), 0, bytes.length);
}

/** An iSCSI read command. */
const READ_COMMAND = [
  ...[0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0],
  ...[0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0],
];

Deno.test("the sums are those of RFC 3720 appendix B.4", () => {
  const ascending = Array.from({ length: 32 }, (_, i) => i);
  assert.equal(sum(new Array(32).fill(0)), 0x8a9136aa);
  assert.equal(sum(new Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(sum(ascending), 0x46dd794e);
  assert.equal(sum(ascending.toReversed()), 0x113fdb5c);
  assert.equal(sum(READ_COMMAND), 0xd9963a56);
});

Deno.test("the sum of the digits is the one by which CRCs are told apart", () => {
  assert.equal(sum(new TextEncoder().encode("123456789")), 0xe3069283);
  assert.equal(sum([]), 0);
});

Deno.test("only the range is summed", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), fc.uint8Array(), (before, part, after) => {
      const all = Uint8Array.from([...before, ...part, ...after]);
      assert.equal(crc32c(all, before.length, before.length + part.length), sum(part));
    }),
  );
});

Deno.test("the field of the sum counts as zeros, whatever is in it", () => {
  const size = { minLength: 4, maxLength: 4 };
  fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(size), fc.uint8Array(), (a, field, b) => {
    const all = Uint8Array.from([...a, ...field, ...b]);
    const zeroed = [...a, 0, 0, 0, 0, ...b];
    assert.equal(crc32cWithoutField(all, 0, all.length, a.length), sum(zeroed));
  }));
});

Deno.test("a range or field outside of the bytes is a fault of the caller", () => {
  const bytes = new Uint8Array(8);
  assert.throws(() => crc32c(bytes, 0, 9), { name: "AssertionFailure" });
  assert.throws(() => crc32c(bytes, 5, 4), { name: "AssertionFailure" });
  assert.throws(() => crc32cWithoutField(bytes, 2, 8, 1), { name: "AssertionFailure" });
  assert.throws(() => crc32cWithoutField(bytes, 0, 8, 5), { name: "AssertionFailure" });
});
