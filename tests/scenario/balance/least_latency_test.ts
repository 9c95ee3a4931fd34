import { equal } from "node:assert/strict";
import { askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { named } from "../health_status.ts";
import { late, MoodyServer, tell } from "../moody_server.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("least_latency sends most clients to servers that answer soon", async () => {
  await using a = await MoodyServer.start(late(tell("a"), 60));
  await using b = await MoodyServer.start(tell("b"));
  await using c = await MoodyServer.start(tell("c"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b, c }),
    backend: "balance: least_latency",
  }));
  const counts = tally(await askNames(ringway.port(), 120));
  equal(counts.b > 20 && counts.c > 20, true, JSON.stringify(counts));
  equal((counts.a ?? 0) < 20, true, JSON.stringify(counts));
});
