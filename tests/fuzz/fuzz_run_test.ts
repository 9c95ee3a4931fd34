import assert from "node:assert/strict";
import { Random } from "../../src/base/random.ts";
import { fuzz, renderFailure } from "./fuzz_run.ts";
import { makeInput } from "./mutation.ts";
import { type FuzzTarget, promise } from "./target.ts";

const ROOT = `${import.meta.dirname}/../..`;
const utf8 = new TextEncoder();

/** Breaks its promise for a text that has a bracket inside of a bracket. */
const BROKEN: FuzzTarget = {
  name: "broken",
  run: (input) => promise(!/\[[^]*\[/.test(new TextDecoder().decode(input)), "no two brackets"),
  words: ["[", "]", "abc"],
};

function fuzzBroken(firstSeed: number) {
  const failure = fuzz(BROKEN, ROOT, {
    firstSeed,
    bytesMax: 1000,
    isOver: (runs) => runs >= 1000,
  });
  assert.notEqual(failure, null);
  return failure!;
}

Deno.test("a broken promise is found, made small, and told with its seed", () => {
  const failure = fuzzBroken(1);
  assert.equal(new TextDecoder().decode(failure.smallest), "[[");
  const text = renderFailure(failure);
  assert.match(text, /^broken failed: Error: broken promise: no two brackets/);
  assert.ok(text.includes("smallest input (2 of "), text);
  assert.ok(text.endsWith(`again: deno task fuzz --target broken --seed ${failure.seed}`), text);
});

Deno.test("the seed of a failure as first seed fails with the same input at once", () => {
  const failure = fuzzBroken(1);
  const again = fuzzBroken(failure.seed);
  assert.equal(again.seed, failure.seed);
  assert.deepEqual(again.input, failure.input);
});

Deno.test("a target that keeps its promises is run as often as asked", () => {
  let runs = 0;
  const target: FuzzTarget = { name: "good", run: () => void runs++ };
  const failure = fuzz(target, ROOT, {
    firstSeed: 1,
    bytesMax: 100,
    isOver: (count) => count >= 50,
  });
  assert.equal(failure, null);
  assert.equal(runs, 50);
});

Deno.test("input that is no UTF-8 is shown in hexadecimal", () => {
  const failure = { target: "t", seed: 1, reason: "r", input: Uint8Array.of(0xff, 0x41) };
  assert.match(renderFailure({ ...failure, smallest: failure.input }), /\(2 of 2 bytes\): ff 41\n/);
});

Deno.test("inputs are a function of the seed, within their bound, and differ", () => {
  const stock = {
    samples: [utf8.encode("a: 1\n".repeat(10)), utf8.encode("b: [2]\n")],
    words: [utf8.encode("word")],
    bytesMax: 300,
  };
  const texts = new Set<string>();
  for (let seed = 0; seed < 500; seed++) {
    const input = makeInput(new Random(seed), stock);
    assert.deepEqual(input, makeInput(new Random(seed), stock));
    assert.ok(input.length <= stock.bytesMax);
    texts.add(String(input));
  }
  // Some are the samples unchanged.
  assert.ok(texts.size > 300, `${texts.size}`);
});

Deno.test("samples are never changed in place", () => {
  const sample = utf8.encode("a: 1\n");
  const stock = { samples: [sample], words: [], bytesMax: 300 };
  for (let seed = 0; seed < 200; seed++) makeInput(new Random(seed), stock).fill(0);
  assert.equal(new TextDecoder().decode(sample), "a: 1\n");
});
