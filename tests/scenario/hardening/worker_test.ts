import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say } from "../origin.ts";
import { launchRingway, type RingwayProcess, startRingway } from "../ringway_process.ts";

/** A line of each thread's /proc/PID/task/TID/status. */
function threadLines(pid: number, name: string): string[] {
  const threads = Array.from(Deno.readDirSync(`/proc/${pid}/task`), (entry) => entry.name);
  return threads.map((thread) => {
    const text = Deno.readTextFileSync(`/proc/${pid}/task/${thread}/status`);
    return new RegExp(`^${name}:\\s*(.*)$`, "m").exec(text)?.[1] ?? "missing";
  });
}

/** The one value that all threads of all workers have. */
function lineOf(ringway: RingwayProcess, name: string): string {
  const values = new Set(ringway.workerPids.flatMap((pid) => threadLines(pid, name)));
  return [...values].join(" and ");
}

const NOTHING = "0000000000000000";

Deno.test("no thread of a worker has capabilities or unfiltered calls, and it serves", async () => {
  await using origin = new Origin(say("served"));
  await using ringway = await startRingway(
    configText({ workers: 2, servers: [origin], top: "log: debug" }),
  );
  const { workers } = await ringway.until("all have told what they have given up", (snapshot) => {
    return snapshot.workers.every(({ hardening }) => hardening.length > 0);
  });
  const sets = ["CapInh", "CapPrm", "CapEff", "CapAmb"];
  deepStrictEqual(sets.map((name) => lineOf(ringway, name)), sets.map(() => NOTHING));
  strictEqual(lineOf(ringway, "NoNewPrivs"), "1");
  strictEqual(lineOf(ringway, "Seccomp"), "2");
  for (const { hardening, io } of workers) {
    const expected = ["files", "no_new_privs", "capabilities", "seccomp"];
    deepStrictEqual(expected.filter((step) => !hardening.includes(step)), []);
    strictEqual(hardening.includes("ring_restrictions"), io === "uring");
  }
  match(await ringway.untilLogged("hardened: "), /no_new_privs, .*seccomp/);
  deepStrictEqual(tally(await askNames(ringway.port(), 20)), { served: 20 });
  deepStrictEqual(ringway.log.filter((line) => line.includes("not complete")), []);
});

Deno.test("a worker has no file open but for what its output goes to", async () => {
  await using ringway = await startRingway(configText({ servers: ["127.0.0.2:1"] }));
  await ringway.snapshot();
  const [worker] = ringway.workerPids;
  const open = Array.from(Deno.readDirSync(`/proc/${worker}/fd`), ({ name }) => {
    return Deno.readLinkSync(`/proc/${worker}/fd/${name}`);
  });
  const files = open.filter((path) => path.startsWith("/") && !path.startsWith("/dev/"));
  deepStrictEqual([...new Set(files)], ["/memfd:closed (deleted)"]);
});

Deno.test("hardening: off leaves a worker as it was", async () => {
  await using ringway = await startRingway(
    configText({ servers: ["127.0.0.2:1"], top: "hardening: off" }),
  );
  await ringway.untilLogged("serving");
  const { workers } = await ringway.snapshot();
  deepStrictEqual(workers[0].hardening.filter((step) => step !== "ring_restrictions"), []);
  strictEqual(lineOf(ringway, "NoNewPrivs"), threadLines(Deno.pid, "NoNewPrivs")[0]);
});

Deno.test("a hardened worker that crashes says why, and is replaced", async () => {
  const ringway = launchRingway(configText({ servers: ["127.0.0.2:1"] }));
  await ringway.untilServing();
  const [worker] = ringway.workerPids;
  Deno.writeTextFileSync(`/proc/${worker}/fd/0`, "nonsense\n");
  match(await ringway.untilLogged("error: Uncaught"), /SyntaxError: .*nonsense/);
  await ringway.untilLogged("ended with 1; starting another");
  const lines = ringway.log.filter((line) => /^ {4}at .*:\d+:\d+\)?$/.test(line));
  strictEqual(lines.length > 3, true, ringway.state);
  await ringway.until("another serves", ({ workers }) => {
    return workers[0].state === "serving" && workers[0].pid !== worker;
  });
  await rejects(async () => await ringway[Symbol.asyncDispose](), /it crashed: error: Uncaught/);
});

Deno.test({
  name: "of root's capabilities stay those for unix servers and transparent backends",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    const backends = [
      ["servers: ['unix:/nowhere/x.sock']", "0000000000000002"], // CAP_DAC_OVERRIDE
      ["servers: ['127.0.0.2:1'], transparent: true", "0000000000002000"], // CAP_NET_RAW
    ];
    for (const [backend, expected] of backends) {
      await using ringway = await startRingway(`
workers: 1
listeners:
  web: { bind: "127.0.0.1:0", backend: app }
backends:
  app: { ${backend} }
`);
      await ringway.snapshot();
      strictEqual(lineOf(ringway, "CapEff"), expected, backend);
    }
  },
});
