import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { BALANCE_NAMES } from "../../../src/config/config.ts";
import { askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { MoodyServer, tell } from "../moody_server.ts";
import { refusingAddresses } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

const TRYING = "retries: 10, retry_budget: 100%, outlier_detection: false";

Deno.test("whatever the policy: a connection tries every server once, and none twice", async () => {
  const servers = refusingAddresses(4).map((address) => `"${address}"`).join(", ");
  const listeners = BALANCE_NAMES.map((name) => {
    return `  ${name}: { bind: "127.0.0.1:0", backend: ${name} }\n`;
  });
  const backends = BALANCE_NAMES.map((name) => {
    return `  ${name}: { servers: [${servers}], balance: ${name}, ${TRYING} }\n`;
  });
  await using ringway = await startRingway(
    `workers: 2\nlisteners:\n${listeners.join("")}backends:\n${backends.join("")}`,
  );
  for (const name of BALANCE_NAMES) await askNames(ringway.port(name), 5);
  const snapshot = await ringway.until("they are counted", ({ listeners }) => {
    return listeners.every(({ refused }) => refused === 5);
  });
  for (const { name, servers } of snapshot.backends) {
    deepStrictEqual(servers.map(({ connect_failures }) => connect_failures), [5, 5, 5, 5], name);
  }
});

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
  strictEqual(tookMs < 10_000, true);
  strictEqual(counts.b >= 3 && counts.b <= 40, true, JSON.stringify(counts));
  const [first] = (await ringway.snapshot()).backends[0].servers;
  strictEqual(first.connect_failures, 200);
});
