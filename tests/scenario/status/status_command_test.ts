import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { askNames, Client } from "../client.ts";
import { runRingway } from "../command_run.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";

/** A program with one open connection, some that are over, and a server that refuses. */
async function startBusy(origin: Origin): Promise<{ ringway: RingwayProcess; client: Client }> {
  const ringway = await startRingway(`
workers: 2
listeners:
  web: { bind: "127.0.0.1:0", backend: app }
  broken: { bind: "127.0.0.1:0", backend: gone }
backends:
  app: [{ address: "${origin.address}", name: good, weight: 5 }]
  gone: [{ address: "127.0.1.1:1", name: bad }, { address: "127.0.1.2:1", backup: true }]
`);
  const client = await Client.connect(ringway.port("web"));
  await client.receive(1);
  await client.converse("twelve bytes");
  for (let i = 0; i < 3; i++) {
    using over = await Client.connect(ringway.port("web"));
    await over.receive(1);
  }
  await askNames(ringway.port("broken"), 2);
  await ringway.until("everything is counted", ({ listeners }) => {
    const [web, broken] = listeners;
    return web.open === 1 && web.total === 4 && broken.open === 0 && broken.refused === 2;
  });
  return { ringway, client };
}

Deno.test("status --json tells of workers, listeners, backends and servers", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  const { ringway, client } = await startBusy(origin);
  await using _ringway = ringway;
  using _client = client;
  const { code, out, err } = await runRingway(["status", "--json", "--socket", ringway.socket]);
  strictEqual(code, 0);
  strictEqual(err, "");
  const { pid, state, workers, listeners, backends } = JSON.parse(out);
  strictEqual(pid, ringway.pid);
  strictEqual(state, "serving");
  strictEqual(workers.length, 2);
  for (const worker of workers) {
    strictEqual(worker.state, "serving");
    strictEqual(worker.restarts, 0);
    strictEqual(worker.pid > 0 && worker.pid !== pid, true);
  }
  strictEqual(workers[0].tunnels + workers[1].tunnels, 1);

  const [web, broken] = listeners;
  const port = ringway.port("web");
  deepStrictEqual([web.name, web.binds, web.port], ["web", [`127.0.0.1:${port}`], port]);
  deepStrictEqual([web.open, web.total, web.refused], [1, 4, 0]);
  deepStrictEqual([web.received_bytes, web.sent_bytes], [12, 16]);
  deepStrictEqual([broken.open, broken.total, broken.refused], [0, 2, 2]);

  const [app, gone] = backends;
  deepStrictEqual([app.name, app.balance, gone.name], ["app", "round_robin", "gone"]);
  const [good] = app.servers;
  deepStrictEqual([good.name, good.address, good.weight], ["good", origin.address, 5]);
  deepStrictEqual([good.state, good.state_reason, good.overridden], ["up", "", false]);
  strictEqual(Date.parse(good.state_since) <= Date.now(), true);
  deepStrictEqual([good.configured_weight, good.share, good.check, good.agent], [5, 1, null, null]);
  deepStrictEqual([good.open, good.total, good.connect_failures], [1, 4, 0]);
  deepStrictEqual([good.sent_bytes, good.received_bytes], [12, 16]);
  const [bad, spare] = gone.servers;
  deepStrictEqual([bad.open, bad.total, bad.connect_failures, bad.retries], [0, 0, 2, 2]);
  deepStrictEqual([spare.backup, spare.connect_failures], [true, 2]);
});

Deno.test("status shows the same to people", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  const { ringway, client } = await startBusy(origin);
  await using _ringway = ringway;
  using _client = client;
  const { code, out } = await runRingway(["status", "--socket", ringway.socket]);
  strictEqual(code, 0);
  match(out, new RegExp(`^ringway \\S+, pid ${ringway.pid}, serving for \\d+s(, on epoll)?$`, "m"));
  ringway.workerPids.forEach((pid, worker) => {
    match(out, new RegExp(`^worker ${worker} +serving +${pid} +\\d+% +\\d +0 +0$`, "m"));
  });
  const port = ringway.port("web");
  match(
    out,
    new RegExp(`^listener web +127.0.0.1:${port} +1 +4 +0 +12 B +16 B$`, "m"),
  );
  match(out, /^listener broken .* 0 +2 +2 +0 B +0 B$/m);
  match(out, new RegExp(`^app/good +${origin.address} +up \\d+s +5 +1 +4 +0 +0 +12 B +16 B$`, "m"));
  match(out, /^gone\/127\.0\.1\.2:1 +127\.0\.1\.2:1 +\w+ \d+s +1 backup +0 +0 +2 +0 +0 B +0 B$/m);
});

Deno.test("status finds the program by the default place and by its configuration", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await startRingway(`
listeners:
  web: { bind: "127.0.0.1:0", backend: app }
backends:
  app: ["${origin.address}"]
`);
  const environment = { RUNTIME_DIRECTORY: ringway.folder };
  const byDefault = await runRingway(["status", "--json"], { environment });
  strictEqual(JSON.parse(byDefault.out).pid, ringway.pid);
  const file = `${ringway.folder}/other.yaml`;
  await Deno.writeTextFile(
    file,
    `admin: { bind: "unix:${ringway.socket}" }\n${Deno.readTextFileSync(ringway.configFile)}`,
  );
  const byConfiguration = await runRingway(["status", "--json", "-c", file]);
  strictEqual(JSON.parse(byConfiguration.out).pid, ringway.pid);
});

Deno.test("status says so when nothing runs, and ends with 1", async () => {
  const { code, out, err } = await runRingway(["status", "--socket", "/no/such/ringway.sock"]);
  strictEqual(code, 1);
  strictEqual(out, "");
  match(err, /^ringway: nobody answers at "\/no\/such\/ringway\.sock"; is it running\?/);
});
