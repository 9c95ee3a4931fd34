import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { askNameFrom, askNames, Client, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say, sayThenEcho } from "../origin.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";

const CLIENTS = Array.from({ length: 40 }, (_, i) => `127.0.3.${i + 1}`);
/** So many that each client has been taken by both workers at some time. */
const ROUNDS = 4;

function configFor(servers: readonly Origin[], workers = 2): string {
  return configText({
    workers,
    servers,
    // Nobody is kept away from a server that is back.
    backend:
      "balance: consistent_hash, hash_on: source_ip, outlier_detection: false, retry_budget: 100%",
  });
}

/** The server of each client; fails if a client sees two. */
async function serversOf(ringway: RingwayProcess, rounds: number): Promise<string[]> {
  const ask = async () => {
    const names: string[] = [];
    for (const client of CLIENTS) names.push(await askNameFrom(client, ringway.port()));
    return names;
  };
  const first = await ask();
  for (let round = 1; round < rounds; round++) deepStrictEqual(await ask(), first);
  return first;
}

Deno.test("consistent_hash keeps a client's server, over workers and restarts", async () => {
  await using a = new Origin(say("a"));
  await using b = new Origin(say("b"));
  await using c = new Origin(say("c"));
  let before: string[];
  {
    await using ringway = await startRingway(configFor([a, b, c]));
    before = await serversOf(ringway, ROUNDS);
    strictEqual(Object.keys(tally(before)).length, 3, "every server has clients");
    const { workers } = await ringway.snapshot();
    const completions = workers.map(({ counters }) => counters["ringway_worker_completions_total"]);
    strictEqual(Math.min(...completions) > CLIENTS.length, true, "both workers took their part");
  }
  // Neither the number of workers nor the order of the servers matters.
  await using ringway = await startRingway(configFor([c, a, b], 1));
  deepStrictEqual(await serversOf(ringway, 1), before);
});

Deno.test("consistent_hash moves only the clients of a server that is away", async () => {
  await using a = new Origin(say("a"));
  await using b = new Origin(say("b"));
  await using c = new Origin(say("c"));
  await using ringway = await startRingway(configFor([a, b, c]));
  const before = await serversOf(ringway, 1);
  await b.stop();
  const without = await serversOf(ringway, 2);
  without.forEach((name, i) => {
    if (before[i] === "b") strictEqual(name === "a" || name === "c", true);
    else strictEqual(name, before[i]);
  });
  await using _again = new Origin(say("b"), { port: b.port });
  deepStrictEqual(await serversOf(ringway, 1), before);
});

Deno.test("load_factor bounds what one server gets, though all have one key", async () => {
  const origins = Array.from("abcd", (name) => new Origin(sayThenEcho(name)));
  await using stack = new AsyncDisposableStack();
  for (const origin of origins) stack.use(origin);
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: origins,
    backend: "balance: consistent_hash, load_factor: 1.25",
  }));
  using clients = new DisposableStack();
  const names: string[] = [];
  for (let i = 0; i < 40; i++) {
    const client = clients.use(await Client.connect(ringway.port()));
    names.push(await client.receive(1));
    const most = Math.max(...Object.values(tally(names)));
    strictEqual(most <= Math.ceil(1.25 * (i + 1) / 4), true, names.join(""));
  }
  // Beyond what each may have it is the key that decides: some are as full as may be.
  strictEqual(Math.max(...Object.values(tally(names))) >= 12, true, names.join(""));
});

Deno.test("hash_on: a list makes one key of all", async () => {
  await using a = new Origin(say("a"));
  await using b = new Origin(say("b"));
  await using ringway = await startRingway(`
workers: 2
listeners:
  both: { bind: "127.0.0.1:0", backend: both }
  one: { bind: "127.0.0.1:0", backend: one }
backends:
  both:
    servers: ["${a.address}", "${b.address}"]
    balance: consistent_hash
    hash_on: [source_ip, source_port]
  one: { servers: ["${a.address}", "${b.address}"], balance: consistent_hash }
`);
  const ask = (listener: string) => askNames(ringway.port(listener), 40);
  strictEqual(Object.keys(tally(await ask("both"))).length, 2, "each port is a key");
  strictEqual(Object.keys(tally(await ask("one"))).length, 1, "an address is a key");
});
