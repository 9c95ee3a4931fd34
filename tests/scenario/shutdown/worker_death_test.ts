import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { signal } from "../process_table.ts";
import { launchRingway, startRingway } from "../ringway_process.ts";

Deno.test("a worker killed while draining is not replaced, and it ends with 3", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ workers: 2, servers: [origin] }));
  using client = await Client.connect(ringway.port());
  await client.receive(1);
  ringway.kill("SIGTERM");
  const { workers } = await ringway.until("one worker has ended", ({ workers }) => {
    return workers.filter(({ state }) => state === "down").length === 1;
  });
  signal(workers.find(({ pid }) => pid > 0)!.pid, "SIGKILL");
  strictEqual(await ringway.exitCode(), 3);
  strictEqual(ringway.processes.length, 0);
});

Deno.test("SIGTERM while it starts ends it with 0", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = launchRingway(configText({ workers: 2, servers: [origin] }));
  // Everything is bound, the workers are starting.
  await ringway.untilLogged("2 workers, configuration");
  ringway.kill("SIGTERM");
  strictEqual(await ringway.exitCode(5000), 0);
  strictEqual(ringway.processes.length, 0);
});
