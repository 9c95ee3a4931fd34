import assert from "node:assert/strict";
import fc from "fast-check";
import { HEARTBEAT_MS_MAX } from "../limits.ts";
import { TokenBucket } from "./token_bucket.ts";

/** Some days of uptime, and no whole number. */
const START_MS = 1e9 + 0.123;

function countTaken(bucket: TokenBucket, cells: Float64Array, tries: number): number {
  let taken = 0;
  for (let i = 0; i < tries; i++) if (bucket.take(cells, 0)) taken++;
  return taken;
}

Deno.test("a bucket never used is full: as many tokens as the burst, and no more", () => {
  for (const burst of [1, 2, 3, 7, 200]) {
    for (const perSecond of [1 / 3600, 1, 3, 7, 100, 333, 5000]) {
      const bucket = new TokenBucket(perSecond, burst, { nowMs: START_MS });
      assert.equal(countTaken(bucket, new Float64Array(1), burst + 5), burst, `${perSecond}/s`);
    }
  }
});

Deno.test("an empty bucket gains one token per interval, up to the burst", () => {
  const clock = { nowMs: START_MS };
  const bucket = new TokenBucket(4, 3, clock);
  const cells = new Float64Array(1);
  assert.equal(countTaken(bucket, cells, 10), 3);
  clock.nowMs += 249;
  assert.equal(countTaken(bucket, cells, 10), 0);
  clock.nowMs += 1;
  assert.equal(countTaken(bucket, cells, 10), 1);
  clock.nowMs += 500;
  assert.equal(countTaken(bucket, cells, 10), 2);
  clock.nowMs += 3_600_000;
  assert.equal(countTaken(bucket, cells, 10), 3);
});

Deno.test("a refusal costs no token", () => {
  const clock = { nowMs: START_MS };
  const bucket = new TokenBucket(1, 1, clock);
  const cells = new Float64Array(1);
  assert.ok(bucket.take(cells, 0));
  for (let i = 0; i < 9; i++) {
    clock.nowMs += 100;
    assert.ok(!bucket.take(cells, 0));
  }
  clock.nowMs += 100;
  assert.ok(bucket.take(cells, 0));
});

Deno.test("a clock that begins at zero finds full buckets", () => {
  assert.equal(countTaken(new TokenBucket(1, 5, { nowMs: 0 }), new Float64Array(1), 9), 5);
});

Deno.test("cells are independent, and a bucket touches only the one it is asked for", () => {
  const bucket = new TokenBucket(1, 1, { nowMs: START_MS });
  const cells = new Float64Array(3);
  assert.ok(bucket.take(cells, 1));
  assert.ok(!bucket.take(cells, 1));
  assert.deepEqual([cells[0], cells[2]], [0, 0]);
  assert.ok(bucket.take(cells, 2));
});

Deno.test("for any arrivals it admits what a bucket of counted tokens admits", () => {
  // Whole ms and intervals, so that the counted tokens are exact.
  const arrivals = fc.array(fc.oneof(fc.constant(0), fc.nat(20), fc.nat(3000)), { maxLength: 200 });
  const intervalMs = fc.constantFrom(1, 2, 5, 8, 10, 50, 125, 1000);
  fc.assert(
    fc.property(
      arrivals,
      intervalMs,
      fc.integer({ min: 1, max: 20 }),
      (gaps, intervalMs, burst) => {
        const clock = { nowMs: 1e9 };
        const bucket = new TokenBucket(1000 / intervalMs, burst, clock);
        const cells = new Float64Array(1);
        // Tokens in units of an interval's ms.
        let tokens = burst * intervalMs;
        for (const gapMs of gaps) {
          clock.nowMs += gapMs;
          tokens = Math.min(burst * intervalMs, tokens + gapMs);
          const expected = tokens >= intervalMs;
          if (expected) tokens -= intervalMs;
          assert.equal(bucket.take(cells, 0), expected);
          assert.equal(bucket.isFull(cells, 0), tokens === burst * intervalMs);
        }
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("with any rate, no stretch of time admits more than the burst and what it gained", () => {
  const gap = fc.double({ min: 0, max: 500, noNaN: true });
  const rate = fc.double({ min: 0.01, max: 5000, noNaN: true });
  const burst = fc.double({ min: 1, max: 30, noNaN: true });
  fc.assert(
    fc.property(fc.array(gap, { maxLength: 60 }), rate, burst, (gaps, perSecond, burst) => {
      const clock = { nowMs: START_MS };
      const bucket = new TokenBucket(perSecond, burst, clock);
      const cells = new Float64Array(1);
      const times: number[] = [];
      for (const gapMs of gaps) {
        clock.nowMs += gapMs;
        for (let i = 0; i < 3; i++) if (bucket.take(cells, 0)) times.push(clock.nowMs);
      }
      for (let first = 0; first < times.length; first++) {
        for (let last = first; last < times.length; last++) {
          const gained = (times[last] - times[first]) * perSecond / 1000;
          assert.ok(last - first + 1 <= burst + gained + 0.01);
        }
      }
    }),
    { seed: 1 },
  );
});

Deno.test("who always asks gets the rate over time, also one that ms do not divide", () => {
  for (const perSecond of [0.3, 3, 7, 99.9, 333]) {
    const clock = { nowMs: START_MS };
    const bucket = new TokenBucket(perSecond, 2, clock);
    const cells = new Float64Array(1);
    let taken = 0;
    for (let ms = 0; ms <= 100_000; ms++, clock.nowMs++) if (bucket.take(cells, 0)) taken++;
    assert.ok(Math.abs(taken - (2 + 100 * perSecond)) <= 1, `${perSecond}/s: ${taken}`);
  }
});

Deno.test("a cell from another time is an empty bucket at worst", () => {
  const clock = { nowMs: START_MS };
  const bucket = new TokenBucket(10, 5, clock);
  for (const stray of [START_MS * 2, 1e300, Infinity]) {
    const cells = Float64Array.of(stray);
    assert.ok(!bucket.take(cells, 0));
    clock.nowMs += 100;
    assert.ok(bucket.take(cells, 0), `${stray}`);
    assert.ok(!bucket.take(cells, 0), `${stray}`);
  }
  for (const stray of [-1, -Infinity, NaN]) {
    const cells = Float64Array.of(stray);
    assert.ok(bucket.isFull(cells, 0));
    assert.equal(countTaken(bucket, cells, 9), 5, `${stray}`);
  }
});

Deno.test("a process whose clock is late gives no tokens to one whose clock is ahead", () => {
  const late = { nowMs: START_MS };
  const ahead = { nowMs: START_MS + HEARTBEAT_MS_MAX - 1 };
  const lateBucket = new TokenBucket(1000, 10, late);
  const aheadBucket = new TokenBucket(1000, 10, ahead);
  const cells = new Float64Array(1);
  let taken = 0;
  for (let i = 0; i < 100; i++) {
    if (aheadBucket.take(cells, 0)) taken++;
    if (lateBucket.take(cells, 0)) taken++;
  }
  assert.equal(taken, 10);
});

Deno.test("a lost update of another process lets one more through", () => {
  const bucket = new TokenBucket(1, 5, { nowMs: START_MS });
  const cells = new Float64Array(1);
  bucket.take(cells, 0);
  const read = cells[0];
  bucket.take(cells, 0);
  cells[0] = read;
  assert.equal(countTaken(bucket, cells, 9), 4);
});

Deno.test("a rate is above zero and a burst at least one", () => {
  const clock = { nowMs: 0 };
  for (const perSecond of [0, -1, NaN, Infinity]) {
    assert.throws(() => new TokenBucket(perSecond, 1, clock));
  }
  for (const burst of [0, 0.5, NaN, Infinity]) {
    assert.throws(() => new TokenBucket(1, burst, clock));
  }
});
