import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { IDLE_CASE } from "./goal.ts";
import { summarizeLoad, summarizeMemory } from "./summary.ts";
import { testLoad, testMemory } from "./test_result.ts";

const MICROS = { ringway: [9, 10, 20], nginx: [20, 20, 20], haproxy: [30, 10, 30] };

Deno.test("a case under load comes to medians with their range", () => {
  const { contenders, name } = summarizeLoad(testLoad("bulk", MICROS));
  strictEqual(name, "bulk");
  deepStrictEqual(contenders.map((each) => each.name), ["ringway", "nginx", "haproxy"]);
  deepStrictEqual(contenders[0].cpuMicros, { median: 10, min: 9, max: 20 });
  strictEqual(contenders[0].perSecond.median, 30_000);
});

Deno.test("Ringway is compared with the peer whose median is better", () => {
  const { comparison } = summarizeLoad(testLoad("bulk", MICROS));
  deepStrictEqual([comparison.peer, comparison.ratio.median], ["nginx", 0.5]);
});

Deno.test("the part of the core that was used is known", () => {
  const { contenders } = summarizeLoad(testLoad("bulk", MICROS));
  strictEqual(contenders[1].coreShare.median, 0.6);
});

Deno.test("the part of the core is known too where CPU time is told per thousand", () => {
  const result = testLoad("udp-bulk", { ringway: [4000], nginx: [8000] }, { count: 160_000 });
  strictEqual(summarizeLoad(result).contenders[1].coreShare.median, 0.64);
});

Deno.test("latencies are compared apart from CPU time", () => {
  const result = testLoad("udp-64", { ringway: [10], nginx: [20] });
  const [own, peer] = result.contenders;
  const slow = { ...own, samples: own.samples.map((each) => ({ ...each, p99Micros: 6000 })) };
  const { comparison, latencyComparison } = summarizeLoad({
    ...result,
    contenders: [slow, peer],
  });
  deepStrictEqual([comparison.ratio.median, latencyComparison.ratio.median], [0.5, 1.5]);
});

Deno.test("ticks and errors are summed over the rounds", () => {
  const ticks = { userTicks: 3, systemTicks: 97, errors: 2 };
  const { contenders } = summarizeLoad(testLoad("keep-alive", MICROS, ticks));
  deepStrictEqual([contenders[0].userShare, contenders[0].errors], [0.03, 6]);
  const none = { userTicks: 0, systemTicks: 0 };
  ok(Number.isNaN(summarizeLoad(testLoad("bulk", MICROS, none)).contenders[0].userShare));
});

Deno.test("idle connections are compared by their memory", () => {
  const summary = summarizeMemory(
    testMemory(IDLE_CASE, { ringway: 100, nginx: 9000, haproxy: 2000 }),
  );
  deepStrictEqual([summary.comparison.peer, summary.comparison.ratio.median], ["haproxy", 0.05]);
  strictEqual(summary.contenders[1].bytesEach.median, 9000);
});
