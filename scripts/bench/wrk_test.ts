import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { parseWrk } from "./wrk.ts";

const OUTPUT = `Running 3s test @ http://127.0.0.1:9000/small
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.44ms  310.22us   9.71ms   88.15%
    Req/Sec    44.60k     2.31k   48.86k    70.00%
  Latency Distribution
     50%  980.00us
     75%    1.54ms
     90%    1.71ms
     99%    2.38ms
  133154 requests in 3.00s, 21.84MB read
Requests/sec:  44371.13
Transfer/sec:      7.28MB
`;

Deno.test("what wrk prints is read", () => {
  deepStrictEqual(parseWrk(OUTPUT), {
    count: 133154,
    seconds: 3,
    p50Micros: 980,
    p99Micros: 2380,
    errors: 0,
  });
});

Deno.test("seconds and minutes are times too", () => {
  const slow = OUTPUT.replace("980.00us", "1.02s").replace("in 3.00s", "in 1.50m");
  deepStrictEqual([parseWrk(slow).p50Micros, parseWrk(slow).seconds], [1_020_000, 90]);
});

Deno.test("failures are counted together", () => {
  const output = OUTPUT.replace(
    "Requests/sec",
    "  Socket errors: connect 1, read 2, write 3, timeout 4\n" +
      "  Non-2xx or 3xx responses: 5\nRequests/sec",
  );
  strictEqual(parseWrk(output).errors, 15);
});

Deno.test("an output without figures is refused", () => {
  throws(() => parseWrk("unable to connect to 127.0.0.1:9000 Connection refused"), /cannot read/);
  throws(() => parseWrk(OUTPUT.replace("133154 requests", "0 requests")), /cannot read/);
});
