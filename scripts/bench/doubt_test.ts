import { deepEqual } from "node:assert/strict";
import { findDoubts } from "./doubt.ts";
import { summarizeLoad } from "./summary.ts";
import { TEST_MACHINE, testGarbage, testLoad } from "./test_result.ts";

const LONG = { rounds: 7, seconds: 3 };
const MICROS = { ringway: [1, 2, 3], nginx: [1, 2, 3], haproxy: [1, 2, 3] };
const { cores } = TEST_MACHINE;

Deno.test("a long run on a quiet machine leaves no doubt", () => {
  const load = [summarizeLoad(testLoad("bulk", MICROS))];
  deepEqual(findDoubts(LONG, cores, load, testGarbage(1e6, 0)), []);
});

Deno.test("a short run says so", () => {
  const [doubt] = findDoubts({ rounds: 2, seconds: 1 }, cores, [], null);
  deepEqual(doubt, "a short run (rounds: 2, of 1 s): shows that it works, no more");
});

Deno.test("threads of one core are told", () => {
  const doubts = findDoubts(LONG, { ...cores, siblings: true }, [], null);
  deepEqual(doubts, ["proxy and load ran on two threads of one physical core"]);
});

Deno.test("failures, and what others took, are told by case", () => {
  const more = { errors: 400, foreignShare: 0.5, stolenShare: 0.1 };
  const { contenders, ...rest } = summarizeLoad(testLoad("bulk", MICROS, more));
  deepEqual(findDoubts(LONG, cores, [{ ...rest, contenders: contenders.slice(2) }], null), [
    "bulk: 1,200 requests failed with HAProxy",
    "bulk: others used up to 50 % of the proxies' core",
    "bulk: the hypervisor took up to 10 % of the proxies' core",
  ]);
});

Deno.test("no garbage is doubted when it was hardly looked for", () => {
  const silent = { ...testGarbage(5e5, 0), collectionsBefore: 0 };
  deepEqual(findDoubts(LONG, cores, [], silent), [
    "garbage was counted over 500,000 chunks, not a million",
    "V8 told of no collection, not even at its start: it may not have told at all",
  ]);
});
