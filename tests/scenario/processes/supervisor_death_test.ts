import { rejects, strictEqual } from "node:assert/strict";
import { Client, isRefused } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { isAlive, signal } from "../process_table.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

/** Longer than limits.ts, ORPHAN_ACCEPT_MS, and what a start of a process takes. */
const PATIENCE_MS = 15_000;

Deno.test("when the supervisor dies workers serve on, then drain away", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [origin],
    top: "drain: 20s",
  }));
  const port = ringway.port();
  const workers = ringway.workerPids;
  using old = await Client.connect(port);
  await old.receive(1);
  signal(ringway.pid, "SIGKILL");
  await until("the supervisor is gone", () => !isAlive(ringway.pid));

  strictEqual(await old.converse("still there?"), "still there?");
  for (let i = 0; i < 20; i++) await askFirst(port);
  strictEqual(workers.every(isAlive), true);

  // After a while nobody new is taken; who is there is served to the end.
  await until("new clients are refused", () => isRefused(port), { withinMs: PATIENCE_MS });
  strictEqual(await old.converse("and now?"), "and now?");
  await old.endWriting();
  strictEqual((await old.receiveRest()).end, "fin");
  await untilAllAreGone(ringway);
});

Deno.test("orphaned workers cut what is left after the drain's deadline", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [origin],
    top: "drain: 300ms",
  }));
  using client = await Client.connect(ringway.port());
  await client.receive(1);
  signal(ringway.pid, "SIGKILL");
  strictEqual((await client.receiveRest()).end, "reset");
  await untilAllAreGone(ringway);
});

Deno.test("an orphaned worker obeys SIGTERM itself", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ workers: 2, servers: [origin] }));
  const port = ringway.port();
  using client = await Client.connect(port);
  await client.receive(1);
  signal(ringway.pid, "SIGKILL");
  await until("the supervisor is gone", () => !isAlive(ringway.pid));
  const startedMs = performance.now();
  for (const pid of ringway.workerPids) signal(pid, "SIGTERM");
  await until("new clients are refused", () => isRefused(port));
  strictEqual(performance.now() - startedMs < 3000, true, "at once, not after the orphan's time");
  strictEqual(await client.converse("still there?"), "still there?");
  client[Symbol.dispose]();
  await untilAllAreGone(ringway);
});

Deno.test("a worker that has a supervisor does not obey SIGTERM itself", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ servers: [origin] }));
  const [worker] = ringway.workerPids;
  for (const name of ["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"] as const) signal(worker, name);
  const { workers } = await ringway.untilTurned(3);
  strictEqual(workers[0].state, "serving");
  strictEqual(workers[0].pid, worker);
  await askFirst(ringway.port());
  signal(ringway.pid, "SIGTERM");
  strictEqual(await ringway.exitCode(), 0);
  await rejects(Client.connect(ringway.port()), Deno.errors.ConnectionRefused);
});

async function askFirst(port: number): Promise<void> {
  using client = await Client.connect(port);
  strictEqual(await client.receive(1), "!");
}

async function untilAllAreGone(ringway: RingwayProcess): Promise<void> {
  await until("no process of it is left", () => ringway.processes.length === 0, {
    state: () => `${ringway.processes.join(" ")}\n${ringway.state}`,
    withinMs: PATIENCE_MS,
  });
}
