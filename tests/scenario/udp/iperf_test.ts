import { strictEqual } from "node:assert/strict";
import { freePort } from "../real/free_port.ts";
import { runIperf, startIperf } from "../real/iperf.ts";
import { startRingway } from "../ringway_process.ts";

/** Of what is sent; the machine of a test may be busy with something else for a moment. */
const LOST_PERCENT_MAX = 1;

Deno.test("iperf3 sends and receives 10 Mbit/s of datagrams with next to no loss", async (t) => {
  await using iperf = await startIperf();
  // One port for both, on an address on which nobody else has it.
  const port = await freePort("127.0.4.20");
  await using _ringway = await startRingway(`
workers: 1
listeners:
  control: { bind: "127.0.4.20:${port}", backend: iperf }
  stream: { bind: "127.0.4.20:${port}", protocol: udp, backend: iperf }
backends:
  iperf: { servers: ["${iperf.address}"] }
`);
  for (const reverse of [false, true]) {
    const result = await runIperf({ port, hostname: "127.0.4.20" }, { megabits: 10, reverse });
    console.log(`${t.name}: ${JSON.stringify(result)}`);
    strictEqual(result.sent > 1000, true, "it has sent something");
    strictEqual(result.lostPercent <= LOST_PERCENT_MAX, true, JSON.stringify(result));
  }
});
