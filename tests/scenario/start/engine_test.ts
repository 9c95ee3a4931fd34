import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { askName } from "../client.ts";
import { runRingway } from "../command_run.ts";
import { configText } from "../config_text.ts";
import { withLockedMemory, withoutIoUring } from "../launcher.ts";
import { Origin, say } from "../origin.ts";
import { type LaunchOptions, launchRingway, startRingway } from "../ringway_process.ts";

/** What a program that answers its clients says of its engine. */
async function engineOf(top: string, options: LaunchOptions = {}) {
  await using origin = new Origin(say("hello"));
  const config = configText({ servers: [origin], workers: 2, top });
  await using ringway = await startRingway(config, options);
  strictEqual(await askName(ringway.port()), "hello");
  const snapshot = await ringway.snapshot();
  const warnings = ringway.log.filter((line) => line.includes("warn"));
  return { io: snapshot.workers.map(({ io }) => io).join(), warnings };
}

const auto = { environment: { RINGWAY_IO: "auto" } };

Deno.test("where io_uring is allowed it is used, and nothing is said", async () => {
  deepStrictEqual(await engineOf("", auto), { io: "uring,uring", warnings: [] });
});

Deno.test("where it is not, epoll is; one warning says which lock that is", async () => {
  const { io, warnings } = await engineOf("", { ...auto, launcher: withoutIoUring() });
  strictEqual(io, "epoll,epoll");
  strictEqual(warnings.length, 1);
  match(warnings[0], /using epoll, .*io_uring is blocked by a seccomp filter.*--security-opt/);
});

Deno.test("where the rings of all workers exceed the locked memory, epoll is used", async () => {
  const { io, warnings } = await engineOf("", { ...auto, launcher: withLockedMemory(200_000) });
  strictEqual(io, "epoll,epoll");
  match(warnings.join(), /using epoll, .*limit of locked memory/);
});

Deno.test("io: epoll is epoll, without a warning", async () => {
  const options = { environment: { RINGWAY_IO: "epoll" } };
  const epoll = { io: "epoll,epoll", warnings: [] };
  deepStrictEqual(await engineOf("io: uring", options), epoll, "the environment has precedence");
  deepStrictEqual(await engineOf("io: epoll", { environment: { RINGWAY_IO: "" } }), epoll);
});

Deno.test("a word in RINGWAY_IO that is no engine is refused, with those there are", async () => {
  const environment = { RINGWAY_IO: "kqueue" };
  await using ringway = launchRingway(configText({ servers: ["127.0.0.2:1"] }), { environment });
  strictEqual(await ringway.exitCode(), 2);
  match(ringway.log.join("\n"), /RINGWAY_IO is "kqueue"; it must be one of auto, uring, epoll/);
});

Deno.test("status tells a person when it is not io_uring", async () => {
  const environment = { RINGWAY_IO: "epoll" };
  await using ringway = await startRingway(configText({ servers: ["127.0.0.2:1"] }), {
    environment,
  });
  const { out } = await runRingway(["status", "--socket", ringway.socket]);
  ok(out.split("\n")[0].endsWith(", on epoll"), out);
});
