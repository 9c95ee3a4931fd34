import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

for (const balance of ["round_robin", "first", "least_conn", "consistent_hash"]) {
  Deno.test(`${balance}: a backup is used only while all others fail`, async () => {
    await using a = new Origin(say("a"));
    await using b = new Origin(say("b"));
    await using backup = new Origin(say("backup"));
    await using ringway = await startRingway(configText({
      // In front, so that only the mark keeps it from being used.
      servers: [`{ address: "${backup.address}", backup: true }`, a, b],
      // Found by trying: nobody is kept away from a server that is back.
      backend: `balance: ${balance}, retries: 2, retry_budget: 100%, outlier_detection: false`,
    }));
    await askNames(ringway.port(), 10);
    strictEqual(backup.acceptedCount, 0, "both others are there");
    await a.stop();
    deepStrictEqual(tally(await askNames(ringway.port(), 10)), { b: 10 });
    await b.stop();
    deepStrictEqual(tally(await askNames(ringway.port(), 10)), { backup: 10 });
    await using _again = new Origin(say("a"), { port: a.port });
    deepStrictEqual(tally(await askNames(ringway.port(), 10)), { a: 10 });
  });
}
