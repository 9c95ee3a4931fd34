import { strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { withOpenFiles } from "../launcher.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { cpuShare } from "../process_table.ts";
import { type RingwayProcess, startRingway, workerCount } from "../ringway_process.ts";
import { until } from "../until.ts";

const FILES = 256;
/** More than fit: a connection takes two. */
const CLIENTS = 150;
/** As many as a configuration may have: each takes a file, and a place for the next client. */
const LISTENERS = 128;
const FILES_WITH_LISTENERS = FILES + 2 * LISTENERS;
const IDLE_SHARE_MAX = 0.1;

Deno.test("out of open files clients wait, without a busy loop, until others end", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ servers: [origin] }), {
    launcher: withOpenFiles(FILES),
  });
  await serveMoreThanFit(ringway);
});

Deno.test("out of open files because of many listeners, clients wait all the same", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  const listeners = Array.from(
    { length: LISTENERS },
    (_, i) => `  web-${i}: { bind: "127.0.0.1:0", backend: app }`,
  );
  const config = `
workers: 1
listeners:
${listeners.join("\n")}
backends:
  app: ["${origin.address}"]
`;
  await using ringway = await startRingway(config, {
    launcher: withOpenFiles(FILES_WITH_LISTENERS),
  });
  await serveMoreThanFit(ringway);
});

/** More clients than there is room for: all come to be served, the later ones as others end. */
async function serveMoreThanFit(ringway: RingwayProcess): Promise<void> {
  using clients = new DisposableStack();
  const served: Client[] = [];
  const broken: unknown[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    const client = clients.use(await Client.connect(ringway.port()));
    client.receive(1).then(() => served.push(client), (failure) => broken.push(failure));
  }
  const state = () => `${served.length} served, ${broken.length} broken\n${ringway.state}`;
  await until("some are served", () => served.length > 0, { state });
  await ringway.untilTurned(20);
  const room = served.length;
  strictEqual(room < CLIENTS, true, "not all fit");
  strictEqual(await cpuShare(ringway.workerPids[0]) < IDLE_SHARE_MAX, true);
  strictEqual(served.length, room);
  strictEqual(await served[0].converse("unharmed"), "unharmed");

  // Each that ends makes room for one more.
  for (let i = 0; i < CLIENTS; i++) {
    await until(`client ${i} is served`, () => {
      strictEqual(broken.length, 0, `${broken[0]}\n${ringway.state}`);
      return served.length > i;
    }, { state });
    strictEqual(await served[i].converse("now me"), "now me");
    served[i][Symbol.dispose]();
  }
  const { listeners } = await ringway.until("all have gone", ({ workers }) => {
    return workers[0].tunnels === 0;
  });
  strictEqual(listeners[0].total, CLIENTS);
  strictEqual(listeners[0].refused, 0);
}

Deno.test("when the kernel gives no more files accepting pauses, and resumes", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(configText({ servers: [origin] }));
  const [worker] = ringway.workerPids;
  using first = await Client.connect(ringway.port());
  await first.receive(1);
  // Behind its back, by an operator: not one more than it has now.
  await limitFiles(worker, lowestFreeFd(worker));
  const paused = (count: number) =>
    ringway.until(`accepting has paused ${count} times`, (snapshot) => {
      return workerCount(snapshot, "ringway_worker_accept_pauses_total") >= count;
    });
  using late = await Client.connect(ringway.port());
  await paused(3);
  strictEqual(await cpuShare(ringway.workerPids[0]) < IDLE_SHARE_MAX, true);
  strictEqual(await first.converse("unharmed"), "unharmed");
  strictEqual(origin.acceptedCount, 1);
  await ringway.untilLogged("cannot take clients for a moment");

  await limitFiles(worker, 1024);
  await late.receive(1);
  strictEqual(await late.converse("at last"), "at last");
  strictEqual((await ringway.snapshot()).listeners[0].refused, 0);
});

/** The number that the process's next open file would get; the kernel's limit is on numbers. */
function lowestFreeFd(pid: number): number {
  const taken = new Set(Array.from(Deno.readDirSync(`/proc/${pid}/fd`), ({ name }) => name));
  let fd = 0;
  while (taken.has(String(fd))) fd++;
  return fd;
}

async function limitFiles(pid: number, count: number): Promise<void> {
  const { success } = await new Deno.Command("prlimit", {
    args: ["--pid", String(pid), `--nofile=${count}:`],
  }).output();
  strictEqual(success, true, "the limit is set");
}
