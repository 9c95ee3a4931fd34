import { rejects, strictEqual } from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, readToEnd, swallow } from "../origin.ts";
import { type RingwayProcess, startRingway, workerCount } from "../ringway_process.ts";
import { within } from "../until.ts";

/** Connects with a socket that can be reset: the runtime's own connections cannot. */
async function connectResettable(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  await once(socket, "connect");
  return socket;
}

async function untilServerHas(ringway: RingwayProcess, bytes: number): Promise<void> {
  await ringway.until(`the server has been sent ${bytes} bytes`, ({ backends }) => {
    return backends[0].servers[0].sent_bytes === bytes;
  });
}

Deno.test("a reset by the client is a reset to the server", async () => {
  const read = Promise.withResolvers<string>();
  await using origin = new Origin((connection) => {
    read.resolve(readToEnd(connection));
    return read.promise.then(() => {});
  });
  await using ringway = await startRingway(configText({ servers: [origin] }));
  const socket = await connectResettable(ringway.port());
  socket.write("hello");
  await untilServerHas(ringway, 5);
  socket.resetAndDestroy();
  await rejects(within("the server sees the end", read.promise), Deno.errors.ConnectionReset);
  await ringway.until("the reset is counted and nothing left", (snapshot) => {
    return workerCount(snapshot, "ringway_worker_resets_total") === 1 &&
      snapshot.workers[0].tunnels === 0;
  });
});

Deno.test("a reset after the client's FIN is a reset to the server", async () => {
  const ended = Promise.withResolvers<void>();
  const told = Promise.withResolvers<unknown>();
  await using origin = new Origin(async (connection) => {
    await readToEnd(connection);
    ended.resolve();
    try {
      // Nobody reads it, so that one write fails once the reset has come.
      for (;;) await connection.write(new Uint8Array(64 * 1024));
    } catch (failure) {
      told.resolve(failure);
    }
  });
  await using ringway = await startRingway(configText({ servers: [origin] }));
  const socket = await connectResettable(ringway.port());
  socket.pause();
  socket.end();
  await within("the server sees the FIN", ended.promise);
  socket.resetAndDestroy();
  const failure = await within("the server sees the reset", told.promise);
  strictEqual(
    failure instanceof Deno.errors.ConnectionReset || failure instanceof Deno.errors.BrokenPipe,
    true,
  );
});

Deno.test("a reset by the server is a reset to the client", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.resetAndDestroy());
  });
  server.listen(0, "127.0.0.2");
  await once(server, "listening");
  const address = server.address() as { port: number };
  try {
    await using ringway = await startRingway(
      configText({ servers: [`127.0.0.2:${address.port}`] }),
    );
    using client = await Client.connect(ringway.port());
    await client.send("die");
    strictEqual((await client.receiveRest()).end, "reset");
    await ringway.until("the reset is counted", ({ backends }) => {
      return backends[0].servers[0].resets === 1 && backends[0].servers[0].open === 0;
    });
  } finally {
    server.close();
    await once(server, "close");
  }
});

Deno.test("one connection's reset does not touch another", async () => {
  await using origin = new Origin(swallow);
  await using ringway = await startRingway(configText({ servers: [origin] }));
  using other = await Client.connect(ringway.port());
  await other.send("stay");
  const socket = await connectResettable(ringway.port());
  socket.write("go");
  await untilServerHas(ringway, 6);
  socket.resetAndDestroy();
  await ringway.until("one connection is left", ({ workers }) => workers[0].tunnels === 1);
  await other.send("still here");
  await untilServerHas(ringway, 16);
  await other.endWriting();
  strictEqual((await other.receiveRest()).end, "fin");
});
