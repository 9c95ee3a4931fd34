import { match, rejects, strictEqual } from "node:assert/strict";
import { askName, Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { withOpenFiles } from "../launcher.ts";
import { echo, Origin, say } from "../origin.ts";
import { isAlive, signal } from "../process_table.ts";
import { launchRingway, type RingwayProcess, RUN_MAIN, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

const SERVERS = ["127.0.1.1:1"];
/** Few, so that it does not take long to have them all. */
const FILES = 150;

Deno.test("the admin socket is the user's alone, and goes with the program", async () => {
  await using ringway = await startRingway(configText({ servers: SERVERS }));
  strictEqual((await Deno.stat(ringway.socket)).mode! & 0o777, 0o600);
  ringway.kill("SIGTERM");
  strictEqual(await ringway.exitCode(), 0);
  await rejects(Deno.stat(ringway.socket), Deno.errors.NotFound);
});

Deno.test("a second program does not take the first one's admin socket", async () => {
  await using first = await startRingway(configText({ servers: SERVERS }));
  const top = `admin: { bind: "unix:${first.socket}" }`;
  await using second = launchRingway(configText({ servers: SERVERS, top }));
  strictEqual(await second.exitCode(), 1);
  match(second.log.join("\n"), /cannot bind the admin socket .*another ringway answers there/);
  strictEqual((await first.snapshot()).pid, first.pid);
});

Deno.test("a socket file that a killed program left is replaced", async () => {
  await using first = await startRingway(configText({ servers: SERVERS }));
  signal(first.pid, "SIGKILL");
  await until("it is dead", () => !isAlive(first.pid));
  strictEqual((await Deno.stat(first.socket)).isSocket, true);
  const { socket } = first;
  const top = `admin: { bind: "unix:${socket}" }`;
  await using second = await startRingway(configText({ servers: SERVERS, top }), { socket });
  strictEqual((await second.snapshot()).pid, second.pid);
});

Deno.test("admin: false opens none", async () => {
  await using ringway = launchRingway(configText({ servers: SERVERS, top: "admin: false" }));
  await ringway.untilLogged('"serving"');
  await rejects(Deno.stat(ringway.socket), Deno.errors.NotFound);
});

/** Opens connections to the admin socket, says nothing, until the program has no more files. */
async function exhaust(ringway: RingwayProcess): Promise<Disposable> {
  const held = new DisposableStack();
  for (let i = 0; i < FILES; i++) {
    try {
      const path = ringway.socket;
      const connection = await Deno.connect({ transport: "unix", path });
      held.defer(() => connection.close());
    } catch {
      break; // nobody listens there any more
    }
  }
  return held;
}

Deno.test("those who hang on to the admin socket cannot end the program", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startRingway(configText({ servers: [origin] }), {
    launcher: withOpenFiles(FILES),
  });
  using client = await Client.connect(ringway.port());
  strictEqual(await client.converse("before"), "before");
  const workers = ringway.workerPids;
  using _held = await exhaust(ringway);
  strictEqual(await client.converse("after"), "after");
  using late = await Client.connect(ringway.port());
  strictEqual(await late.converse("new"), "new");
  strictEqual(ringway.hasEnded, false);
  strictEqual(workers.every(isAlive), true);
});

Deno.test("the admin socket answers again when those who hung on to it have gone", async () => {
  await using ringway = await startRingway(configText({ servers: SERVERS }), {
    launcher: withOpenFiles(FILES),
  });
  (await exhaust(ringway))[Symbol.dispose]();
  await until("status answers", async () => {
    try {
      return await ringway.snapshot();
    } catch {
      return false;
    }
  }, { state: () => ringway.state, withinMs: 8000 });
});

Deno.test("where no folder can be written it serves all the same, and says so", async () => {
  await using origin = new Origin(say("hello"));
  await using ringway = launchRingway("", {
    launcher: ["sh", "-c", 'rm -r "$RUNTIME_DIRECTORY"; exec "$@"', "sh"],
    command: [...RUN_MAIN, "proxy", "127.0.0.1:0", origin.address],
  });
  try {
    await ringway.untilLogged("serving without status and commands: cannot bind the admin socket");
    const line = await ringway.untilLogged("listener");
    strictEqual(await askName(Number(/127\.0\.0\.1:(\d+)/.exec(line)![1])), "hello");
  } finally {
    Deno.mkdirSync(ringway.folder);
  }
});
