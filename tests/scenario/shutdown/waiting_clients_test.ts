import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { echo, Origin, sayThenEcho } from "../origin.ts";
import { signal, stop } from "../process_table.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("clients that were connected before SIGTERM are served, accepted or not", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startRingway(configText({ servers: [origin] }));
  const [worker] = ringway.workerPids;
  await stop(worker);
  using clients = new DisposableStack();
  const waiting: Client[] = [];
  for (let i = 0; i < 100; i++) {
    // The kernel connects them, and takes what they send.
    const client = clients.use(await Client.connect(ringway.port()));
    await client.send("hello");
    waiting.push(client);
  }
  ringway.kill("SIGTERM");
  await ringway.untilLogged("SIGTERM: draining");
  signal(worker, "SIGCONT");
  for (const client of waiting) {
    strictEqual(await client.receive(5), "hello");
    client[Symbol.dispose]();
  }
  strictEqual(await ringway.exitCode(), 0);
});

Deno.test("clients held back at the limit do not keep a drain from ending", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [origin],
    listener: "limits: { connections: 1 }",
  }));
  using clients = new DisposableStack();
  const first = clients.use(await Client.connect(ringway.port()));
  await first.receive(1);
  const ends: Promise<unknown>[] = [];
  for (let i = 0; i < 10; i++) {
    const client = clients.use(await Client.connect(ringway.port()));
    await client.endWriting();
    ends.push(client.receiveRest());
  }
  await ringway.untilTurned(3);
  ringway.kill("SIGTERM");
  await ringway.untilLogged("SIGTERM: draining");
  first[Symbol.dispose]();
  // Served one after the other or turned away, they all come to an end, long before the deadline.
  await Promise.all(ends);
  strictEqual(await ringway.exitCode(5000), 0);
});

Deno.test("clients held back at the limit are cut at the deadline", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [origin],
    listener: "limits: { connections: 1 }",
    top: "drain: 300ms",
  }));
  using clients = new DisposableStack();
  const first = clients.use(await Client.connect(ringway.port()));
  await first.receive(1);
  for (let i = 0; i < 10; i++) clients.use(await Client.connect(ringway.port()));
  await ringway.untilTurned(3);
  ringway.kill("SIGTERM");
  strictEqual((await first.receiveRest()).end, "reset");
  strictEqual(await ringway.exitCode(5000), 3);
});
