import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { flowsEvicted } from "../access/listener_counts.ts";
import { configText } from "../config_text.ts";
import { type Answers, DatagramServer, echoDatagrams } from "../datagram_server.ts";
import { datagramClient, type DatagramSocket } from "../datagram_socket.ts";
import { openFileCount } from "../process_table.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

const FLOWS = 32;
const CAPPED = `protocol: udp, udp: { flows: ${FLOWS} }`;

Deno.test("at the cap of flows the oldest idle one goes, and nobody is refused", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({ servers: [server], listener: CAPPED }));
  using clients = new DisposableStack();
  const all: DatagramSocket[] = [];
  for (let i = 0; i < FLOWS + 8; i++) {
    const client = clients.use(await datagramClient(ringway.port()));
    strictEqual(await client.ask(`${i}`), `${i}`);
    all.push(client);
  }
  const snapshot = await ringway.until("it is at the cap", ({ listeners }) => {
    return listeners[0].open === FLOWS;
  });
  strictEqual(flowsEvicted(snapshot), 8);
  strictEqual(snapshot.listeners[0].refused, 0);
  // The last ones go on in their flows; the first one gets another.
  const before = server.places.length;
  for (const client of all.slice(8)) strictEqual(await client.ask("still here"), "still here");
  strictEqual(server.places.length, before);
  strictEqual(await all[0].ask("here again"), "here again");
  strictEqual(server.places.length, before + 1);
});

/** Answers those whose text says so, as a service answers clients that speak its language. */
const answerGenuine: Answers = ({ bytes }) => {
  return new TextDecoder().decode(bytes).startsWith("genuine") ? [bytes] : [];
};

Deno.test("established flows live through a flood of new clients", async () => {
  using server = await DatagramServer.start(answerGenuine);
  await using ringway = await startRingway(configText({ servers: [server], listener: CAPPED }));
  const [worker] = ringway.workerPids;
  const filesBefore = openFileCount(worker);
  using clients = new DisposableStack();
  const established: DatagramSocket[] = [];
  for (let i = 0; i < 8; i++) {
    const client = clients.use(await datagramClient(ringway.port()));
    for (let j = 0; j < 3; j++) strictEqual(await client.ask(`genuine ${i}`), `genuine ${i}`);
    established.push(client);
  }
  const places = server.places;
  strictEqual(places.length, established.length);
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < FLOWS; i++) {
      using attacker = await datagramClient(ringway.port(), { from: "127.0.6.6" });
      await attacker.send("flood");
    }
    // They come behind the flood in the same socket, after silence.
    for (const client of established) strictEqual(await client.ask("genuine"), "genuine");
  }
  const genuine = server.asked.filter(({ bytes }) => bytes[0] === "g".charCodeAt(0));
  deepStrictEqual([...new Set(genuine.map(({ place }) => place))], places, "each in its own flow");
  const snapshot = await ringway.snapshot();
  strictEqual(snapshot.listeners[0].open <= FLOWS, true);
  // Nearly all attackers: some come from a port that one before them had.
  strictEqual(flowsEvicted(snapshot) > 5 * FLOWS, true);
  await until("files of flows that are gone are closed", () => {
    return openFileCount(worker) <= filesBefore + FLOWS;
  });
});
