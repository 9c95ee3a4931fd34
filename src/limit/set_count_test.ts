import assert from "node:assert/strict";
import fc from "fast-check";
import { countSets, setsWithin, WAYS } from "./set_count.ts";

Deno.test("sets are the smallest power of two that is not fuller than asked for", () => {
  assert.equal(countSets(1, 4), 1);
  assert.equal(countSets(4, 4), 1);
  assert.equal(countSets(5, 4), 2);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 30 }),
      fc.integer({ min: 1, max: WAYS }),
      (n, per) => {
        const sets = countSets(n, per);
        assert.equal(Math.log2(sets) % 1, 0);
        assert.ok(sets * per >= n);
        assert.ok(sets === 1 || sets / 2 * per < n);
        assert.equal(setsWithin(sets * 24, 24), sets);
      },
    ),
    { seed: 1 },
  );
});

Deno.test("a table of another length is refused", () => {
  for (const floats of [0, 23, 25, 72]) assert.throws(() => setsWithin(floats, 24));
  for (const clients of [0, -1, NaN, 2 ** 31]) assert.throws(() => countSets(clients, 4));
});
