import { deepEqual, equal, match } from "node:assert/strict";
import { summarizeIdle, summarizeLoad } from "./summary.ts";
import { testGarbage, testIdle, testLoad } from "./test_result.ts";
import { describeVerdicts, judge } from "./verdict.ts";

function keepAlive(own: number, userTicks: number) {
  const micros = { ringway: [own], nginx: [100], haproxy: [120] };
  return summarizeLoad(
    testLoad("keep-alive", micros, { userTicks, systemTicks: 1000 - userTicks }),
  );
}

Deno.test("a ratio meets its goal up to the bound, to the better peer", () => {
  const [ratio] = judge([keepAlive(92, 50)], null, null);
  deepEqual(ratio, {
    goal: "keep-alive: CPU per request, to the better peer",
    target: "at most 0.92",
    found: "0.920 of nginx (0.920)",
    met: true,
  });
  equal(judge([keepAlive(92.1, 50)], null, null)[0].met, false);
});

Deno.test("the user share has to be below its bound", () => {
  const share = (ticks: number) => judge([keepAlive(90, ticks)], null, null)[1];
  deepEqual([share(79).met, share(79).found], [true, "7.90 %"]);
  deepEqual([share(80).met, share(80).found], [false, "8.00 %"]);
});

Deno.test("a user share without any time has not met its goal", () => {
  const micros = { ringway: [1], nginx: [2], haproxy: [3] };
  const none = summarizeLoad(testLoad("keep-alive", micros, { userTicks: 0, systemTicks: 0 }));
  deepEqual(judge([none], null, null)[1].met, false);
});

Deno.test("any collection misses the goal of none", () => {
  const garbage = (collections: number) => judge([], null, testGarbage(2e6, collections))[0];
  deepEqual([garbage(0).met, garbage(0).found], [true, "none in 2,000,000"]);
  deepEqual([garbage(1).met, garbage(1).found], [false, "1 collection in 2,000,000"]);
});

Deno.test("memory per connection is bounded", () => {
  const memory = (ringway: number) =>
    judge([], summarizeIdle(testIdle({ ringway, nginx: 9000, haproxy: 3000 })), null)[0];
  deepEqual([memory(512).met, memory(512).found], [true, "512 B"]);
  deepEqual([memory(513).met, memory(513).found], [false, "513 B"]);
});

Deno.test("only what was measured is judged, and a miss is said", () => {
  deepEqual(judge([], null, null), []);
  const bulk = summarizeLoad(testLoad("bulk", { ringway: [95], nginx: [100], haproxy: [99] }));
  const verdicts = judge([keepAlive(90, 50), bulk], null, null);
  deepEqual(verdicts.map(({ met }) => met), [true, false, true]);
  match(verdicts[1].found, /of HAProxy/);
  equal(describeVerdicts(verdicts), "goals measured: 3, met: 2, MISSED: 1");
  equal(describeVerdicts(verdicts.slice(0, 1)), "goals measured: 1, all met");
});
