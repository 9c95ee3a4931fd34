import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { Origin, readToEnd, writeAll } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

/** More than sockets hold: part of it is still queued when the FIN comes. */
const LONG_TEXT = "0123456789abcdef".repeat(1024 * 1024);

function configFor(origin: Origin): string {
  return `
workers: 1
listeners:
  web: { bind: "127.0.0.1:0", backend: app }
backends:
  app: ["${origin.address}"]
`;
}

Deno.test("a client that has ended its half still gets everything", async () => {
  let request = "";
  await using origin = new Origin(async (connection) => {
    request = await readToEnd(connection);
    // Only now that the client's FIN has arrived.
    await writeAll(connection, LONG_TEXT);
  });
  await using ringway = await startRingway(configFor(origin));
  using client = await Client.connect(ringway.port());
  await client.send("all that I have to say");
  await client.endWriting();
  const { text, end } = await client.receiveRest();
  strictEqual(request, "all that I have to say");
  strictEqual(text.length, LONG_TEXT.length);
  strictEqual(text, LONG_TEXT);
  strictEqual(end, "fin");
});

Deno.test("a server that has ended its half still gets everything", async () => {
  const received = Promise.withResolvers<string>();
  await using origin = new Origin(async (connection) => {
    await writeAll(connection, "goodbye");
    await connection.closeWrite();
    received.resolve(await readToEnd(connection));
  });
  await using ringway = await startRingway(configFor(origin));
  using client = await Client.connect(ringway.port());
  strictEqual((await client.receiveRest()).text, "goodbye");
  await client.send(LONG_TEXT);
  await client.endWriting();
  const text = await received.promise;
  strictEqual(text.length, LONG_TEXT.length);
  strictEqual(text, LONG_TEXT);
  await ringway.until("no connection is open", ({ workers }) => workers[0].tunnels === 0);
});

Deno.test("what was sent before a FIN arrives before it", async () => {
  const received = Promise.withResolvers<string>();
  await using origin = new Origin(async (connection) => {
    await connection.closeWrite();
    received.resolve(await readToEnd(connection));
  });
  await using ringway = await startRingway(configFor(origin));
  using client = await Client.connect(ringway.port());
  await client.send(LONG_TEXT);
  await client.endWriting();
  strictEqual((await received.promise) === LONG_TEXT, true);
  strictEqual((await client.receiveRest()).end, "fin");
});
