import { deepEqual, equal } from "node:assert/strict";
import { askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { MoodyServer, tell } from "../moody_server.ts";
import { refusingAddresses } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

for (
  const balance of [
    "round_robin",
    "least_conn",
    "p2c",
    "random",
    "first",
    "least_latency",
    "consistent_hash",
  ]
) {
  Deno.test(`${balance}: a connection tries every server once, and none twice`, async () => {
    const count = 4;
    await using ringway = await startRingway(configText({
      servers: refusingAddresses(count),
      backend: `balance: ${balance}, retries: 10, retry_budget: 100%, outlier_detection: false`,
    }));
    await askNames(ringway.port(), 5);
    const { backends } = await ringway.until("they are counted", ({ listeners }) => {
      return listeners[0].refused === 5;
    });
    const tried = backends[0].servers.map(({ connect_failures }) => connect_failures);
    deepEqual(tried, Array(count).fill(5));
  });
}

Deno.test("retries end with their budget, and first tries go on", async () => {
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({
    servers: [...refusingAddresses(1), b],
    backend: "balance: first, retry_budget: 0%, outlier_detection: false",
  }));
  const startedMs = performance.now();
  const counts = tally(await askNames(ringway.port(), 200));
  const tookMs = performance.now() - startedMs;
  // Three a second are always allowed: thirty within the ten seconds that are looked at.
  equal(tookMs < 10_000, true);
  equal(counts.b >= 3 && counts.b <= 40, true, JSON.stringify(counts));
  const [first] = (await ringway.snapshot()).backends[0].servers;
  equal(first.connect_failures, 200);
});
