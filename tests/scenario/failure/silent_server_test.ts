import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { askName, Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say, SilentServer } from "../origin.ts";
import { startRingway, workerCount } from "../ringway_process.ts";

const CONNECT_TIMEOUT_MS = 300;

Deno.test("a server that does not answer is given up after the connect timeout", async () => {
  using silent = await SilentServer.start();
  await using origin = new Origin(say("second"));
  await using ringway = await startRingway(configText({
    servers: [silent, origin],
    backend: `balance: first, timeouts: { connect: ${CONNECT_TIMEOUT_MS}ms }`,
  }));
  const startedMs = performance.now();
  strictEqual(await askName(ringway.port()), "second");
  const tookMs = performance.now() - startedMs;
  strictEqual(tookMs >= CONNECT_TIMEOUT_MS && tookMs < 3000, true, `it took ${tookMs} ms`);
  const snapshot = await ringway.snapshot();
  strictEqual(workerCount(snapshot, "ringway_worker_connect_timeouts_total"), 1);
  const [first, second] = snapshot.backends[0].servers;
  deepStrictEqual([first.connect_failures, first.retries, first.total, first.open], [1, 1, 0, 0]);
  strictEqual(second.total, 1);
  await ringway.untilLogged(`no answer within ${CONNECT_TIMEOUT_MS} ms`);
});

Deno.test("the client is closed when no server answers in time", async () => {
  using silent = await SilentServer.start();
  await using ringway = await startRingway(configText({
    servers: [silent],
    backend: `timeouts: { connect: ${CONNECT_TIMEOUT_MS}ms }`,
  }));
  using client = await Client.connect(ringway.port());
  deepStrictEqual(await client.receiveRest(), { text: "", end: "fin" });
  const snapshot = await ringway.until("it is counted", ({ listeners }) => {
    return listeners[0].refused === 1 && listeners[0].open === 0;
  });
  strictEqual(workerCount(snapshot, "ringway_worker_connect_timeouts_total"), 1);
});
