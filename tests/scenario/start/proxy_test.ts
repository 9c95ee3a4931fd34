import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { askNames, tally } from "../client.ts";
import { runRingway } from "../command_run.ts";
import { Origin, say } from "../origin.ts";
import { launchRingway, type RingwayProcess, RUN_MAIN, startRingway } from "../ringway_process.ts";

/** `ringway proxy` with these words, when it serves. */
function startProxy(...words: string[]): Promise<RingwayProcess> {
  return startRingway("", { command: [...RUN_MAIN, "proxy", ...words] });
}

Deno.test("proxy runs without a file: servers take turns, and SIGTERM ends it", async () => {
  await using one = new Origin(say("one"));
  await using two = new Origin(say("two"));
  await using ringway = await startProxy(
    ...["127.0.0.1:0", one.address, two.address, "--workers", "1"],
  );
  deepStrictEqual(tally(await askNames(ringway.port(), 10)), { one: 5, two: 5 });
  await ringway.untilLogged("configuration of the command line");
  const { workers, backends } = await ringway.snapshot();
  strictEqual(workers.length, 1);
  deepStrictEqual(backends[0].servers.map(({ check }) => check), [null, null]);
  ringway.kill("SIGTERM");
  strictEqual(await ringway.exitCode(), 0);
});

Deno.test("proxy takes a policy and a check, and passes over who does not answer it", async () => {
  await using here = new Origin(say("here"));
  await using ringway = await startProxy(
    ...["127.0.0.1:0", here.address, "127.0.1.1:1", "--balance", "least_conn", "--check", "tcp"],
  );
  await ringway.until("the one that is gone is down", ({ backends }) => {
    return backends[0].servers.map(({ state }) => state).join() === "up,down";
  });
  deepStrictEqual(tally(await askNames(ringway.port(), 4)), { here: 4 });
});

Deno.test("what proxy prints is a configuration that serves the same", async () => {
  await using origin = new Origin(say("served"));
  const { code, out, err } = await runRingway(
    ["proxy", "127.0.0.1:0", origin.address, "--balance", "first", "--print"],
  );
  deepStrictEqual([code, err], [0, ""]);
  await using ringway = await startRingway(out);
  deepStrictEqual(tally(await askNames(ringway.port(), 2)), { served: 2 });
});

Deno.test("a second proxy of the same user has an admin socket of its own", async () => {
  await using first = await startProxy("127.0.0.1:0", "127.0.1.1:1");
  const words = ["127.0.0.1:0", "127.0.1.1:1", "--socket"];
  await using refused = launchRingway("", {
    command: [...RUN_MAIN, "proxy", ...words, first.socket],
  });
  strictEqual(await refused.exitCode(), 1);
  match(refused.log.join("\n"), /another ringway answers there; .*"ringway proxy": --socket/);
  const socket = `${first.folder}/second.sock`;
  await using second = await startRingway("", {
    command: [...RUN_MAIN, "proxy", ...words, socket],
    socket,
  });
  strictEqual((await second.snapshot()).pid !== (await first.snapshot()).pid, true);
});

Deno.test("what is wrong with its arguments is told of them, all at once, and 2", async () => {
  const { code, out, err } = await runRingway(
    ["proxy", "8080", "10.0.0.1", "--balance", "least_con"],
  );
  deepStrictEqual([code, out], [2, ""]);
  const lines = err.trimEnd().split("\n");
  strictEqual(lines.length, 3);
  strictEqual(lines[0], 'ringway: LISTEN must be an address, found "8080"; write ":8080"');
  match(lines[1], /^ringway: SERVER has no port: "10\.0\.0\.1"; write "10\.0\.0\.1:PORT"$/);
  match(lines[2], /^ringway: --balance must be one of .*; did you mean "least_conn"\?$/);
});

Deno.test("a port in use is told as serve tells it", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const command = [...RUN_MAIN, "proxy", `127.0.0.1:${taken.addr.port}`, "127.0.1.1:1"];
  await using ringway = launchRingway("", { command });
  strictEqual(await ringway.exitCode(), 1);
  match(ringway.log.join("\n"), /cannot bind .* of listener "proxy": .*EADDRINUSE/);
});
