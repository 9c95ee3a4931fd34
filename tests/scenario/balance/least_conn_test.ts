import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { command, named, untilState } from "../health_status.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

interface Held {
  readonly client: Client;
  /** Of its server. */
  readonly name: string;
}

async function hold(port: number): Promise<Held> {
  const client = await Client.connect(port);
  return { client, name: await client.receive(1) };
}

function countOf(held: readonly Held[], name: string): number {
  return held.filter((each) => each.name === name).length;
}

Deno.test("least_conn counts the open connections of all workers", async () => {
  await using a = new Origin(sayThenEcho("a"));
  await using b = new Origin(sayThenEcho("b"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: [a, b],
    backend: "balance: least_conn",
  }));
  using clients = new DisposableStack();
  let held: Held[] = [];
  for (let i = 0; i < 40; i++) {
    held.push(await hold(ringway.port()));
    clients.use(held[i].client);
    // True after every single connection, whichever worker took it.
    const difference = countOf(held, "a") - countOf(held, "b");
    strictEqual(Math.abs(difference) <= 1, true, `${difference} after ${i + 1}`);
  }
  const { workers } = await ringway.snapshot();
  strictEqual(workers.every(({ tunnels }) => tunnels > 0), true, "both workers have taken some");

  // All of a's connections end: whoever comes next goes there, until both have the same again.
  for (const { client } of held.filter(({ name }) => name === "a")) client[Symbol.dispose]();
  held = held.filter(({ name }) => name === "b");
  await ringway.until("a has no connection", ({ backends }) => backends[0].servers[0].open === 0);
  for (let i = 0; i < 20; i++) {
    const next = await hold(ringway.port());
    clients.use(next.client);
    strictEqual(next.name, "a");
  }
});

Deno.test("least_conn gives a server connections for its weight", async () => {
  await using a = new Origin(sayThenEcho("a"));
  await using b = new Origin(sayThenEcho("b"));
  await using ringway = await startRingway(configText({
    servers: [`{ address: "${a.address}", weight: 3 }`, b],
    backend: "balance: least_conn",
  }));
  using clients = new DisposableStack();
  const names: string[] = [];
  for (let i = 0; i < 40; i++) {
    const { client, name } = await hold(ringway.port());
    clients.use(client);
    names.push(name);
  }
  const { backends } = await ringway.snapshot();
  deepStrictEqual(backends[0].servers.map(({ open }) => open), [30, 10]);
});

Deno.test("least_conn is true to within one over four workers, whoever is out", async () => {
  await using a = new Origin(sayThenEcho("a"));
  await using b = new Origin(sayThenEcho("b"));
  await using c = new Origin(sayThenEcho("c"));
  await using ringway = await startRingway(configText({
    workers: 4,
    servers: named({ a, b, c }),
    backend: "balance: least_conn",
  }));
  using clients = new DisposableStack();
  let held: Held[] = [];
  const holdEvenly = async (count: number, names: readonly string[]) => {
    for (let i = 0; i < count; i++) {
      held.push(await hold(ringway.port()));
      clients.use(held.at(-1)!.client);
      const counts = names.map((name) => countOf(held, name));
      const isEven = Math.max(...counts) - Math.min(...counts) <= 1;
      strictEqual(isEven, true, `${names}: ${counts} after ${i + 1}`);
    }
  };
  await holdEvenly(40, ["a", "b", "c"]);
  const { workers } = await ringway.snapshot();
  strictEqual(workers.every(({ tunnels }) => tunnels > 0), true, "all workers have taken some");

  await command(ringway, "drain", "app/b");
  await untilState(ringway, "b", "drain");
  const before = countOf(held, "b");
  await holdEvenly(20, ["a", "c"]);
  strictEqual(countOf(held, "b"), before);

  // It is empty when it comes back, and gets all until it has as many as the others.
  for (const { client } of held.filter(({ name }) => name === "b")) client[Symbol.dispose]();
  held = held.filter(({ name }) => name !== "b");
  await ringway.until("b has none", ({ backends }) => backends[0].servers[1].open === 0);
  await command(ringway, "ready", "app/b");
  await untilState(ringway, "b", "up");
  for (let i = 0; i < 20; i++) {
    held.push(await hold(ringway.port()));
    clients.use(held.at(-1)!.client);
    strictEqual(held.at(-1)!.name, "b");
  }
});
