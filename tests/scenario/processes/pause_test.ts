import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { echo, Origin } from "../origin.ts";
import { signal, stop } from "../process_table.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

/** Longer than a heartbeat may stand still: limits.ts, HEARTBEAT_MS_MAX. */
const PAUSE_MS = 4500;

Deno.test("a pause of the whole program, as by Ctrl-Z, costs no connection", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startRingway(configText({ workers: 2, servers: [origin] }));
  using client = await Client.connect(ringway.port());
  strictEqual(await client.converse("before"), "before");
  const pids = ringway.workerPids;
  for (const pid of [...pids, ringway.pid]) await stop(pid);
  const pausedMs = performance.now();
  await until("it has stood still for long", () => performance.now() - pausedMs > PAUSE_MS);

  // The supervisor is the first to wake up, and looks after its workers at once.
  signal(ringway.pid, "SIGCONT");
  for (let i = 0; i < 3; i++) await ringway.snapshot();
  for (const pid of pids) signal(pid, "SIGCONT");
  strictEqual(await client.converse("after"), "after");
  const { workers } = await ringway.untilTurned(3);
  strictEqual(workers.map(({ pid }) => pid).join(), pids.join(), "no worker was replaced");
});
