/**
 * A fixed budget of fuzzing for every run of the tests: the same inputs each time. What runs longer
 * and with other seeds is `deno task fuzz`.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { CONFIGURATION } from "../../src/config/test_configuration.ts";
import { fuzz, renderFailure } from "./fuzz_run.ts";
import { runConfig } from "./config_target.ts";
import { TARGETS } from "./targets.ts";

const ROOT = `${import.meta.dirname}/../..`;
const FIRST_SEED = 1;
/** Inputs of each target; together a few seconds. */
const INPUTS: Readonly<Record<string, number>> = {
  config: 1500,
  address: 5000,
  command_line: 3000,
};
const BYTES_MAX = 16 * 1024;

for (const target of TARGETS) {
  const inputs = INPUTS[target.name] ?? 1000;
  Deno.test(`${target.name} keeps its promises for ${inputs} inputs`, () => {
    const failure = fuzz(target, ROOT, {
      firstSeed: FIRST_SEED,
      bytesMax: BYTES_MAX,
      isOver: (runs) => runs >= inputs,
    });
    if (failure !== null) assert.fail(renderFailure(failure));
  });
}

const utf8 = new TextEncoder();
const GOOD = "listeners:\n  web: { bind: ':80', backend: app }\nbackends:\n  app: [a:1]\n";

Deno.test("a good configuration cut off anywhere keeps the promises", () => {
  for (let end = 0; end <= GOOD.length; end++) runConfig(utf8.encode(GOOD.slice(0, end)));
});

Deno.test("a good configuration with any one character in any place keeps the promises", () => {
  for (const character of "\t\n \"'#%&*,-:>?@[]{|}~$!`<\\\u2028") {
    for (let at = 0; at <= GOOD.length; at += 3) {
      runConfig(utf8.encode(GOOD.slice(0, at) + character + GOOD.slice(at)));
    }
  }
});

Deno.test("configurations with every key keep the promises, and with a word in any place", () => {
  const word = fc.constantFrom("off", "0%", "unix:/x", "udp", "-1", "[]", "{}", "~", "\\q", "1ms");
  fc.assert(
    fc.property(CONFIGURATION, fc.nat(), word, (value, place, word) => {
      const text = JSON.stringify(value);
      runConfig(utf8.encode(text));
      const values = [...text.matchAll(/(?<=:|,|\[)("[^"]*"|[0-9.]+|true|false)(?=[,}\]])/g)];
      const { index, 0: replaced } = values[place % values.length];
      runConfig(utf8.encode(text.slice(0, index) + word + text.slice(index + replaced.length)));
    }),
    { seed: 1, numRuns: 300 },
  );
});

Deno.test("nesting and aliases of any depth keep the promises", () => {
  for (const depth of [1, 10, 39, 40, 41, 1000, 50_000]) {
    for (const unit of ["[", "{a: ", "- ", "? ", "&a [", "!!seq ["]) {
      runConfig(utf8.encode(`x-a: ${unit.repeat(depth)}`));
      runConfig(utf8.encode(unit.repeat(depth)));
    }
  }
  for (const width of [2, 9, 50]) {
    const levels = Array.from({ length: 30 }, (_, i) => {
      const item = i === 0 ? "0" : `*l${i - 1}`;
      return `x-${i}: &l${i} [${new Array(width).fill(item).join(", ")}]\n`;
    });
    runConfig(utf8.encode(levels.join("") + GOOD));
  }
});
