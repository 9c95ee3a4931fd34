import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { FLOWS_CASE, IDLE_CASE, type MemoryCase } from "./goal.ts";
import { summarizeLoad, summarizeMemory } from "./summary.ts";
import { testGarbage, testLoad, testMemory } from "./test_result.ts";
import { describeVerdicts, judge } from "./verdict.ts";

function keepAlive(own: number, userTicks: number) {
  const micros = { ringway: [own], nginx: [100], haproxy: [120] };
  return summarizeLoad(
    testLoad("keep-alive", micros, { userTicks, systemTicks: 1000 - userTicks }),
  );
}

Deno.test("a ratio meets its goal up to the bound, to the better peer", () => {
  const [ratio] = judge([keepAlive(92, 50)], [], null);
  deepStrictEqual(ratio, {
    goal: "keep-alive: CPU per request, to the better peer",
    target: "at most 0.92",
    found: "0.920 of nginx (0.920)",
    met: true,
  });
  strictEqual(judge([keepAlive(92.1, 50)], [], null)[0].met, false);
});

Deno.test("the user share has to be below its bound", () => {
  const share = (ticks: number) => judge([keepAlive(90, ticks)], [], null)[1];
  deepStrictEqual([share(79).met, share(79).found], [true, "7.90 %"]);
  deepStrictEqual([share(80).met, share(80).found], [false, "8.00 %"]);
});

Deno.test("a user share without any time has not met its goal", () => {
  const micros = { ringway: [1], nginx: [2], haproxy: [3] };
  const none = summarizeLoad(testLoad("keep-alive", micros, { userTicks: 0, systemTicks: 0 }));
  deepStrictEqual(judge([none], [], null)[1].met, false);
});

Deno.test("any collection misses the goal of none", () => {
  const garbage = (collections: number) => judge([], [], testGarbage(2e6, collections))[0];
  deepStrictEqual([garbage(0).met, garbage(0).found], [true, "none in 2,000,000"]);
  deepStrictEqual([garbage(1).met, garbage(1).found], [false, "1 collection in 2,000,000"]);
});

Deno.test("memory per connection is bounded", () => {
  const memory = (test: MemoryCase, ringway: number) =>
    judge([], [summarizeMemory(testMemory(test, { ringway, nginx: 9000 }))], null)[0];
  deepStrictEqual([memory(IDLE_CASE, 512).met, memory(IDLE_CASE, 512).found], [true, "512 B"]);
  deepStrictEqual([memory(IDLE_CASE, 513).met, memory(IDLE_CASE, 513).found], [false, "513 B"]);
  deepStrictEqual([400, 401].map((bytes) => memory(FLOWS_CASE, bytes).met), [true, false]);
});

Deno.test("only what was measured is judged, and a miss is said", () => {
  deepStrictEqual(judge([], [], null), []);
  const bulk = summarizeLoad(testLoad("bulk", { ringway: [95], nginx: [100], haproxy: [99] }));
  const verdicts = judge([keepAlive(90, 50), bulk], [], null);
  deepStrictEqual(verdicts.map(({ met }) => met), [true, false, true]);
  match(verdicts[1].found, /of HAProxy/);
  strictEqual(describeVerdicts(verdicts), "goals measured: 3, met: 2, MISSED: 1");
  strictEqual(describeVerdicts(verdicts.slice(0, 1)), "goals measured: 1, all met");
});

Deno.test("round trips of UDP are judged by CPU time, latency and loss", () => {
  const verdicts = (errors: number) => {
    const micros = { ringway: [60], nginx: [100] };
    return judge([summarizeLoad(testLoad("udp-64", micros, { errors }))], [], null);
  };
  deepStrictEqual(verdicts(0).map(({ goal, found, met }) => [goal, found, met]), [
    ["udp-64: CPU per round trip, to the better peer", "0.600 of nginx (0.600)", true],
    ["udp-64: latency at p99, to the better peer", "1.000 of nginx (1.000)", true],
    ["udp-64: lost round trips", "none of 60,000", true],
  ]);
  deepStrictEqual(verdicts(2).map(({ met }) => met), [true, true, false]);
  strictEqual(verdicts(2)[2].found, "2 of 60,002");
});

Deno.test("a case of UDP without a bound for its CPU time is judged by loss alone", () => {
  const load = summarizeLoad(testLoad("udp-dns", { ringway: [3], nginx: [4], dnsdist: [1] }));
  deepStrictEqual(judge([load], [], null).map(({ goal }) => goal), ["udp-dns: lost queries"]);
});
