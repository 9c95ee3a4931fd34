import { deepStrictEqual } from "node:assert/strict";
import { findDoubts } from "./doubt.ts";
import { FLOWS_CASE } from "./goal.ts";
import { summarizeLoad, summarizeMemory } from "./summary.ts";
import { TEST_MACHINE, testGarbage, testLoad, testMemory, testSample } from "./test_result.ts";

const LONG = { rounds: 7, seconds: 3 };
const MICROS = { ringway: [1, 2, 3], nginx: [1, 2, 3], haproxy: [1, 2, 3] };
const { cores } = TEST_MACHINE;

Deno.test("a long run on a quiet machine leaves no doubt", () => {
  const load = [summarizeLoad(testLoad("bulk", MICROS))];
  deepStrictEqual(findDoubts(LONG, cores, load, [], testGarbage(1e6, 0)), []);
});

Deno.test("a short run says so", () => {
  const [doubt] = findDoubts({ rounds: 2, seconds: 1 }, cores, [], [], null);
  deepStrictEqual(doubt, "a short run (rounds: 2, of 1 s): shows that it works, no more");
});

Deno.test("threads of one core are told", () => {
  const doubts = findDoubts(LONG, { ...cores, siblings: true }, [], [], null);
  deepStrictEqual(doubts, ["proxy and load ran on two threads of one physical core"]);
});

Deno.test("failures, and what others took, are told by case", () => {
  const more = { errors: 400, foreignShare: 0.5, stolenShare: 0.1 };
  const { contenders, ...rest } = summarizeLoad(testLoad("bulk", MICROS, more));
  deepStrictEqual(
    findDoubts(LONG, cores, [{ ...rest, contenders: contenders.slice(2) }], [], null),
    [
      "bulk: 1,200 requests failed with HAProxy",
      "bulk: others used up to 50 % of the proxies' core",
      "bulk: the hypervisor took up to 10 % of the proxies' core",
    ],
  );
});

Deno.test("no garbage is doubted when it was hardly looked for", () => {
  const silent = { ...testGarbage(5e5, 0), collectionsBefore: 0 };
  deepStrictEqual(findDoubts(LONG, cores, [], [], silent), [
    "garbage was counted over 500,000 chunks, not a million",
    "V8 told of no collection, not even at its start: it may not have told at all",
  ]);
});

Deno.test("what UDP lost is told as lost", () => {
  const load = [summarizeLoad(testLoad("udp-64", { ringway: [1], nginx: [2] }, { errors: 7 }))];
  deepStrictEqual(findDoubts(LONG, cores, load, [], null), [
    "udp-64: 7 round trips were lost with Ringway",
    "udp-64: 7 round trips were lost with nginx",
  ]);
});

Deno.test("a load that is hardly faster without a proxy is doubted", () => {
  const result = testLoad("udp-512", { ringway: [1], nginx: [2] });
  const doubt = (count: number) => {
    const load = [summarizeLoad({ ...result, alone: testSample(0, { count }) })];
    return findDoubts(LONG, cores, load, [], null);
  };
  deepStrictEqual(doubt(90_000), []);
  deepStrictEqual(doubt(78_000), [
    "udp-512: load and origin alone are only 1.3 times as fast as through Ringway: " +
    "they may have been the limit",
  ]);
});

Deno.test("a stream that fell short of its rate is doubted, and one that was lost is not", () => {
  const doubts = (count: number, errors: number) => {
    const result = testLoad("udp-bulk", { ringway: [1], nginx: [2] }, { count, errors });
    const { contenders, ...rest } = summarizeLoad({ ...result, alone: null });
    const load = [{ ...rest, contenders: contenders.slice(0, 1) }];
    return findDoubts(LONG, cores, load, [], null);
  };
  deepStrictEqual(doubts(150_000, 10_000), ["udp-bulk: 10,000 datagrams were lost with Ringway"]);
  deepStrictEqual(doubts(100_000, 0), [
    "udp-bulk: of 80,000 datagrams a second only 50,000 were sent to Ringway",
  ]);
});

Deno.test("flows that did not come about are told", () => {
  const { test, contenders } = testMemory(FLOWS_CASE, { ringway: 100, nginx: 8000 });
  const lost = contenders.map(({ samples, ...each }) => ({
    ...each,
    samples: samples.map((sample) => ({ ...sample, lost: each.name === "nginx" ? 1234 : 0 })),
  }));
  const memory = [summarizeMemory({ test, contenders: lost })];
  deepStrictEqual(findDoubts(LONG, cores, [], memory, null), [
    "udp-flows: 1,234 times no flow with nginx",
  ]);
});
