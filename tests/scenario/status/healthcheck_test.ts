import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { type CommandResult, runRingway } from "../command_run.ts";
import { Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { echo, Origin } from "../origin.ts";
import { signal } from "../process_table.ts";
import { launchRingway, type RingwayProcess, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

const SERVERS = ["127.0.1.1:1"];
/** What is promised, and what a busy machine may need besides to start a process. */
const ANSWER_MS_MAX = 2000;
const SLACK_MS = 2000;

function healthcheck({ socket }: RingwayProcess): Promise<CommandResult> {
  return runRingway(["healthcheck", "--socket", socket]);
}

Deno.test("healthcheck is 0 and silent when it serves, whatever leads to it", async () => {
  await using ringway = await startRingway(configText({ servers: SERVERS }));
  const file = `${ringway.folder}/other.yaml`;
  await Deno.writeTextFile(
    file,
    configText({ servers: SERVERS, top: `admin: { bind: "unix:${ringway.socket}" }` }),
  );
  const environment = { RUNTIME_DIRECTORY: ringway.folder };
  const answers = await Promise.all([
    healthcheck(ringway),
    runRingway(["healthcheck", "-c", file]),
    runRingway(["healthcheck"], { environment }),
  ]);
  for (const answer of answers) deepStrictEqual(answer, { code: 0, out: "", err: "" });
});

Deno.test("a drain is told while clients are still accepted, and is 1", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startRingway(
    configText({ servers: [origin], top: "drain: { delay: 60s }" }),
  );
  ringway.kill("SIGTERM");
  await ringway.untilLogged("accepting for 60000 ms more");
  deepStrictEqual(await healthcheck(ringway), {
    ...{ code: 1, out: "", err: "ringway: not ready: draining\n" },
  });
  using client = await Client.connect(ringway.port());
  strictEqual(await client.converse("still"), "still");
});

Deno.test("before its workers serve it is starting", async () => {
  await using ringway = launchRingway(configText({ workers: 2, servers: SERVERS }), {
    // Workers that trip over their first step, again and again.
    environment: { RINGWAY_WORKER_V8_FLAGS: "--no-such-flag" },
  });
  await ringway.untilLogged("starting another");
  const { code, err } = await healthcheck(ringway);
  strictEqual(code, 1);
  match(err, /^ringway: not ready: starting: 0 of 2 workers ready\n$/);
  // It gives up, which is what tells this from a crash.
  strictEqual(await ringway.exitCode(), 1);
});

Deno.test("while every worker is gone it is not ready", async () => {
  await using ringway = await startRingway(configText({ workers: 1, servers: SERVERS }));
  const isReady = async () => (await healthcheck(ringway)).code === 0;
  await until("it is ready", isReady);
  let answer: CommandResult | undefined;
  await until("a check falls between two workers", async () => {
    const { workers } = await ringway.snapshot();
    const [{ pid, state }] = workers;
    if (state === "serving") signal(pid, "SIGKILL");
    answer = await healthcheck(ringway);
    return answer.code === 1;
  }, { state: () => ringway.state });
  strictEqual(answer!.err, "ringway: not ready: no worker is ready\n");
  await until("it is ready again", isReady);
});

Deno.test("when nobody answers it is 1, with the reason", async () => {
  const missing = await runRingway(["healthcheck", "--socket", "/nowhere/ringway.sock"]);
  strictEqual(missing.code, 1);
  match(missing.err, /^ringway: nobody answers at "\/nowhere\/ringway\.sock"; is it running\?/);
  const unreadable = await runRingway(["healthcheck", "-c", "/nowhere/ringway.yaml"]);
  strictEqual(unreadable.code, 1);
  match(unreadable.err, /^ringway: cannot read "\/nowhere\/ringway\.yaml"/);
});

Deno.test("a program that is stuck is not waited for", async () => {
  await using ringway = await startRingway(configText({ servers: SERVERS }));
  signal(ringway.pid, "SIGSTOP");
  const startedMs = performance.now();
  const { code, err } = await healthcheck(ringway);
  const tookMs = performance.now() - startedMs;
  signal(ringway.pid, "SIGCONT");
  strictEqual(code, 1);
  strictEqual(err, "ringway: not ready: it does not answer in time\n");
  strictEqual(tookMs < ANSWER_MS_MAX + SLACK_MS, true, `it took ${Math.round(tookMs)} ms`);
});
