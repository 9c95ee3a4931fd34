import { deepStrictEqual, throws } from "node:assert/strict";
import { parseDnsperf } from "./dnsperf.ts";

const OUTPUT = `DNS Performance Testing Tool
Version 2.10.0

[Status] Command line: dnsperf -s 127.0.0.1 -p 36705 -d q -l 1 -c 4 -q 4 -T 1 -t 1
[Timeout] Query timed out: msg id 4
[Status] Testing complete (time limit)

Statistics:

  Queries sent:         59500
  Queries completed:    59495 (99.99%)
  Queries lost:         5 (0.01%)

  Response codes:       NOERROR 59495 (100.00%)
  Average packet size:  request 24, response 40
  Run time (s):         1.000432
  Queries per second:   59469.309

  Average Latency (s):  0.000267 (min 0.000018, max 0.005210)
  Latency StdDev (s):   0.000775
`;

Deno.test("what dnsperf prints is read, and no percentile is made up", () => {
  deepStrictEqual(parseDnsperf(OUTPUT), {
    count: 59495,
    seconds: 1.000432,
    p50Micros: NaN,
    p99Micros: NaN,
    errors: 5,
  });
});

Deno.test("an answer that tells of a failure is none", () => {
  const codes = "NOERROR 59000 (99.17%), SERVFAIL 495 (0.83%)";
  const { count, errors } = parseDnsperf(OUTPUT.replace("NOERROR 59495 (100.00%)", codes));
  deepStrictEqual([count, errors], [59000, 500]);
});

Deno.test("an output without figures or without answers is refused", () => {
  throws(() => parseDnsperf("Error: could not open input file"), /cannot read/);
  throws(() => parseDnsperf(OUTPUT.replace("NOERROR 59495 (100.00%)", "")), /cannot read/);
});
