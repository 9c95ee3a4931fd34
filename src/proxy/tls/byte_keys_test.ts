import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteKeys } from "./byte_keys.ts";

/** Short, from few bytes: many of them are equal, or begin alike. */
const KEY = fc.array(fc.nat(2), { maxLength: 4 }).map((bytes) => Uint8Array.from(bytes));

Deno.test("a key has its number wherever its bytes stand, other bytes have none", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(KEY, { selector: String, maxLength: 60 }),
      fc.array(KEY, { maxLength: 30 }),
      fc.nat(5),
      (keys, others, before) => {
        const table = new ByteKeys(keys);
        assert.equal(table.count, keys.length);
        for (const sought of [...keys, ...others]) {
          const bytes = new Uint8Array(before + sought.length + 3).fill(1);
          bytes.set(sought, before);
          const expected = keys.findIndex((key) => String(key) === String(sought));
          assert.equal(table.find(bytes, before, before + sought.length), expected);
        }
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("without keys nothing is found", () => {
  const table = new ByteKeys([]);
  assert.equal(table.find(new Uint8Array(3), 0, 3), -1);
  assert.equal(table.find(new Uint8Array(3), 1, 1), -1);
});

Deno.test("the same key twice is refused", () => {
  assert.throws(() => new ByteKeys([Uint8Array.of(1, 2), Uint8Array.of(1, 2)]), /differ/);
});
