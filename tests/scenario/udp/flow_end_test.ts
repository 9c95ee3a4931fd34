import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { datagramCount } from "../access/listener_counts.ts";
import { configText } from "../config_text.ts";
import {
  answerTimes,
  DatagramServer,
  echoDatagrams,
  ignoreDatagrams,
  readPlace,
} from "../datagram_server.ts";
import { datagramClient, DatagramSocket } from "../datagram_socket.ts";
import { openFileCount } from "../process_table.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

function none({ listeners }: { listeners: readonly { open: number }[] }): boolean {
  return listeners[0].open === 0;
}

Deno.test("idle_timeout ends flows, and their files are closed", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp, udp: { idle_timeout: 500ms }",
  }));
  const [worker] = ringway.workerPids;
  const before = openFileCount(worker);
  using clients = new DisposableStack();
  const startedMs = performance.now();
  for (let i = 0; i < 20; i++) {
    strictEqual(await clients.use(await datagramClient(ringway.port())).ask(`${i}`), `${i}`);
  }
  strictEqual(openFileCount(worker) > before, true, "flows have files");
  await ringway.until("no flow is open", none);
  strictEqual(performance.now() - startedMs >= 400, true, "they lived for a while");
  await until("their files are closed", () => openFileCount(worker) === before);
  strictEqual((await ringway.snapshot()).listeners[0].total, 20);
});

Deno.test("a flow on which something comes, from either side, is not idle", async () => {
  using server = await DatagramServer.start(ignoreDatagrams);
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp, udp: { idle_timeout: 700ms }",
  }));
  using client = await datagramClient(ringway.port());
  await client.send("subscribe");
  await server.untilAsked(1);
  const subscriber = readPlace(server.places[0]);
  const startedMs = performance.now();
  let sent = 0;
  await until("two idle times have passed", async () => {
    await server.socket.send(`news ${sent++}`, subscriber);
    return performance.now() - startedMs > 1500;
  });
  await until("all news have come", () => client.received.length === sent);
  while (performance.now() - startedMs < 3000) {
    const count = server.askedCount + 1;
    await client.send("still here");
    await server.untilAsked(count);
    await ringway.untilTurned(1);
  }
  deepStrictEqual(server.places.length, 1, "it is the same flow");
  strictEqual((await ringway.snapshot()).listeners[0].total, 1);
});

Deno.test("an answer that comes after the end of the flow reaches nobody", async () => {
  using server = await DatagramServer.start(ignoreDatagrams);
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp, udp: { idle_timeout: 200ms }",
  }));
  using client = await datagramClient(ringway.port());
  await client.send("question");
  await server.untilAsked(1);
  const flow = readPlace(server.places[0]);
  await ringway.until("the flow has ended", none);
  await server.socket.send("too late", flow);
  // Another flow of the same client gets its own answers only.
  await client.send("question again");
  await server.untilAsked(2);
  await server.socket.send("in time", readPlace(server.places[1]));
  strictEqual(await client.receive(), "in time");
  deepStrictEqual(client.takeAll(), []);
});

Deno.test("responses: N ends a flow after as many; more are dropped", async () => {
  using server = await DatagramServer.start(answerTimes(4));
  await using ringway = await startRingway(`
workers: 1
listeners:
  one: { bind: "127.0.0.1:0", protocol: udp, backend: app, udp: { responses: 1 } }
  two: { bind: "127.0.0.1:0", protocol: udp, backend: app, udp: { responses: 2 } }
backends:
  app: { servers: ["${server.address}"] }
`);
  for (const [listener, count] of [["one", 1], ["two", 2]] as const) {
    using client = await datagramClient(ringway.port(listener));
    for (const question of ["a", "b", "c"]) {
      await client.send(question);
      for (let i = 1; i <= count; i++) strictEqual(await client.receive(), `${question} ${i}`);
      await ringway.until("no flow is open", ({ listeners }) => {
        return listeners.every(({ open }) => open === 0);
      });
    }
    deepStrictEqual(client.takeAll(), []);
    const snapshot = await ringway.snapshot();
    strictEqual(snapshot.listeners.find(({ name }) => name === listener)!.total, 3);
    strictEqual(datagramCount(snapshot, "sent", listener), 3 * count);
  }
});

Deno.test("with responses: 1 each of several questions of a flow gets its answer", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp, udp: { responses: 1 }",
  }));
  using client = await datagramClient(ringway.port());
  for (let round = 0; round < 20; round++) {
    const questions = Array.from({ length: 10 }, (_, i) => `${round}.${i}`);
    for (const question of questions) await client.send(question);
    await until("all are answered", () => client.received.length === questions.length, {
      state: () => `${client.received.length} are\n${ringway.state}`,
    });
    deepStrictEqual(client.takeAll().sort(), questions);
  }
  await ringway.until("no flow is open", none);
});

Deno.test("an answer from another port of the server is dropped", async () => {
  using other = await DatagramSocket.bind({ hostname: "127.0.0.2", port: 0 });
  using server = await DatagramServer.start(ignoreDatagrams);
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp",
  }));
  using client = await datagramClient(ringway.port());
  await client.send("question");
  await server.untilAsked(1);
  const flow = readPlace(server.places[0]);
  await other.send("forged", flow);
  await server.socket.send("genuine", flow);
  strictEqual(await client.receive(), "genuine");
  deepStrictEqual(client.takeAll(), []);
});
