import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { echo, ignore, Origin, readToEnd, writeAll } from "../origin.ts";
import { startRingway, workerCount } from "../ringway_process.ts";
import { until, within } from "../until.ts";

const IDLE_MS = 400;
const LISTENER = `timeouts: { idle: ${IDLE_MS}ms }`;
const COUNTER = "ringway_worker_idle_timeouts_total";

Deno.test("a connection on which nothing moves is ended after the idle timeout", async () => {
  const ended = Promise.withResolvers<string>();
  await using origin = new Origin(async (connection) => ended.resolve(await readToEnd(connection)));
  await using ringway = await startRingway(
    configText({ servers: [origin], listener: LISTENER }),
  );
  const startedMs = performance.now();
  using client = await Client.connect(ringway.port());
  deepStrictEqual(await client.receiveRest(), { text: "", end: "fin" });
  const tookMs = performance.now() - startedMs;
  strictEqual(tookMs >= IDLE_MS && tookMs < IDLE_MS + 2000, true, `it took ${tookMs} ms`);
  strictEqual(await within("the server sees the end", ended.promise), "");
  await ringway.until("it is counted", (snapshot) => {
    return workerCount(snapshot, COUNTER) === 1 && snapshot.workers[0].tunnels === 0;
  });
});

Deno.test("a connection that talks lives on, whatever the idle timeout", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startRingway(
    configText({ servers: [origin], listener: LISTENER }),
  );
  using client = await Client.connect(ringway.port());
  const startedMs = performance.now();
  await until("it has talked three times as long", async () => {
    strictEqual(await client.converse("still here"), "still here");
    return performance.now() - startedMs > 3 * IDLE_MS;
  });
  const snapshot = await ringway.snapshot();
  strictEqual(workerCount(snapshot, COUNTER), 0);
  strictEqual((await client.receiveRest()).end, "fin", "then it falls silent");
});

Deno.test("bytes in one direction are enough to live on", async () => {
  const received = Promise.withResolvers<string>();
  await using origin = new Origin(async (connection) => {
    received.resolve(await readToEnd(connection));
  });
  await using ringway = await startRingway(
    configText({ servers: [origin], listener: LISTENER }),
  );
  using client = await Client.connect(ringway.port());
  const startedMs = performance.now();
  let sent = "";
  await until("it has sent three times as long", async () => {
    await client.send(".");
    sent += ".";
    return performance.now() - startedMs > 3 * IDLE_MS;
  });
  await client.endWriting();
  strictEqual(await within("the server has everything", received.promise), sent);
});

Deno.test("a client that never reads is ended when it has stopped everything", async () => {
  const told = Promise.withResolvers<unknown>();
  await using origin = new Origin(async (connection) => {
    try {
      for (;;) await writeAll(connection, new Uint8Array(256 * 1024));
    } catch (failure) {
      told.resolve(failure);
    }
  });
  await using ringway = await startRingway(
    configText({ servers: [origin], listener: LISTENER }),
  );
  using client = await Client.connect(ringway.port());
  const failure = await within("the server is told", told.promise);
  strictEqual(failure instanceof Deno.errors.ConnectionReset, true, String(failure));
  // Bytes were lost: the client must not take this for an end.
  strictEqual((await client.receiveRest()).end, "reset");
  const snapshot = await ringway.until("nothing is left", ({ workers }) => {
    return workers[0].tunnels === 0 && workers[0].buffers_leased === 0;
  });
  strictEqual(workerCount(snapshot, COUNTER), 1);
});

Deno.test("a server that never reads is ended when it has stopped everything", async () => {
  await using origin = new Origin(ignore);
  await using ringway = await startRingway(
    configText({ servers: [origin], listener: LISTENER }),
  );
  using client = await Client.connect(ringway.port());
  let failure: unknown;
  try {
    for (;;) await client.send(new Uint8Array(256 * 1024));
  } catch (thrown) {
    failure = thrown;
  }
  strictEqual(failure instanceof Deno.errors.ConnectionReset, true, String(failure));
  const snapshot = await ringway.until("nothing is left", ({ workers }) => {
    return workers[0].tunnels === 0 && workers[0].buffers_leased === 0;
  });
  strictEqual(workerCount(snapshot, COUNTER), 1);
});
