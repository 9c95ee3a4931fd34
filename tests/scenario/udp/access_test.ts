import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { refusals } from "../access/listener_counts.ts";
import { configText } from "../config_text.ts";
import { DatagramServer, echoDatagrams, ignoreDatagrams, readPlace } from "../datagram_server.ts";
import { askDatagram, datagramClient, type DatagramSocket } from "../datagram_socket.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";

async function startWith(server: DatagramServer, listener: string): Promise<RingwayProcess> {
  return await startRingway(configText({
    servers: [server],
    listener: `protocol: udp, ${listener}`,
  }));
}

/** Sends one datagram from `from` that is not to be answered; the socket keeps what comes. */
async function sendFrom(ringway: RingwayProcess, from: string): Promise<DatagramSocket> {
  const client = await datagramClient(ringway.port(), { from });
  await client.send(`from ${from}`);
  return client;
}

Deno.test("allow and deny: datagrams of others get no answer, no flow and no server", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startWith(server, "allow: [127.0.5.0/24], deny: [127.0.5.66]");
  using denied = await sendFrom(ringway, "127.0.5.66");
  using stranger = await sendFrom(ringway, "127.0.6.1");
  strictEqual(await askDatagram(ringway.port(), "welcome", { from: "127.0.5.7" }), "welcome");
  const snapshot = await ringway.until("two are refused", (snapshot) => {
    return refusals(snapshot, "denied") === 2;
  });
  strictEqual(snapshot.listeners[0].total, 1);
  strictEqual(server.askedCount, 1);
  deepStrictEqual([...denied.takeAll(), ...stranger.takeAll()], []);
});

Deno.test("limits.connections is the number of flows: nobody new until one has ended", async () => {
  using server = await DatagramServer.start(ignoreDatagrams);
  // Flows end with the answer, which the server gives when it is told to.
  await using ringway = await startWith(
    server,
    "limits: { connections: 2 }, udp: { responses: 1 }",
  );
  using one = await datagramClient(ringway.port());
  using two = await datagramClient(ringway.port());
  using three = await datagramClient(ringway.port());
  await one.send("one");
  await two.send("two");
  await server.untilAsked(2);
  await three.send("three");
  const full = await ringway.until("one is refused", (snapshot) => {
    return refusals(snapshot, "limit") === 1;
  });
  strictEqual(full.listeners[0].open, 2);
  // Those inside go on.
  await one.send("one again");
  await server.untilAsked(3);
  strictEqual(server.places.length, 2);
  await server.socket.send("for two", readPlace(server.places[1]));
  strictEqual(await two.receive(), "for two");
  await ringway.until("a flow has ended", ({ listeners }) => listeners[0].open === 1);
  await three.send("three again");
  await server.untilAsked(4);
  await server.socket.send("for three", readPlace(server.places[2]));
  strictEqual(await three.receive(), "for three");
});

Deno.test("connections_per_ip: flows of one address leave room for others", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startWith(server, "limits: { connections_per_ip: 2 }");
  using greedy = new DisposableStack();
  for (let i = 0; i < 5; i++) greedy.use(await sendFrom(ringway, "127.0.5.7"));
  strictEqual(await askDatagram(ringway.port(), "other", { from: "127.0.5.8" }), "other");
  const snapshot = await ringway.until("three are refused", (snapshot) => {
    return refusals(snapshot, "client_limit") === 3;
  });
  strictEqual(snapshot.listeners[0].open, 3);
  strictEqual(server.askedCount, 3);
});

Deno.test("connection_rate counts new flows, not datagrams", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startWith(
    server,
    'limits: { connection_rate: { rate: "1/h", burst: 3 } }',
  );
  using first = await datagramClient(ringway.port());
  for (let i = 0; i < 20; i++) strictEqual(await first.ask(`${i}`), `${i}`);
  strictEqual(await askDatagram(ringway.port(), "second"), "second");
  strictEqual(await askDatagram(ringway.port(), "third"), "third");
  using late = await sendFrom(ringway, "127.0.5.7");
  strictEqual(await first.ask("still here"), "still here");
  await ringway.until("one is refused", (snapshot) => refusals(snapshot, "rate") === 1);
  deepStrictEqual(late.takeAll(), []);
});
