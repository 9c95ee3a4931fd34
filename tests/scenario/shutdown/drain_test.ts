import { strictEqual } from "node:assert/strict";
import { Client, isRefused } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { startRingway, workerCount } from "../ringway_process.ts";
import { until } from "../until.ts";

Deno.test("SIGTERM lets connections end, refuses new ones, and ends with 0", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ workers: 2, servers: [origin] }));
  const port = ringway.port();
  using old = await Client.connect(port);
  await old.receive(1);
  ringway.kill("SIGTERM");
  await until("new clients are refused", () => isRefused(port), { state: () => ringway.state });
  strictEqual(await old.converse("still there?"), "still there?");
  const { state, listeners } = await ringway.snapshot();
  strictEqual(state, "draining");
  strictEqual(listeners[0].open, 1);
  await old.endWriting();
  strictEqual((await old.receiveRest()).end, "fin");
  strictEqual(await ringway.exitCode(), 0);
  strictEqual(ringway.processes.length, 0);
});

Deno.test("SIGTERM ends it at once when nothing is open", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ workers: 2, servers: [origin] }));
  const startedMs = performance.now();
  ringway.kill("SIGTERM");
  strictEqual(await ringway.exitCode(), 0);
  const tookMs = performance.now() - startedMs;
  strictEqual(tookMs < 3000, true, `it took ${tookMs} ms`);
  strictEqual(ringway.processes.length, 0);
});

Deno.test("connections that outlive the drain's deadline are cut, and it ends with 3", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ servers: [origin], top: "drain: 400ms" }));
  using client = await Client.connect(ringway.port());
  await client.receive(1);
  const startedMs = performance.now();
  ringway.kill("SIGTERM");
  strictEqual((await client.receiveRest()).end, "reset");
  const tookMs = performance.now() - startedMs;
  strictEqual(tookMs >= 400 && tookMs < 3000, true, `it was cut after ${tookMs} ms`);
  strictEqual(await ringway.exitCode(), 3);
});

Deno.test("SIGQUIT drains without a deadline", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ servers: [origin], top: "drain: 100ms" }));
  using client = await Client.connect(ringway.port());
  await client.receive(1);
  ringway.kill("SIGQUIT");
  await ringway.untilLogged("draining without a deadline");
  await until("new clients are refused", () => isRefused(ringway.port()));
  // Some ten times the deadline that SIGTERM would have set.
  await ringway.untilTurned(20);
  strictEqual(await client.converse("still there?"), "still there?");
  strictEqual(workerCount(await ringway.snapshot(), "ringway_worker_tunnels_cut_total"), 0);
  client[Symbol.dispose]();
  strictEqual(await ringway.exitCode(), 0);
});

Deno.test("drain.delay goes on accepting for a while", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({
    servers: [origin],
    top: "drain: { delay: 500ms, timeout: 5s }",
  }));
  const startedMs = performance.now();
  ringway.kill("SIGTERM");
  await ringway.untilLogged("accepting for 500 ms more");
  strictEqual(await isRefused(ringway.port()), false);
  await until("new clients are refused", () => isRefused(ringway.port()));
  strictEqual(performance.now() - startedMs >= 500, true);
  strictEqual(await ringway.exitCode(), 0);
});

Deno.test("SIGHUP changes nothing", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ servers: [origin] }));
  ringway.kill("SIGHUP");
  await ringway.untilLogged("cannot reload");
  strictEqual(await isRefused(ringway.port()), false);
});
