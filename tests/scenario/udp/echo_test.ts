import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { configText } from "../config_text.ts";
import { answerNamed, DatagramServer, echoDatagrams, ignoreDatagrams } from "../datagram_server.ts";
import { datagramClient, type DatagramSocket } from "../datagram_socket.ts";
import { startRingway } from "../ringway_process.ts";
import { StreamPattern } from "../stream_pattern.ts";
import { until } from "../until.ts";

/** Empty, one byte, classic DNS, a full Ethernet frame, a jumbo frame, and what IPv4 can hold. */
const SIZES = [0, 1, 512, 1472, 9000, 60_000, 65_507];

Deno.test("datagrams of every size come whole and unchanged, in both directions", async (t) => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp",
  }));
  using client = await datagramClient(ringway.port());
  const pattern = new StreamPattern(3);
  for (const [i, size] of SIZES.entries()) {
    await t.step(`${size} bytes`, async () => {
      const bytes = pattern.piece(i * 1000, size);
      await client.send(bytes);
      const answer = await client.receiveBytes();
      strictEqual(server.asked.at(-1)!.bytes.length, size);
      strictEqual(answer.length, size);
      strictEqual(Buffer.from(answer).equals(bytes), true);
    });
  }
  strictEqual(server.askedCount, SIZES.length);
  await t.step("all at once, in their order", async () => {
    for (let round = 0; round < 3; round++) {
      // Less than the 208 KiB that sockets hold by default.
      const sizes = [60_000, 1, 9000, 0, 1472, 512, 3];
      for (const size of sizes) await client.send(new Uint8Array(size));
      await until("all have come back", () => client.received.length === sizes.length);
      deepStrictEqual(client.received.splice(0).map(({ bytes }) => bytes.length), sizes);
    }
  });
  strictEqual(server.places.length, 1, "all in one flow");
});

/** Sends `count` numbered datagrams, a few at a time. @throws Error if one is lost or overtaken */
async function converse(client: DatagramSocket, who: string, count: number, window: number) {
  let asked = 0;
  for (let answered = 0; answered < count; answered++) {
    while (asked < count && asked < answered + window) await client.send(`${who} ${asked++}`);
    const answer = await client.receive(`answer ${answered} to ${who} has come`);
    strictEqual(answer.slice(answer.indexOf(": ") + 2), `${who} ${answered}`);
  }
}

Deno.test("datagrams of a flow stay in order", async () => {
  using server = await DatagramServer.start(answerNamed("server"));
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp",
  }));
  using client = await datagramClient(ringway.port());
  await converse(client, "client", 1000, 20);
  strictEqual(server.askedCount, 1000);
});

Deno.test("many clients at once: nobody gets what is another's", async () => {
  using a = await DatagramServer.start(answerNamed("a"));
  using b = await DatagramServer.start(answerNamed("b"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [a, b],
    listener: "protocol: udp",
  }));
  using clients = new DisposableStack();
  const all: DatagramSocket[] = [];
  for (let i = 0; i < 100; i++) all.push(clients.use(await datagramClient(ringway.port())));
  await Promise.all(all.map((client, i) => converse(client, `client ${i}`, 20, 2)));
  const { listeners, backends } = await ringway.snapshot();
  strictEqual(listeners[0].open, 100);
  strictEqual(listeners[0].total, 100);
  strictEqual(backends[0].servers.reduce((sum, { total }) => sum + total, 0), 100);
  strictEqual(a.places.length + b.places.length, 100, "each flow has a port of its own");
});

Deno.test("flows of two listeners keep apart", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  using silent = await DatagramServer.start(ignoreDatagrams);
  await using ringway = await startRingway(`
workers: 1
listeners:
  first: { bind: "127.0.0.1:0", protocol: udp, backend: first }
  second: { bind: "127.0.0.1:0", protocol: udp, backend: second }
backends:
  first: { servers: ["${server.address}"] }
  second: { servers: ["${silent.address}"] }
`);
  using one = await datagramClient(ringway.port("first"));
  using two = await datagramClient(ringway.port("second"));
  await two.send("to nowhere");
  await silent.untilAsked(1);
  strictEqual(await one.ask("echo"), "echo");
  deepStrictEqual(two.takeAll(), []);
  const { listeners } = await ringway.snapshot();
  deepStrictEqual(listeners.map(({ open }) => open), [1, 1]);
});
