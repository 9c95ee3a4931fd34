import assert from "node:assert/strict";
import fc from "fast-check";
import { TimerWheel } from "./timer_wheel.ts";

/** Granularity of the wheel. */
const BUCKET_MS = 16;

const clock = { nowMs: 0 };

function makeWheel(slots: number, nowMs: number): TimerWheel {
  clock.nowMs = nowMs;
  return new TimerWheel(slots, clock);
}

function expireAll(wheel: TimerWheel, nowMs: number): number[] {
  clock.nowMs = nowMs;
  const slots: number[] = [];
  for (let slot = wheel.expire(); slot >= 0; slot = wheel.expire()) slots.push(slot);
  return slots.sort((a, b) => a - b);
}

Deno.test("a slot expires once, not before its deadline and at most one bucket after", () => {
  const wheel = makeWheel(4, 1000);
  wheel.set(2, 1100);
  assert.deepEqual(expireAll(wheel, 1099), []);
  assert.deepEqual(expireAll(wheel, 1100 + BUCKET_MS), [2]);
  assert.deepEqual(expireAll(wheel, 9000), []);
  assert.equal(wheel.count, 0);
});

Deno.test("setting a slot again moves its deadline", () => {
  const wheel = makeWheel(4, 0);
  wheel.set(1, 100);
  wheel.set(1, 500);
  assert.equal(wheel.count, 1);
  assert.deepEqual(expireAll(wheel, 400), []);
  assert.deepEqual(expireAll(wheel, 600), [1]);
});

Deno.test("a cleared slot does not expire; clearing what is not set does nothing", () => {
  const wheel = makeWheel(4, 0);
  wheel.set(0, 50);
  wheel.clear(0);
  wheel.clear(3);
  assert.deepEqual(expireAll(wheel, 1000), []);
});

Deno.test("a deadline in the past expires at the next bucket", () => {
  const wheel = makeWheel(2, 10_000);
  wheel.set(0, 5);
  assert.deepEqual(expireAll(wheel, 10_000 + 2 * BUCKET_MS), [0]);
});

Deno.test("a deadline farther away than the wheel goes round until it is due", () => {
  const wheel = makeWheel(2, 0);
  const hourMs = 3_600_000;
  wheel.set(0, hourMs);
  for (let nowMs = 0; nowMs < hourMs; nowMs += 1000) assert.deepEqual(expireAll(wheel, nowMs), []);
  assert.deepEqual(expireAll(wheel, hourMs + BUCKET_MS), [0]);
});

Deno.test("after a long sleep everything that is due expires at once", () => {
  const wheel = makeWheel(100, 0);
  for (let slot = 0; slot < 100; slot++) wheel.set(slot, slot * 1000);
  assert.equal(expireAll(wheel, 10_000_000).length, 100);
});

Deno.test("in any order of sets, clears and looks the wheel agrees with a plain list", () => {
  const step = fc.record({
    what: fc.constantFrom("set", "clear", "look"),
    slot: fc.nat(7),
    ms: fc.nat(200_000),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const wheel = makeWheel(8, 0);
      const deadlines = new Map<number, number>();
      let nowMs = 0;
      for (const { what, slot, ms } of steps) {
        if (what === "set") {
          wheel.set(slot, nowMs + ms);
          deadlines.set(slot, nowMs + ms);
        } else if (what === "clear") {
          wheel.clear(slot);
          deadlines.delete(slot);
        } else {
          nowMs += ms;
          const expired = expireAll(wheel, nowMs);
          for (const each of expired) assert.ok(deadlines.get(each)! <= nowMs, "not too early");
          for (const each of expired) deadlines.delete(each);
          for (const [each, deadline] of deadlines) {
            assert.ok(deadline > nowMs - 2 * BUCKET_MS, `slot ${each} is not late`);
          }
        }
        assert.equal(wheel.count, deadlines.size);
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});
