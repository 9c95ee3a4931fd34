import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, readToEnd, writeAll } from "../origin.ts";
import { startRingway, workerCount } from "../ringway_process.ts";
import { until, within } from "../until.ts";

const HALF_CLOSE_MS = 400;
const LISTENER = `timeouts: { half_close: ${HALF_CLOSE_MS}ms }`;
const COUNTER = "ringway_worker_half_close_timeouts_total";

Deno.test("a server that never ends its half is ended after the half-close timeout", async () => {
  const clientIsGone = Promise.withResolvers<void>();
  const serverIsTold = Promise.withResolvers<void>();
  await using origin = new Origin(async (connection) => {
    await readToEnd(connection);
    await clientIsGone.promise;
    try {
      await until("writing fails", async () => {
        await writeAll(connection, "are you there?");
        return false;
      });
    } catch {
      serverIsTold.resolve();
    }
  });
  await using ringway = await startRingway(
    configText({ servers: [origin], listener: LISTENER }),
  );
  using client = await Client.connect(ringway.port());
  await client.send("that was all");
  await client.endWriting();
  const startedMs = performance.now();
  deepStrictEqual(await client.receiveRest(), { text: "", end: "fin" });
  const tookMs = performance.now() - startedMs;
  strictEqual(tookMs >= HALF_CLOSE_MS - 20 && tookMs < HALF_CLOSE_MS + 2000, true, `${tookMs} ms`);
  await ringway.until("it is counted", (snapshot) => {
    return workerCount(snapshot, COUNTER) === 1 && snapshot.workers[0].tunnels === 0;
  });
  clientIsGone.resolve();
  await within("the server is told", serverIsTold.promise);
});

Deno.test("a client that never ends its half is ended after the half-close timeout", async () => {
  await using origin = new Origin(async (connection) => {
    await writeAll(connection, "goodbye");
    await connection.closeWrite();
    await readToEnd(connection);
  });
  await using ringway = await startRingway(
    configText({ servers: [origin], listener: LISTENER }),
  );
  using client = await Client.connect(ringway.port());
  deepStrictEqual(await client.receiveRest(), { text: "goodbye", end: "fin" });
  await ringway.until("it is counted", (snapshot) => {
    return workerCount(snapshot, COUNTER) === 1 && snapshot.workers[0].tunnels === 0;
  });
});

Deno.test("half closed, a connection that moves lives on", async () => {
  await using origin = new Origin(async (connection) => {
    await readToEnd(connection);
    // An answer that takes three times as long as silence may last.
    const startedMs = performance.now();
    await until("it has taken long", async () => {
      await writeAll(connection, "tick ");
      return performance.now() - startedMs > 3 * HALF_CLOSE_MS;
    });
    await writeAll(connection, "done");
  });
  await using ringway = await startRingway(
    configText({ servers: [origin], listener: LISTENER }),
  );
  using client = await Client.connect(ringway.port());
  await client.endWriting();
  const { text, end } = await client.receiveRest();
  strictEqual(text.endsWith("tick done"), true, text);
  strictEqual(end, "fin");
  strictEqual(workerCount(await ringway.snapshot(), COUNTER), 0);
});
