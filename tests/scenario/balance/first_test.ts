import { deepStrictEqual } from "node:assert/strict";
import { askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("first goes down the list and back up", async () => {
  await using a = new Origin(say("a"));
  await using b = new Origin(say("b"));
  await using ringway = await startRingway(configText({
    servers: [a, b],
    // Nobody is kept away from a server that is back.
    backend: "balance: first, outlier_detection: false",
  }));
  deepStrictEqual(tally(await askNames(ringway.port(), 10)), { a: 10 });
  await a.stop();
  deepStrictEqual(tally(await askNames(ringway.port(), 10)), { b: 10 });
  await using _again = new Origin(say("a"), { port: a.port });
  deepStrictEqual(tally(await askNames(ringway.port(), 10)), { a: 10 });
});
