import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { DatagramServer, echoDatagrams } from "../datagram_server.ts";
import { datagramClient, type DatagramSocket } from "../datagram_socket.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

/** Longer than the second after which a flow that says nothing ends. */
const DEADLINE_MS = 5000;

/** Clients with a flow each, none of which the first worker has. */
async function startClients(
  ringway: RingwayProcess,
  stack: DisposableStack,
  count: number,
): Promise<DatagramSocket[]> {
  const clients: DatagramSocket[] = [];
  for (let firstHas = 0; clients.length < count;) {
    const client = stack.use(await datagramClient(ringway.port()));
    await client.ask("which worker has me?");
    const { workers } = await ringway.snapshot();
    if (workers[0].flows === firstHas) clients.push(client);
    firstHas = workers[0].flows;
  }
  return clients;
}

/** Each asks and is answered. */
async function askAll(clients: readonly DatagramSocket[], round: string): Promise<void> {
  const answers = await Promise.all(clients.map((client, i) => client.ask(`${round} ${i}`)));
  deepStrictEqual(answers, clients.map((_, i) => `${round} ${i}`));
}

Deno.test("flows go on until the deadline, also when a worker without any has ended", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({
    workers: 4,
    servers: [server],
    listener: "protocol: udp",
    top: `drain: ${DEADLINE_MS}ms`,
  }));
  using stack = new DisposableStack();
  const clients = await startClients(ringway, stack, 20);
  const flows = server.places.length;
  const startedMs = performance.now();
  ringway.kill("SIGTERM");
  let hasEnded = false;
  while (!hasEnded || performance.now() - startedMs < DEADLINE_MS * 0.7) {
    await askAll(clients, "meanwhile");
    hasEnded = (await ringway.snapshot()).workers[0].pid === 0;
  }
  strictEqual(server.places.length, flows, "each flow is the one that it was");
  await until("it has ended", async () => {
    for (const client of clients) await client.send("still here");
    return ringway.hasEnded;
  }, { state: () => ringway.state });
  strictEqual(await ringway.exitCode(), 3, "cut at the deadline");
});
