import { strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { DatagramServer, echoDatagrams } from "../datagram_server.ts";
import { datagramClient } from "../datagram_socket.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

Deno.test("a drain lets flows go on until they rest, and begins no new ones", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [server],
    // Resting is no matter of its idle time, which is 30 s.
    listener: "protocol: udp",
  }));
  using client = await datagramClient(ringway.port());
  using stranger = await datagramClient(ringway.port());
  strictEqual(await client.ask("before"), "before");
  ringway.kill("SIGTERM");
  await ringway.until("it drains", ({ workers }) => {
    return workers.every(({ state }) => state !== "serving");
  });
  const startedMs = performance.now();
  while (performance.now() - startedMs < 1500) {
    strictEqual(await client.ask("meanwhile"), "meanwhile");
    await stranger.send("may I?");
  }
  strictEqual(server.places.length, 1, "nobody new");
  strictEqual(stranger.takeAll().length, 0);
  strictEqual(await ringway.exitCode(5000), 0);
});

Deno.test("a drain waits for the last answer of a flow that ends with it", async () => {
  using server = await DatagramServer.start(() => []);
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp, udp: { responses: 1, idle_timeout: 1m }",
  }));
  using client = await datagramClient(ringway.port());
  await client.send("question");
  await server.untilAsked(1);
  ringway.kill("SIGTERM");
  await ringway.until("it drains", ({ workers }) => workers[0].state === "draining");
  const [place] = server.places;
  const [hostname, port] = place.split(":");
  await server.socket.send("answer", { hostname, port: Number(port) });
  strictEqual(await client.receive(), "answer");
  strictEqual(await ringway.exitCode(5000), 0);
});

Deno.test("a drain without flows ends at once, and frees the port", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp",
  }));
  const port = ringway.port();
  ringway.kill("SIGTERM");
  strictEqual(await ringway.exitCode(5000), 0);
  using _next = await DatagramServer.start(echoDatagrams, { hostname: "127.0.0.1", port });
});

Deno.test("flows that talk on are cut at the deadline of the drain", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp",
    top: "drain: { timeout: 400ms }",
  }));
  using client = await datagramClient(ringway.port());
  strictEqual(await client.ask("before"), "before");
  ringway.kill("SIGTERM");
  await until("it has ended", async () => {
    await client.send("still here");
    return ringway.hasEnded;
  });
  strictEqual(await ringway.exitCode(), 3);
});
