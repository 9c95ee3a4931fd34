import assert from "node:assert/strict";
import { Random } from "./random.ts";

function take(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}

Deno.test("the same seed gives the same numbers, another seed others", () => {
  assert.deepEqual(take(new Random(7), 20), take(new Random(7), 20));
  assert.notDeepEqual(take(new Random(7), 20), take(new Random(8), 20));
});

Deno.test("numbers are unsigned 32-bit and never zero, for every kind of seed", () => {
  for (const seed of [0, -1, 1, 0.5, 2 ** 31, 2 ** 40, NaN]) {
    for (const number of take(new Random(seed), 100)) {
      assert.ok(Number.isInteger(number) && number > 0 && number < 2 ** 32, `${seed}: ${number}`);
    }
  }
});

Deno.test("no seed leads to the generator's fixed point", () => {
  // Solves imul(seed, 0x9e3779b1) = 0x5bd1e995: the state would be zero.
  let inverse = 1;
  for (let i = 0; i < 5; i++) {
    inverse = Math.imul(inverse, 2 - Math.imul(inverse, 0x9e3779b1));
  }
  const seed = Math.imul(0x5bd1e995, inverse);
  assert.equal(Math.imul(seed, 0x9e3779b1), 0x5bd1e995);
  const numbers = take(new Random(seed), 10);
  assert.equal(new Set(numbers).size, 10);
});

Deno.test("below(n) reaches each of 0..n-1 about equally often and nothing else", () => {
  const random = new Random(1);
  const counts = new Array(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[random.below(10)]++;
  assert.equal(counts.length, 10);
  // 1000 expected, standard deviation 30; five of them either way.
  for (const count of counts) assert.ok(Math.abs(count - 1000) < 150, counts.join());
  assert.equal(random.below(1), 0);
});

Deno.test("oneIn(n) is true once in n on average, oneIn(1) always", () => {
  const random = new Random(1);
  let hits = 0;
  for (let i = 0; i < 10_000; i++) if (random.oneIn(20)) hits++;
  // 500 expected, standard deviation 22.
  assert.ok(Math.abs(hits - 500) < 110, `${hits}`);
  assert.ok(random.oneIn(1));
});
