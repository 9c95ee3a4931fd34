import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { isAlive, stop } from "../process_table.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

Deno.test("a worker that stands still is replaced, and its clients are served", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ workers: 2, servers: [origin] }));
  using clients = new DisposableStack();
  const talkers: Client[] = [];
  for (let i = 0; i < 20; i++) {
    const client = clients.use(await Client.connect(ringway.port()));
    await client.receive(1);
    talkers.push(client);
  }
  const before = await ringway.snapshot();
  const [stopped, other] = before.workers;
  await stop(stopped.pid);

  // Clients of the other worker notice nothing. It has those who still get answers.
  const answered = new Set<number>();
  const asking = talkers.map(async (client, i) => {
    try {
      strictEqual(await client.converse("who is there?"), "who is there?");
      answered.add(i);
    } catch {
      // Its worker was killed.
    }
  });
  await until("the other worker's clients are answered", () => answered.size === other.tunnels, {
    state: () => `${answered.size} of ${other.tunnels} are`,
  });
  await ringway.untilLogged("has stopped turning; killed");
  const after = await ringway.until("another serves in its place", ({ workers }) => {
    return workers[0].state === "serving" && workers[0].pid !== stopped.pid;
  });
  await Promise.all(asking);
  strictEqual(answered.size, other.tunnels);
  strictEqual(isAlive(stopped.pid), false);
  strictEqual(after.workers[0].restarts, 1);
  strictEqual(after.workers[1].pid, other.pid);
  strictEqual(after.workers[1].restarts, 0);
  strictEqual(await askFirst(ringway.port()), "!");
});

async function askFirst(port: number): Promise<string> {
  using client = await Client.connect(port);
  return await client.receive(1);
}
