import assert from "node:assert/strict";
import fc from "fast-check";
import { AssertionFailure } from "./assert.ts";
import { RecentList } from "./recent_list.ts";

Deno.test("a list that is not full keeps everything, oldest first", () => {
  const list = new RecentList<string>(3);
  assert.deepEqual(list.toArray(), []);
  list.push("started");
  list.push("ready");
  assert.deepEqual(list.toArray(), ["started", "ready"]);
  assert.deepEqual([list.length, list.total], [2, 2]);
});

Deno.test("each entry beyond the capacity takes the place of the oldest", () => {
  const list = new RecentList<number>(3);
  for (const entry of [1, 2, 3]) list.push(entry);
  assert.deepEqual(list.toArray(), [1, 2, 3]);
  list.push(4);
  assert.deepEqual(list.toArray(), [2, 3, 4]);
  list.push(5);
  assert.deepEqual(list.toArray(), [3, 4, 5]);
  assert.deepEqual([list.length, list.total], [3, 5]);
});

Deno.test("the total tells a reader how many entries it has missed", () => {
  const list = new RecentList<number>(2);
  list.push(1);
  const seen = list.total;
  for (const entry of [2, 3, 4]) list.push(entry);
  assert.equal(list.total - seen - list.length, 1);
});

Deno.test("an array that was handed out does not change with the list", () => {
  const list = new RecentList<number>(2);
  list.push(1);
  const array = list.toArray();
  array.push(9);
  list.push(2);
  list.push(3);
  assert.deepEqual(array, [1, 9]);
  assert.deepEqual(list.toArray(), [2, 3]);
});

Deno.test("an entry may be anything, also undefined", () => {
  const list = new RecentList<undefined>(2);
  for (let i = 0; i < 3; i++) list.push(undefined);
  assert.deepEqual(list.toArray(), [undefined, undefined]);
});

Deno.test("a list without room for one entry is a mistake", () => {
  for (const capacity of [0, -1, 1.5, NaN, Infinity]) {
    assert.throws(() => new RecentList(capacity), AssertionFailure);
  }
});

Deno.test("for any stream it holds the last entries in order", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(fc.integer()), (capacity, stream) => {
      const list = new RecentList<number>(capacity);
      stream.forEach((entry, index) => {
        list.push(entry);
        assert.deepEqual(list.toArray(), stream.slice(0, index + 1).slice(-capacity));
      });
      assert.equal(list.total, stream.length);
    }),
    { seed: 1 },
  );
});
