import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { command, named, serverStatus, untilElapsed, untilState } from "../health_status.ts";
import { greet, MoodyServer } from "../moody_server.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

const CLIENTS = 24;
const PERCENT_PER_SECOND = 25;
/** Connections that may be moved in a second. */
const BUDGET = CLIENTS * PERCENT_PER_SECOND / 100;

/** Clients that come again whenever they are closed, as those with long connections do. */
class FaithfulClients implements AsyncDisposable {
  /** When one was closed. */
  readonly closedMs: number[] = [];
  /** Of each the server, while it has one. */
  readonly servers: (string | null)[];
  readonly #current: Client[] = [];
  readonly #port: number;
  readonly #staying: Promise<void>[];
  #isOver = false;

  constructor(port: number, count: number) {
    this.#port = port;
    this.servers = Array(count).fill(null);
    this.#staying = this.servers.map((_, index) => this.#stay(index));
  }

  async #stay(index: number): Promise<void> {
    while (!this.#isOver) {
      const client = await Client.connect(this.#port);
      this.#current[index] = client;
      this.servers[index] = await client.receive(1);
      await client.receiveRest().catch(() => {}); // closed from this side, in the end
      this.servers[index] = null;
      if (!this.#isOver) this.closedMs.push(performance.now());
      client[Symbol.dispose]();
    }
  }

  async untilServed(): Promise<void> {
    await until("all are served", () => this.servers.every((server) => server !== null));
  }

  count(name: string): number {
    return this.servers.filter((server) => server === name).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const client of this.#current) client[Symbol.dispose]();
    await Promise.all(this.#staying);
  }
}

async function untilOpen(ringway: RingwayProcess, ...counts: number[]): Promise<void> {
  await ringway.until(`open are ${counts}`, (snapshot) => {
    return [..."abc"].every((name, i) => serverStatus(snapshot, name).open === counts[i]);
  });
}

Deno.test("rebalance moves connections to who has joined, within its budget", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using b = await MoodyServer.start(greet("b"));
  await using c = await MoodyServer.start(greet("c"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b, c }),
    backend: `balance: least_conn, rebalance: { budget: ${PERCENT_PER_SECOND}%/s }`,
  }));
  await command(ringway, "maint", "app/c");
  await untilState(ringway, "c", "maint");
  await using clients = new FaithfulClients(ringway.port(), CLIENTS);
  await clients.untilServed();
  await untilOpen(ringway, CLIENTS / 2, CLIENTS / 2, 0);
  deepStrictEqual(clients.closedMs, [], "while nobody joins nobody is moved");

  const joinedMs = performance.now();
  await command(ringway, "ready", "app/c");
  const third = CLIENTS / 3;
  await until("all have their share", () => {
    return clients.count("c") >= third - 1 && ["a", "b"].every((name) => {
      return Math.abs(clients.count(name) - third) <= 1;
    });
  }, { state: () => `${clients.servers}\n${ringway.state}` });
  const moved = clients.closedMs.length;
  strictEqual(moved >= third - 1 && moved <= third + 2, true, `${moved} were moved`);
  clients.closedMs.forEach((ms, i) => {
    const allowed = Math.ceil((ms - joinedMs) / 1000 * BUDGET) + 1;
    strictEqual(i + 1 <= allowed, true, `${i + 1} after ${ms - joinedMs} ms`);
  });
  // That was it.
  await untilElapsed(1000);
  strictEqual(clients.closedMs.length, moved);
  await clients.untilServed();
});

Deno.test("without rebalance connections stay where they are", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using b = await MoodyServer.start(greet("b"));
  await using c = await MoodyServer.start(greet("c"));
  await using ringway = await startRingway(configText({
    servers: named({ a, b, c }),
    backend: "balance: least_conn",
  }));
  await command(ringway, "maint", "app/c");
  await untilState(ringway, "c", "maint");
  await using clients = new FaithfulClients(ringway.port(), 4);
  await clients.untilServed();
  await command(ringway, "ready", "app/c");
  await untilState(ringway, "c", "up");
  await untilElapsed(500);
  deepStrictEqual(clients.closedMs, []);
});
