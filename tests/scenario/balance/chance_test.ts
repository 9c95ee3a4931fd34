import { strictEqual } from "node:assert/strict";
import { askNames, Client, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say, sayThenEcho } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("random is roughly fair, by weight", async () => {
  await using a = new Origin(say("a"));
  await using b = new Origin(say("b"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [`{ address: "${a.address}", weight: 3 }`, b],
    backend: "balance: random",
  }));
  const counts = tally(await askNames(ringway.port(), 400));
  // Expected 300 : 100, with a standard deviation of 8.7: six of them.
  strictEqual(counts.a > 248 && counts.a < 352, true, JSON.stringify(counts));
});

Deno.test("p2c keeps open connections nearly even", async () => {
  await using a = new Origin(sayThenEcho("a"));
  await using b = new Origin(sayThenEcho("b"));
  await using c = new Origin(sayThenEcho("c"));
  await using d = new Origin(sayThenEcho("d"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [a, b, c, d],
    backend: "balance: p2c",
  }));
  using clients = new DisposableStack();
  for (let i = 0; i < 200; i++) {
    const client = clients.use(await Client.connect(ringway.port()));
    await client.receive(1);
  }
  const { backends } = await ringway.snapshot();
  const open = backends[0].servers.map((server) => server.open);
  // 50 each, and at most 3 apart in 99 of 100 runs; drawn by chance alone, 12 apart on average.
  strictEqual(Math.max(...open) - Math.min(...open) <= 8, true, open.join(" "));
});
