import assert from "node:assert/strict";
import fc from "fast-check";
import { RiseFall } from "./rise_fall.ts";

Deno.test("a server goes down with the last of `fall` bad probes in a row, once", () => {
  const verdict = new RiseFall(2, 3, "up");
  assert.deepEqual([false, false, false, false].map((ok) => verdict.record(ok)), [
    false,
    false,
    true,
    false,
  ]);
  assert.equal(verdict.isUp, false);
});

Deno.test("a server comes up with the last of `rise` good probes in a row", () => {
  const verdict = new RiseFall(2, 3, "down");
  assert.ok(!verdict.record(true));
  assert.ok(!verdict.isUp);
  assert.ok(verdict.record(true));
  assert.ok(verdict.isUp);
});

Deno.test("a single probe that agrees with the verdict starts the count anew", () => {
  const verdict = new RiseFall(2, 3, "up");
  for (const ok of [false, false, true, false, false]) assert.ok(!verdict.record(ok));
  assert.ok(verdict.record(false));
});

Deno.test("the verdict is in doubt from a contradiction until it is turned or confirmed", () => {
  const verdict = new RiseFall(2, 3, "up");
  assert.ok(!verdict.isMoving);
  verdict.record(false);
  verdict.record(false);
  assert.ok(verdict.isMoving);
  assert.equal(verdict.streak, 2);
  verdict.record(true);
  assert.ok(!verdict.isMoving);
  for (let i = 0; i < 3; i++) verdict.record(false);
  assert.ok(!verdict.isMoving, "turned");
  assert.equal(verdict.streak, 0);
});

Deno.test("with a rise and fall of one every probe is the verdict", () => {
  const verdict = new RiseFall(1, 1, "up");
  for (const ok of [false, true, true, false]) {
    const changes = ok !== verdict.isUp;
    assert.equal(verdict.record(ok), changes);
    assert.equal(verdict.isUp, ok);
    assert.ok(!verdict.isMoving);
  }
});

Deno.test("for any probes the verdict is turned exactly by full rows that contradict it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom("up" as const, "down" as const),
      fc.array(fc.boolean(), { maxLength: 100, size: "max" }),
      (rise, fall, initial, probes) => {
        const verdict = new RiseFall(rise, fall, initial);
        let isUp = initial === "up";
        let begin = 0;
        probes.forEach((ok, at) => {
          const row = probes.slice(Math.max(begin, at + 1 - (isUp ? fall : rise)), at + 1);
          const turns = row.length === (isUp ? fall : rise) && row.every((each) => each !== isUp);
          assert.equal(verdict.record(ok), turns);
          if (turns) {
            isUp = !isUp;
            begin = at + 1;
          }
          assert.equal(verdict.isUp, isUp);
          assert.ok(verdict.streak < (isUp ? fall : rise));
        });
      },
    ),
    { seed: 1, numRuns: 300 },
  );
});
