import assert from "node:assert/strict";
import fc from "fast-check";
import { AssertionFailure } from "../base/assert.ts";
import { Overload, type OverloadMarks } from "./overload.ts";

const OFF: OverloadMarks = {
  busy: Infinity,
  memory: Infinity,
  files: Infinity,
  buffers: Infinity,
};
const MEMORY: OverloadMarks = { ...OFF, memory: 0.95 };

/** The same reading of memory several times; whether the last one changed the state. */
function read(overload: Overload, memory: number, times: number): boolean {
  let hasChanged = false;
  for (let i = 0; i < times; i++) hasChanged = overload.observe(0, memory, 0, 0);
  return hasChanged;
}

Deno.test("below its marks a worker takes everybody", () => {
  const overload = new Overload({ busy: 0.95, memory: 0.9, files: 0.98, buffers: 0.95 });
  for (let i = 0; i < 50; i++) assert.ok(!overload.observe(0.949, 0.899, 0.979, 0.949));
  assert.deepEqual([overload.isShedding, overload.reason], [false, ""]);
});

Deno.test("one reading at the mark is a burst, two in a row are overload", () => {
  const overload = new Overload(MEMORY);
  for (let i = 0; i < 20; i++) {
    assert.ok(!read(overload, 0.99, 1));
    assert.ok(!read(overload, 0.94, 1));
  }
  assert.ok(!read(overload, 0.95, 1));
  assert.ok(read(overload, 0.96, 1));
  assert.ok(overload.isShedding);
  assert.equal(overload.reason, "memory at 96 % of what there is (mark 95 %)");
});

Deno.test("each figure has its own mark and its own words", () => {
  const marks = { busy: 0.9, memory: 0.8, files: 0.985, buffers: 0.7 };
  const readings: [readonly [number, number, number, number], string][] = [
    [[0.9, 0, 0, 0], "busy at 90 % of a core (mark 90 %)"],
    [[0, 0.81239, 0, 0], "memory at 81.2 % of what there is (mark 80 %)"],
    [[0, 0, 1, 0], "files at 100 % of what there is room for (mark 98.5 %)"],
    [[0, 0, 0, 0.79999], "buffers at 79.9 % of what there is (mark 70 %)"],
  ];
  for (const [reading, reason] of readings) {
    const overload = new Overload(marks);
    overload.observe(...reading);
    assert.ok(overload.observe(...reading));
    assert.equal(overload.reason, reason);
  }
});

Deno.test("shedding ends after four calm readings, well below the mark", () => {
  const overload = new Overload(MEMORY);
  assert.ok(read(overload, 0.97, 2));
  // Between 0.95 x 95 % and the mark nothing ends, and the count of calm readings begins anew.
  assert.ok(!read(overload, 0.91, 50));
  assert.ok(!read(overload, 0.9, 3));
  assert.ok(!read(overload, 0.91, 1));
  assert.ok(!read(overload, 0.9, 3));
  assert.ok(overload.isShedding);
  assert.ok(read(overload, 0.9, 1));
  assert.deepEqual([overload.isShedding, overload.reason], [false, ""]);
  // And it takes two readings again to begin.
  assert.ok(!read(overload, 0.99, 1));
  assert.ok(read(overload, 0.99, 1));
});

Deno.test("shedding goes on while any other figure is near its mark", () => {
  const overload = new Overload({ ...OFF, busy: 0.9, files: 0.9 });
  overload.observe(0.95, 0, 0.5, 0);
  assert.ok(overload.observe(0.95, 0, 0.5, 0));
  for (let i = 0; i < 20; i++) assert.ok(!overload.observe(0.1, 0, 0.88, 0));
  for (let i = 0; i < 3; i++) assert.ok(!overload.observe(0.1, 0, 0.8, 0));
  assert.ok(overload.observe(0.1, 0, 0.8, 0));
});

Deno.test("a figure that is off does not matter, whatever it reads", () => {
  const overload = new Overload(OFF);
  for (const figure of [1, 100, Number.MAX_VALUE]) {
    for (let i = 0; i < 5; i++) assert.ok(!overload.observe(figure, figure, figure, figure));
  }
});

Deno.test("a figure that is not known is at no mark and keeps nobody out", () => {
  const overload = new Overload({ ...MEMORY, busy: 0.5 });
  for (let i = 0; i < 9; i++) assert.ok(!overload.observe(NaN, NaN, NaN, NaN));
  assert.ok(read(overload, 1, 2));
  for (let i = 0; i < 3; i++) assert.ok(!overload.observe(NaN, NaN, NaN, NaN));
  assert.ok(overload.observe(NaN, NaN, NaN, NaN));
});

Deno.test("a mark of zero is a mistake", () => {
  assert.throws(() => new Overload({ ...OFF, files: 0 }), AssertionFailure);
  assert.throws(() => new Overload({ ...OFF, busy: NaN }), AssertionFailure);
});

Deno.test("for any readings it begins after two at a mark and ends after four calm ones", () => {
  // Levels around both marks of each figure: 0.9, and 0.855 where calm begins.
  const level = fc.constantFrom(0.2, 0.854, 0.856, 0.899, 0.9, 1);
  const reading = fc.tuple(level, level, fc.constant(0.1), fc.constant(5));
  fc.assert(
    fc.property(fc.array(reading, { maxLength: 60, size: "max" }), (readings) => {
      const overload = new Overload({ ...OFF, busy: 0.9, memory: 0.9 });
      // By the book: a state, and where it began.
      let isShedding = false;
      let from = 0;
      readings.forEach((reading, index) => {
        const recent = readings.slice(from, index + 1).map(([busy, memory]) =>
          Math.max(busy, memory)
        );
        const expected = isShedding
          ? recent.length >= 4 && recent.slice(-4).every((most) => most < 0.855)
          : recent.length >= 2 && recent.slice(-2).every((most) => most >= 0.9);
        assert.equal(overload.observe(...reading), expected);
        if (expected) {
          isShedding = !isShedding;
          from = index + 1;
        }
        assert.equal(overload.isShedding, isShedding);
        assert.equal(overload.reason !== "", isShedding);
      });
    }),
    { seed: 1, numRuns: 500 },
  );
});
