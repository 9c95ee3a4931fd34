import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { connect } from "node:net";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import {
  backendStatus,
  command,
  expectNoRestart,
  named,
  serverStatus,
  untilElapsed,
  untilState,
} from "../health_status.ts";
import { greet, MoodyServer } from "../moody_server.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

const LIMIT = 2;

/** A client that waits for a place, and what becomes of it. */
interface Waiting {
  readonly client: Client;
  /** What it was told first; "" when it was closed instead. */
  name: string | null;
}

/** Connects, and goes on once the backend says that so many wait. */
async function wait(
  ringway: RingwayProcess,
  clients: DisposableStack,
  pending: number,
): Promise<Waiting> {
  const client = clients.use(await Client.connect(ringway.port()));
  const waiting: Waiting = { client, name: null };
  client.receive(1).then((name) => waiting.name = name, () => waiting.name = "");
  await untilPending(ringway, pending);
  return waiting;
}

async function untilPending(ringway: RingwayProcess, pending: number): Promise<void> {
  await ringway.until(`${pending} are pending`, (snapshot) => {
    return backendStatus(snapshot).pending === pending;
  });
}

/** Clients that have a place each. */
async function fill(ringway: RingwayProcess, clients: DisposableStack, count: number) {
  const held: Client[] = [];
  for (let i = 0; i < count; i++) {
    held.push(clients.use(await Client.connect(ringway.port())));
    await held[i].receive(1);
  }
  return held;
}

Deno.test("who finds no place waits, and is served in order of arrival over workers", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a }, { a: `connections: ${LIMIT}` }),
    backend: "limits: { queue_timeout: 1m }",
  }));
  using clients = new DisposableStack();
  const held = await fill(ringway, clients, LIMIT);
  const queue: Waiting[] = [];
  for (let i = 0; i < 10; i++) queue.push(await wait(ringway, clients, i + 1));
  strictEqual(a.acceptedCount, LIMIT);
  for (const [i, waiting] of queue.entries()) {
    // What it has said while it waited is not lost.
    await waiting.client.send(`number ${i}`);
    held.shift()![Symbol.dispose]();
    await until(`number ${i} is served`, () => waiting.name === "a", {
      state: () => ringway.state,
    });
    deepStrictEqual(queue.map(({ name }) => name), queue.map((_, at) => at <= i ? "a" : null));
    strictEqual(await waiting.client.receive(8), `number ${i}`);
    held.push(waiting.client);
  }
  strictEqual(a.openMost, LIMIT);
  strictEqual(a.acceptedCount, LIMIT + queue.length);
  const { pending, queue_timeouts, pending_refused } = backendStatus(await ringway.snapshot());
  deepStrictEqual([pending, queue_timeouts, pending_refused], [0, 0, 0]);
  await expectNoRestart(ringway);
});

Deno.test("who waits for too long is refused, and so is who comes when too many wait", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a }, { a: `connections: ${LIMIT}` }),
    backend: "limits: { pending: 3, queue_timeout: 700ms }",
  }));
  using clients = new DisposableStack();
  const held = await fill(ringway, clients, LIMIT);
  const startedMs = performance.now();
  const queue: Waiting[] = [];
  for (let i = 0; i < 3; i++) queue.push(await wait(ringway, clients, i + 1));
  // One too many: at once, while the others go on waiting.
  const late = await wait(ringway, clients, 3);
  await until("it is refused", () => late.name === "");
  strictEqual(performance.now() - startedMs < 700, true);
  deepStrictEqual(queue.map(({ name }) => name), [null, null, null]);
  await until("all are refused", () => queue.every(({ name }) => name === ""));
  strictEqual(performance.now() - startedMs >= 700, true);
  const snapshot = await ringway.until("they are counted", (snapshot) => {
    return backendStatus(snapshot).queue_timeouts === 3 && snapshot.listeners[0].open === LIMIT;
  });
  const { pending, pending_refused } = backendStatus(snapshot);
  deepStrictEqual([pending, pending_refused, a.acceptedCount], [0, 1, LIMIT]);
  strictEqual(snapshot.listeners[0].refused, 4);
  for (const client of held) strictEqual(await client.converse("unharmed"), "unharmed");
  await expectNoRestart(ringway);
});

Deno.test("who goes while it waits is forgotten, and no server hears of it", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a }, { a: `connections: ${LIMIT}` }),
    backend: "limits: { queue_timeout: 1m }",
  }));
  using clients = new DisposableStack();
  const held = await fill(ringway, clients, LIMIT);
  const first = await wait(ringway, clients, 1);
  const second = connect({ host: "127.0.0.1", port: ringway.port() });
  second.on("error", () => {});
  second.write("I have said something, too");
  await untilPending(ringway, 2);
  const third = await wait(ringway, clients, 3);
  first.client[Symbol.dispose]();
  await untilPending(ringway, 2);
  second.resetAndDestroy();
  await untilPending(ringway, 1);
  held[0][Symbol.dispose]();
  await until("the one that stayed is served", () => third.name === "a", {
    state: () => ringway.state,
  });
  held[1][Symbol.dispose]();
  await ringway.until("one is left", (snapshot) => serverStatus(snapshot, "a").open === 1);
  strictEqual(a.acceptedCount, LIMIT + 1);
  strictEqual(await third.client.converse("it works"), "it works");
  await expectNoRestart(ringway);
});

Deno.test("a free place at another server is taken, also one that comes to be up", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using b = await MoodyServer.start(greet("b"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b }, { a: "connections: 1", b: "connections: 2" }),
    backend: "balance: least_conn",
  }));
  await command(ringway, "maint", "app/b");
  await untilState(ringway, "b", "maint");
  using clients = new DisposableStack();
  await fill(ringway, clients, 1);
  const queue: Waiting[] = [];
  for (let i = 0; i < 3; i++) queue.push(await wait(ringway, clients, i + 1));
  await command(ringway, "ready", "app/b");
  await until("two are served by it", () => queue[0].name === "b" && queue[1].name === "b");
  await untilPending(ringway, 1);
  strictEqual(queue[2].name, null);
  deepStrictEqual([a.openMost, b.openMost], [1, 2]);
  await expectNoRestart(ringway);
});

Deno.test("limits.connections of a backend holds for its servers together", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using b = await MoodyServer.start(greet("b"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b }),
    backend: "limits: { connections: 3 }, balance: least_conn",
  }));
  using clients = new DisposableStack();
  const held = await fill(ringway, clients, 3);
  const waiting = await wait(ringway, clients, 1);
  strictEqual(a.acceptedCount + b.acceptedCount, 3);
  held[0][Symbol.dispose]();
  await until("it is served", () => waiting.name !== null);
  strictEqual(waiting.name === "", false);
  strictEqual(a.open.size + b.open.size <= 3, true);
  await expectNoRestart(ringway);
});

Deno.test("under load no server ever has more than its connections", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using b = await MoodyServer.start(greet("b"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b }, { a: "connections: 3", b: "connections: 3" }),
    backend: "balance: p2c",
  }));
  const ask = async () => {
    for (let i = 0; i < 10; i++) {
      using client = await Client.connect(ringway.port());
      await client.receive(1);
      strictEqual(await client.converse("hello"), "hello");
    }
  };
  await Promise.all(Array.from({ length: 20 }, ask));
  // A server learns of an end after Ringway, which has given the place away by then: one or two
  // connections that are over may still look open to it.
  strictEqual(a.openMost <= 3 + 2 && b.openMost <= 3 + 2, true, `${a.openMost} ${b.openMost}`);
  strictEqual(a.acceptedCount + b.acceptedCount, 200);
  await ringway.until("nothing is left", ({ backends, listeners }) => {
    return listeners[0].open === 0 && backends[0].servers.every(({ open }) => open === 0);
  });
  await expectNoRestart(ringway);
});

Deno.test("a worker that dies takes its places and its waiting clients with it", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a }, { a: `connections: ${LIMIT}` }),
    backend: "limits: { queue_timeout: 1m }",
  }));
  using clients = new DisposableStack();
  await fill(ringway, clients, LIMIT);
  for (let i = 0; i < 6; i++) await wait(ringway, clients, i + 1);
  for (const pid of ringway.workerPids) Deno.kill(pid, "SIGKILL");
  await ringway.until("others serve", ({ workers }) => {
    return workers.every(({ restarts, state }) => restarts === 1 && state === "serving");
  });
  await untilPending(ringway, 0);
  strictEqual(serverStatus(await ringway.snapshot(), "a").open, 0);
  using more = new DisposableStack();
  await fill(ringway, more, LIMIT);
  await wait(ringway, more, 1);
  await untilElapsed(100);
  strictEqual(backendStatus(await ringway.snapshot()).pending, 1);
});
