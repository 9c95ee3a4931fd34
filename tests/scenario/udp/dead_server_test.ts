import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { answerName, DatagramServer, echoDatagrams, ignoreDatagrams } from "../datagram_server.ts";
import { askDatagram, datagramClient, DatagramSocket } from "../datagram_socket.ts";
import { refusingAddresses } from "../origin.ts";
import { signal, stop } from "../process_table.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

Deno.test("a server that refuses: the same datagram is answered by the other", async () => {
  using server = await DatagramServer.start(answerName("second"));
  await using ringway = await startRingway(configText({
    servers: [...refusingAddresses(1), server],
    listener: "protocol: udp",
    backend: "balance: first",
  }));
  for (let i = 0; i < 10; i++) strictEqual(await askDatagram(ringway.port()), "second");
  strictEqual(server.askedCount, 10);
  const { backends } = await ringway.snapshot();
  strictEqual(backends[0].servers[0].connect_failures > 0, true);
});

Deno.test("what is sent while a server dies reaches the other with the next datagram", async () => {
  using second = await DatagramServer.start(answerName("second"));
  const first = await DatagramServer.start(answerName("first"));
  using _first = first;
  await using ringway = await startRingway(configText({
    servers: [first, second],
    listener: "protocol: udp",
    backend: "balance: first",
  }));
  using client = await datagramClient(ringway.port());
  strictEqual(await client.ask("who?"), "first");
  first[Symbol.dispose]();
  // The client of a protocol over UDP asks again when nobody answers.
  const answer = await until("the other server answers", async () => {
    await client.send("who?");
    await ringway.untilTurned(1);
    return client.takeAll()[0];
  }, { state: () => ringway.state });
  strictEqual(answer, "second");
});

Deno.test("without any server nothing breaks, and the first that returns answers", async () => {
  using reserved = await DatagramSocket.bind({ hostname: "127.0.0.2", port: 0 });
  const { port } = reserved;
  reserved[Symbol.dispose]();
  await using ringway = await startRingway(configText({
    servers: [...refusingAddresses(2), `127.0.0.2:${port}`],
    listener: "protocol: udp",
    backend: "retries: 2",
  }));
  using clients = new DisposableStack();
  for (let i = 0; i < 50; i++) {
    const client = clients.use(await datagramClient(ringway.port()));
    await client.send("one");
    await client.send("two");
  }
  const { workers } = await ringway.untilTurned(3);
  strictEqual(workers[0].restarts, 0);
  using _server = await DatagramServer.start(answerName("back"), { port });
  using client = clients.use(await datagramClient(ringway.port()));
  const answer = await until("the server that has returned answers", async () => {
    await client.send("who?");
    await ringway.untilTurned(1);
    return client.takeAll()[0];
  }, { state: () => ringway.state });
  strictEqual(answer, "back");
});

Deno.test("kill -9 of a worker: clients of UDP go on with its successor", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [server],
    listener: "protocol: udp",
  }));
  using clients = new DisposableStack();
  const all: DatagramSocket[] = [];
  for (let i = 0; i < 20; i++) {
    const client = clients.use(await datagramClient(ringway.port()));
    strictEqual(await client.ask(`${i}`), `${i}`);
    all.push(client);
  }
  const [victim] = ringway.workerPids;
  signal(victim, "SIGKILL");
  await ringway.until("another worker serves in its place", ({ workers }) => {
    return workers[0].restarts === 1 && workers.every(({ state }) => state === "serving");
  });
  // What was sent meanwhile waits in the socket; nothing of it is lost.
  for (const [i, client] of all.entries()) {
    strictEqual(await client.ask(`${i} again`), `${i} again`);
  }
});

Deno.test("datagrams that wait for a worker that dies are answered by its successor", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp",
  }));
  const [worker] = ringway.workerPids;
  await stop(worker);
  using clients = new DisposableStack();
  const all: DatagramSocket[] = [];
  for (let i = 0; i < 20; i++) {
    const client = clients.use(await datagramClient(ringway.port()));
    await client.send(`I am ${i}`);
    all.push(client);
  }
  signal(worker, "SIGKILL");
  for (const [i, client] of all.entries()) strictEqual(await client.receive(), `I am ${i}`);
});

Deno.test("servers share new flows in turn", async () => {
  using a = await DatagramServer.start(answerName("a"));
  using b = await DatagramServer.start(answerName("b"));
  using silent = await DatagramServer.start(ignoreDatagrams);
  await using ringway = await startRingway(configText({
    servers: [a, b, `{ address: "${silent.address}", weight: 0 }`],
    listener: "protocol: udp",
  }));
  // All stay open: one that came from a port that was used before would be in the flow of that.
  using clients = new DisposableStack();
  const names: string[] = [];
  for (let i = 0; i < 20; i++) {
    names.push(await clients.use(await datagramClient(ringway.port())).ask("who?"));
  }
  deepStrictEqual(tally(names), { a: 10, b: 10 });
  strictEqual(silent.askedCount, 0);
});
