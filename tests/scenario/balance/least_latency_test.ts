import { strictEqual } from "node:assert/strict";
import { Client, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { named } from "../health_status.ts";
import { answer, late, MoodyServer } from "../moody_server.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("least_latency sends most clients to servers that answer soon", async () => {
  await using a = await MoodyServer.start(late(answer("a"), 60));
  await using b = await MoodyServer.start(answer("b"));
  await using c = await MoodyServer.start(answer("c"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b, c }),
    backend: "balance: least_latency",
  }));
  const names: string[] = [];
  for (let i = 0; i < 120; i++) {
    using client = await Client.connect(ringway.port());
    await client.send("who is there?");
    names.push((await client.receiveRest()).text);
  }
  const counts = tally(names);
  // How the others share them is up to nanoseconds.
  strictEqual((counts.a ?? 0) < 20, true, JSON.stringify(counts));
});
