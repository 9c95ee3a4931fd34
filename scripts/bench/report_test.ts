import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { testReport } from "./test_result.ts";

Deno.test("a report judges what was measured", () => {
  const report = testReport();
  deepStrictEqual(report.load.map(({ name }) => name), [
    "keep-alive",
    "health",
    "engines",
    "connection",
    "bulk",
    "bulk-tuned",
    "udp-64",
    "udp-512",
    "udp-engines",
    "udp-bulk",
    "udp-dns",
  ]);
  strictEqual(report.verdicts.length, 18);
  deepStrictEqual(report.doubts, []);
});

Deno.test("a report survives being written as JSON, with every sample", () => {
  const copy = JSON.parse(JSON.stringify(testReport()));
  deepStrictEqual(copy.load[0].contenders[1].samples.length, 1);
  deepStrictEqual(copy.load[0].contenders[1].cpuMicros, { median: 20, min: 20, max: 20 });
  deepStrictEqual(copy.memory[0].contenders[0].samples[0].fullBytes, 8000 * 128);
  deepStrictEqual(copy.machine.versions.programs.wrk, "4.1.0");
});
