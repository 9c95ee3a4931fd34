import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { withOpenFiles } from "../launcher.ts";
import { greet, MoodyServer } from "../moody_server.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

/** Room for about 95 connections. */
const FILES = 256;
/** A few more than half. */
const HELD = 50;

/** A connection that was served; null when it was refused. */
async function tryClient(port: number): Promise<Client | null> {
  let client: Client | null = null;
  try {
    client = await Client.connect(port);
    await client.receive(1);
    return client;
  } catch {
    client?.[Symbol.dispose]();
    return null;
  }
}

Deno.test("a worker that is nearly full refuses who comes, serves on, and recovers", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using ringway = await startRingway(
    configText({ servers: [a], top: "overload: { files: 50% }" }),
    { launcher: withOpenFiles(FILES) },
  );
  using clients = new DisposableStack();
  const held: Client[] = [];
  for (let i = 0; i < HELD; i++) {
    const client = await tryClient(ringway.port());
    strictEqual(client === null, false, `client ${i} is served`);
    held.push(clients.use(client!));
  }
  await ringway.untilLogged("files at 5");
  strictEqual(await tryClient(ringway.port()), null);
  for (const client of held) strictEqual(await client.converse("unharmed"), "unharmed");

  for (const client of held) client[Symbol.dispose]();
  await until("clients are served again", async () => {
    const client = await tryClient(ringway.port());
    if (client !== null) clients.use(client);
    return client !== null;
  }, { state: () => ringway.state });
});

Deno.test("overload: { memory: off } and marks that are far do not matter", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using ringway = await startRingway(configText({
    servers: [a],
    top: "overload: { memory: off, busy: 100%, files: 99%, buffers: off }",
  }));
  const client = await tryClient(ringway.port());
  strictEqual(await client?.converse("served"), "served");
  client?.[Symbol.dispose]();
});
