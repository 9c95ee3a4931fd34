import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { Origin, readToEnd, SilentServer, writeAll } from "../origin.ts";
import { cpuShare } from "../process_table.ts";
import { startRingway } from "../ringway_process.ts";

const IDLE_SHARE_MAX = 0.05;

Deno.test("connections that stand still in every way cost no CPU time", async () => {
  using silent = await SilentServer.start();
  await using origin = new Origin(async (connection, stopped) => {
    const first = new Uint8Array(1);
    await connection.read(first);
    switch (new TextDecoder().decode(first)) {
      case "h": // half closed by the client
        await readToEnd(connection);
        return await stopped;
      case "s": // half closed by the server
        await connection.closeWrite();
        return await stopped;
      case "f": // flooded, and the client does not read
        for (;;) await writeAll(connection, new Uint8Array(64 * 1024));
    }
    await stopped; // idle
  });
  await using ringway = await startRingway(`
workers: 1
listeners:
  web: { bind: "127.0.0.1:0", backend: app }
  full: { bind: "127.0.0.1:0", backend: app, limits: { connections: 1 } }
  late: { bind: "127.0.0.1:0", backend: silent }
backends:
  app: ["${origin.address}"]
  silent: { servers: ["${silent.address}"], timeouts: { connect: 1m } }
`);
  using clients = new DisposableStack();
  for (const first of ["h", "s", "f", "i", "h", "s", "f", "i"]) {
    const client = clients.use(await Client.connect(ringway.port("web")));
    await client.send(first);
    if (first === "h") await client.endWriting();
  }
  for (const name of ["full", "full", "full", "late", "late"]) {
    clients.use(await Client.connect(ringway.port(name)));
  }
  await ringway.until("all are where they will stay", ({ listeners }) => {
    return listeners.map(({ open }) => open).join(" ") === "8 1 2";
  });
  // The flood has come to a stop too.
  const sent = async () => (await ringway.untilTurned(4)).listeners[0].sent_bytes;
  for (let before = -1, now = await sent(); now !== before;) {
    before = now;
    now = await sent();
  }
  const share = await cpuShare(ringway.workerPids[0]);
  strictEqual(share < IDLE_SHARE_MAX, true, `${share} of a core`);
});
