import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { answerName, DatagramServer } from "../datagram_server.ts";
import { askDatagram } from "../datagram_socket.ts";
import { signal } from "../process_table.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

const CLIENTS = Array.from({ length: 24 }, (_, i) => `127.0.3.${i + 1}`);

function configFor(servers: readonly DatagramServer[], workers = 2): string {
  return configText({
    workers,
    // Those without a name are hashed by their ports, which are others each time.
    servers: servers.map(({ address }, i) => `{ address: "${address}", name: ${"abc"[i]} }`),
    // A flow ends with its answer: nobody finds one of a port that was used before.
    listener: "protocol: udp, udp: { responses: 1 }",
    backend: "balance: consistent_hash, hash_on: source_ip",
  });
}

/** The server of each client, each asking from a port of its own every time. */
async function serversOf(ringway: RingwayProcess): Promise<string[]> {
  const names: string[] = [];
  for (const from of CLIENTS) names.push(await askDatagram(ringway.port(), "who?", { from }));
  return names;
}

Deno.test("consistent_hash keeps a client's server over flows and a worker's death", async () => {
  using a = await DatagramServer.start(answerName("a"));
  using b = await DatagramServer.start(answerName("b"));
  using c = await DatagramServer.start(answerName("c"));
  await using ringway = await startRingway(configFor([a, b, c]));
  const before = await serversOf(ringway);
  strictEqual(Object.keys(tally(before)).length, 3, "every server has clients");
  deepStrictEqual(await serversOf(ringway), before);
  signal(ringway.workerPids[0], "SIGKILL");
  await ringway.until("another worker serves in its place", ({ workers }) => {
    return workers[0].restarts === 1 && workers.every(({ state }) => state === "serving");
  });
  deepStrictEqual(await serversOf(ringway), before);
});

Deno.test("consistent_hash moves only the clients of a server that is away", async () => {
  using a = await DatagramServer.start(answerName("a"));
  const b = await DatagramServer.start(answerName("b"));
  using _b = b;
  using c = await DatagramServer.start(answerName("c"));
  await using ringway = await startRingway(configFor([a, b, c], 1));
  const before = await serversOf(ringway);
  const { port } = b;
  b[Symbol.dispose]();
  (await serversOf(ringway)).forEach((name, i) => {
    if (before[i] === "b") strictEqual(name === "a" || name === "c", true);
    else strictEqual(name, before[i]);
  });
  using _again = await DatagramServer.start(answerName("b"), { port });
  const from = CLIENTS[before.indexOf("b")];
  await until("it is not passed over any more", async () => {
    return await askDatagram(ringway.port(), "who?", { from }) === "b";
  }, { state: () => ringway.state });
  deepStrictEqual(await serversOf(ringway), before);
});
