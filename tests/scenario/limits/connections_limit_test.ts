import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

const LIMIT = 4;
const CLIENTS = 12;

Deno.test("limits.connections holds clients back, over all workers, until others end", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [origin],
    listener: `limits: { connections: ${LIMIT} }`,
  }));
  using clients = new DisposableStack();
  const served: Client[] = [];
  const waiting = Array.from({ length: CLIENTS }, async () => {
    const client = clients.use(await Client.connect(ringway.port()));
    await client.receive(1);
    served.push(client);
  });
  for (let done = 0; done < CLIENTS; done += LIMIT) {
    const count = Math.min(CLIENTS, done + LIMIT);
    await until(`${count} have been served`, () => served.length === count, {
      state: () => `${served.length} have been\n${ringway.state}`,
    });
    // Nobody else gets in, however long they wait.
    const { listeners } = await ringway.untilTurned(3);
    strictEqual(listeners[0].open, LIMIT);
    strictEqual(served.length, count);
    strictEqual(origin.acceptedCount, count);
    for (const client of served.slice(done)) {
      strictEqual(await client.converse("served"), "served");
      client[Symbol.dispose]();
    }
  }
  await Promise.all(waiting);
  const { listeners } = await ringway.until("all have gone", (snapshot) => {
    return snapshot.listeners[0].open === 0;
  });
  strictEqual(listeners[0].total, CLIENTS);
  strictEqual(listeners[0].refused, 0);
});
