import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { askNames, Client, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { echo, Origin, say } from "../origin.ts";
import { isAlive, signal, stop } from "../process_table.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

const CLIENTS = 40;

/** Talks without a pause until it is told to stop or the connection breaks. */
class Talker {
  answers = 0;
  isBroken = false;
  stopped = false;
  readonly done: Promise<void>;

  constructor(readonly client: Client) {
    this.done = this.#talk();
  }

  async #talk(): Promise<void> {
    try {
      while (!this.stopped) {
        strictEqual(await this.client.converse("are you there?"), "are you there?");
        this.answers++;
      }
    } catch {
      this.isBroken = true;
    }
  }
}

Deno.test("kill -9 of a worker ends its own connections and no others", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startRingway(configText({ workers: 2, servers: [origin] }));
  using clients = new DisposableStack();
  const talkers: Talker[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    talkers.push(new Talker(clients.use(await Client.connect(ringway.port()))));
  }
  const before = await ringway.until("all are open", ({ listeners }) => {
    return listeners[0].open === CLIENTS;
  });
  const [victim, other] = before.workers;
  strictEqual(victim.tunnels > 0 && other.tunnels > 0, true, "both workers have some");
  signal(victim.pid, "SIGKILL");

  const broken = () => talkers.filter(({ isBroken }) => isBroken).length;
  await until(`${victim.tunnels} connections are broken`, () => broken() === victim.tunnels, {
    state: () => `${broken()} are\n${ringway.state}`,
  });
  const after = await ringway.until("another worker serves in its place", ({ workers }) => {
    return workers[0].state === "serving" && workers[0].pid !== victim.pid;
  });
  strictEqual(after.workers[0].restarts, 1);
  strictEqual(after.workers[1].pid, other.pid);
  strictEqual(after.listeners[0].open, other.tunnels, "what the dead one held is not counted on");
  strictEqual(after.backends[0].servers[0].open, other.tunnels);
  await ringway.untilLogged("died of SIGKILL");

  // The others talk on, undisturbed.
  const alive = talkers.filter(({ isBroken }) => !isBroken);
  const answers = alive.map((talker) => talker.answers);
  await until("all others have got ten more answers", () => {
    return alive.every((talker, i) => talker.answers >= answers[i] + 10);
  });
  strictEqual(broken(), victim.tunnels);
  for (const talker of talkers) talker.stopped = true;
  await Promise.all(talkers.map(({ done }) => done));
});

Deno.test("new clients are served while a worker is dead", async () => {
  await using origin = new Origin(say("served"));
  await using ringway = await startRingway(configText({ workers: 2, servers: [origin] }));
  const [victim] = ringway.workerPids;
  signal(victim, "SIGKILL");
  await until("it is dead", () => !isAlive(victim));
  // Some of them come to the dead one's socket, and wait there for its successor.
  deepStrictEqual(tally(await askNames(ringway.port(), 40)), { served: 40 });
  await ringway.until("both workers serve", ({ workers }) => {
    return workers.every(({ state }) => state === "serving") && workers[0].restarts === 1;
  });
});

Deno.test("clients that wait for a worker that dies are served by its successor", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startRingway(configText({ servers: [origin] }));
  const [worker] = ringway.workerPids;
  await stop(worker);
  using clients = new DisposableStack();
  const waiting: Client[] = [];
  for (let i = 0; i < 50; i++) {
    // The kernel connects them, and takes what they send.
    const client = clients.use(await Client.connect(ringway.port()));
    await client.send(`I am ${i}`);
    waiting.push(client);
  }
  strictEqual(origin.acceptedCount, 0);
  signal(worker, "SIGKILL");
  for (const [i, client] of waiting.entries()) {
    strictEqual(await client.receive(`I am ${i}`.length), `I am ${i}`);
  }
});

Deno.test("a worker that dies again and again is restarted after longer and longer", async () => {
  await using origin = new Origin(say("served"));
  await using ringway = await startRingway(configText({ servers: [origin] }));
  for (const [restarts, waitMs] of [50, 100, 200, 400].entries()) {
    const killed = ringway.workerPids[0];
    signal(killed, "SIGKILL");
    await ringway.untilLogged(`died of SIGKILL; starting another in ${waitMs} ms`);
    await ringway.until("another serves", ({ workers }) => {
      return workers[0].state === "serving" && workers[0].restarts === restarts + 1;
    });
    strictEqual(ringway.workerPids[0] !== killed, true);
    deepStrictEqual(tally(await askNames(ringway.port(), 3)), { served: 3 });
  }
});
