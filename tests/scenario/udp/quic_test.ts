import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { type Answers, DatagramServer } from "../datagram_server.ts";
import { datagramClient, type DatagramSocket } from "../datagram_socket.ts";
import { startRingway } from "../ringway_process.ts";
import {
  clientInitial,
  type ConnectionId,
  connectionId,
  isLong,
  readIds,
  serverInitial,
  shortHeader,
} from "./quic_datagram.ts";

const BALANCE = "balance: consistent_hash, hash_on: quic_connection_id";
const CONNECTIONS = 30;

/** Answers an Initial with an id of its own choice, anything else with its name. */
function quicServer(name: string): Answers {
  let connections = 0;
  return ({ bytes }) => {
    if (!isLong(bytes)) return [`${name} again`];
    const chosen = connectionId(name.charCodeAt(0) * 1000 + connections++);
    return [serverInitial(readIds(bytes).from, chosen, name)];
  };
}

/** Begins a connection; the server's name, and the id that it has chosen. */
async function begin(
  client: DatagramSocket,
  number: number,
): Promise<{ name: string; id: ConnectionId }> {
  const own = connectionId(500 + number, 5);
  await client.send(clientInitial(connectionId(number), own));
  const answer = await client.receiveBytes("the server has answered");
  const { to, from } = readIds(answer);
  deepStrictEqual(to, own, "the answer is this client's");
  return { name: String.fromCharCode(answer.at(-1)!), id: from };
}

Deno.test("a QUIC connection that moves keeps its server, through whatever worker", async () => {
  using a = await DatagramServer.start(quicServer("a"));
  using b = await DatagramServer.start(quicServer("b"));
  using c = await DatagramServer.start(quicServer("c"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [a, b, c],
    listener: "protocol: udp",
    backend: BALANCE,
  }));
  // All stay open: who came from a port that was used before would be in the flow of that.
  using clients = new DisposableStack();
  const names: string[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const client = clients.use(await datagramClient(ringway.port(), { from: "127.0.5.7" }));
    const { name, id } = await begin(client, i);
    names.push(name);
    await client.send(shortHeader(id, "at home"));
    strictEqual(await client.receive(), `${name} again`);
    // As a telephone that leaves a building: another address and another port.
    const moved = clients.use(await datagramClient(ringway.port(), { from: "127.0.6.8" }));
    await moved.send(shortHeader(id, "on the road"));
    strictEqual(await moved.receive(), `${name} again`);
  }
  strictEqual(Object.keys(tally(names)).length, 3, "every server has connections");
});

Deno.test("a client's first datagrams go to one server, from whatever port", async () => {
  using a = await DatagramServer.start(quicServer("a"));
  using b = await DatagramServer.start(quicServer("b"));
  using c = await DatagramServer.start(quicServer("c"));
  await using ringway = await startRingway(configText({
    servers: [a, b, c],
    listener: "protocol: udp",
    backend: BALANCE,
  }));
  using clients = new DisposableStack();
  for (let i = 0; i < CONNECTIONS; i++) {
    const client = clients.use(await datagramClient(ringway.port()));
    const again = clients.use(await datagramClient(ringway.port()));
    strictEqual((await begin(client, i)).name, (await begin(again, i)).name);
  }
});

Deno.test("what is no QUIC is answered by some server all the same", async () => {
  using server = await DatagramServer.start(() => ["served"]);
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp",
    backend: BALANCE,
  }));
  const odd = [
    new Uint8Array(0),
    new Uint8Array([0x40]),
    new Uint8Array([0xc0]),
    new Uint8Array([0xc0, 0, 0, 0, 1, 255, 1, 2]),
    new Uint8Array([0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 200]),
    new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
  ];
  for (const bytes of odd) {
    using client = await datagramClient(ringway.port());
    await client.send(bytes);
    strictEqual(await client.receive(), "served");
  }
});
