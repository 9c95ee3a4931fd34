import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { askName, askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say } from "../origin.ts";
import { startRingway, workerCount } from "../ringway_process.ts";

/** limits.ts, LOG_LINES_PER_SECOND. */
const LINES_PER_SECOND = 20;

Deno.test("without any server clients are closed and counted, until one returns", async () => {
  await using a = new Origin(say("a"));
  await using b = new Origin(say("b"));
  await using ringway = await startRingway(configText({
    servers: [a, b],
    // Of both it would be asked again later, or not at all for a while.
    backend: "outlier_detection: false, retry_budget: 100%",
  }));
  await askNames(ringway.port(), 2);
  await a.stop();
  await b.stop();
  const startedMs = performance.now();
  deepStrictEqual(tally(await askNames(ringway.port(), 300)), { "": 300 });
  const seconds = (performance.now() - startedMs) / 1000;
  const snapshot = await ringway.until("all are counted", ({ listeners }) => {
    return listeners[0].refused === 300 && listeners[0].open === 0;
  });
  strictEqual(workerCount(snapshot, "ringway_worker_log_dropped_total") > 0, true);
  const lines = ringway.log.filter((line) => line.includes('"worker":0')).length;
  strictEqual(
    lines > 0 && lines <= LINES_PER_SECOND * (seconds + 2),
    true,
    `${lines} in ${seconds} s`,
  );

  // Nobody has to tell that a server is back.
  await using _again = new Origin(say("b"), { port: b.port });
  strictEqual(await askName(ringway.port()), "b");
});
