import assert from "node:assert/strict";
import fc from "fast-check";
import { WaitingLines } from "./waiting_lines.ts";

/** Everybody of a line, first to last; empties it. */
function drain(lines: WaitingLines, line: number): number[] {
  const order: number[] = [];
  for (let tunnel = lines.first(line); tunnel >= 0; tunnel = lines.first(line)) {
    order.push(tunnel);
    lines.leave(line, tunnel);
  }
  return order;
}

Deno.test("who came first is first, in each line", () => {
  const lines = new WaitingLines(8, 2);
  for (const tunnel of [3, 1, 7]) lines.join(0, tunnel);
  lines.join(1, 2);
  assert.equal(lines.count, 4);
  assert.deepEqual(drain(lines, 0), [3, 1, 7]);
  assert.deepEqual(drain(lines, 1), [2]);
  assert.equal(lines.count, 0);
});

Deno.test("who leaves from the middle, the front or the end does not disturb the others", () => {
  fc.assert(fc.property(
    fc.uniqueArray(fc.nat(15), { minLength: 1 }),
    fc.array(fc.nat(15)),
    (joining, leaving) => {
      const lines = new WaitingLines(16, 1);
      for (const tunnel of joining) lines.join(0, tunnel);
      let expected = joining;
      for (const tunnel of leaving.filter((each) => expected.includes(each))) {
        if (!expected.includes(tunnel)) continue;
        lines.leave(0, tunnel);
        expected = expected.filter((each) => each !== tunnel);
      }
      assert.equal(lines.count, expected.length);
      assert.deepEqual(drain(lines, 0), expected);
    },
  ));
});

Deno.test("a tunnel that has left may join again, at the end", () => {
  const lines = new WaitingLines(4, 1);
  for (const tunnel of [0, 1, 2]) lines.join(0, tunnel);
  lines.leave(0, 0);
  lines.join(0, 0);
  assert.deepEqual(drain(lines, 0), [1, 2, 0]);
});
