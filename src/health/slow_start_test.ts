import assert from "node:assert/strict";
import fc from "fast-check";
import { SHARE_FULL, slowStartShare, wholeShare } from "./slow_start.ts";

Deno.test("without a slow start the share is full at once", () => {
  assert.equal(slowStartShare(0, 0), 1);
  assert.equal(slowStartShare(Infinity, 0), 1);
});

Deno.test("a share begins at a tenth, follows the part of the time, and ends at one", () => {
  const shares = [0, 999, 1000, 2000, 3000, 5000, 9999, 10_000, 1e9, Infinity]
    .map((elapsedMs) => slowStartShare(elapsedMs, 10_000));
  assert.deepEqual(shares, [0.1, 0.1, 0.1, 0.2, 0.3, 0.5, 0.95, 1, 1, 1]);
});

Deno.test("a share changes at most twenty times, however often it is asked for", () => {
  const shares = new Set<number>();
  for (let elapsedMs = 0; elapsedMs <= 60_000; elapsedMs += 7) {
    shares.add(slowStartShare(elapsedMs, 60_000));
  }
  assert.ok(shares.size <= 20, `${shares.size}`);
});

Deno.test("for any times a share never falls and is the part of the time within a step", () => {
  const times = fc.tuple(fc.nat(10_000_000), fc.nat(10_000_000), fc.integer({ min: 1, max: 1e7 }));
  fc.assert(
    fc.property(times, ([one, other, slowStartMs]) => {
      const [early, late] = [one, other].sort((a, b) => a - b)
        .map((elapsedMs) => slowStartShare(elapsedMs, slowStartMs));
      assert.ok(early <= late);
      const exact = Math.min(1, Math.max(0.1, one / slowStartMs));
      const share = slowStartShare(one, slowStartMs);
      assert.ok(share <= exact + 1e-9 && share > exact - 0.05 - 1e-9, `${share} for ${exact}`);
    }),
    { seed: 1, numRuns: 1000 },
  );
});

Deno.test("a whole share is zero for zero percent alone", () => {
  assert.equal(wholeShare(1, 100), SHARE_FULL);
  assert.equal(wholeShare(0.5, 50), SHARE_FULL / 4);
  assert.equal(wholeShare(0.1, 1), 1);
  assert.equal(wholeShare(1, 0), 0);
});
