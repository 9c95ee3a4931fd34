import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { ClientFrom } from "../proxy_protocol/proxy_client.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";
import { refusals } from "./listener_counts.ts";

const LIMIT = 3;

Deno.test("connections_per_ip: more of one address are closed, others get in", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({
    // Both workers together, wherever the kernel puts a connection.
    workers: 2,
    servers: [origin],
    listener: `limits: { connections_per_ip: ${LIMIT} }`,
  }));
  using clients = new DisposableStack();
  const connect = async (from: string) => {
    return clients.use(await ClientFrom.connect(ringway.port(), { from }));
  };
  const inside: ClientFrom[] = [];
  for (let i = 0; i < LIMIT; i++) {
    const client = await connect("127.0.5.7");
    await client.untilReceived("!");
    inside.push(client);
  }
  for (let i = 1; i <= 5; i++) {
    const extra = await connect("127.0.5.7");
    strictEqual((await extra.untilEnded()).text, "");
    const other = await connect(`127.0.6.${i}`);
    await other.untilReceived("!");
  }
  await ringway.until("five are refused", (snapshot) => refusals(snapshot, "client_limit") === 5);
  strictEqual(origin.acceptedCount, LIMIT + 5);
  // Those inside notice nothing, and one that leaves makes room for one.
  for (const client of inside) {
    client.send("still here");
    await client.untilReceived("still here");
  }
  inside[0][Symbol.dispose]();
  await ringway.until("it has gone", ({ listeners }) => listeners[0].open === LIMIT + 4);
  const next = await connect("127.0.5.7");
  await next.untilReceived("!");
});

Deno.test("connections_per_ip is right again after a worker was killed", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({
    servers: [origin],
    listener: "limits: { connections_per_ip: 1 }",
  }));
  using first = await ClientFrom.connect(ringway.port());
  await first.untilReceived("!");
  Deno.kill(ringway.workerPids[0], "SIGKILL");
  await first.untilEnded();
  await ringway.until("another worker serves", ({ workers }) => {
    return workers[0].restarts === 1 && workers[0].state === "serving";
  });
  using second = await ClientFrom.connect(ringway.port());
  await second.untilReceived("!");
  using third = await ClientFrom.connect(ringway.port());
  strictEqual((await third.untilEnded()).text, "");
});

Deno.test("the limit of the whole file holds for all listeners together", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(`
workers: 2
limits: { connections: ${LIMIT} }
listeners:
  one: { bind: "127.0.0.1:0", backend: app }
  two: { bind: "127.0.0.1:0", backend: app }
backends:
  app: ["${origin.address}"]
`);
  const ports = ["one", "two"].map((name) => ringway.port(name));
  using clients = new DisposableStack();
  const all: ClientFrom[] = [];
  for (let i = 0; i < 2 * LIMIT; i++) {
    all.push(clients.use(await ClientFrom.connect(ports[i % 2])));
    // One after the other: a burst may go beyond the limit by one per worker.
    if (i < LIMIT) await all[i].untilReceived("!");
  }
  const served = () => all.filter(({ text }) => text === "!").length;
  for (let left = LIMIT; left > 0; left--) {
    const { listeners } = await ringway.untilTurned(3);
    strictEqual(listeners[0].open + listeners[1].open, LIMIT);
    const before = served();
    all.find(({ text, end }) => text === "!" && end === null)!.socket.end();
    await until("one that waited is served", () => served() === before + 1, {
      state: () => ringway.state,
    });
  }
  const { listeners } = await ringway.snapshot();
  deepStrictEqual(listeners.map(({ refused }) => refused), [0, 0], "they have waited");
});
