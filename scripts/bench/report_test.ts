import { deepEqual, equal } from "node:assert/strict";
import { testReport } from "./test_result.ts";

Deno.test("a report judges what was measured", () => {
  const report = testReport();
  deepEqual(report.load.map(({ name }) => name), [
    "keep-alive",
    "health",
    "connection",
    "bulk",
    "bulk-tuned",
    "udp-64",
    "udp-512",
    "udp-bulk",
    "udp-dns",
  ]);
  equal(report.verdicts.length, 17);
  deepEqual(report.doubts, []);
});

Deno.test("a report survives being written as JSON, with every sample", () => {
  const copy = JSON.parse(JSON.stringify(testReport()));
  deepEqual(copy.load[0].contenders[1].samples.length, 1);
  deepEqual(copy.load[0].contenders[1].cpuMicros, { median: 20, min: 20, max: 20 });
  deepEqual(copy.memory[0].contenders[0].samples[0].fullBytes, 8000 * 128);
  deepEqual(copy.machine.versions.programs.wrk, "4.1.0");
});
