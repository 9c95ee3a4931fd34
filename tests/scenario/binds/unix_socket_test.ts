import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { Program } from "../real/program.ts";
import { type LaunchOptions, launchRingway, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

class SocketFolder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "ringway-sockets-" });
  readonly listener = `${this.path}/listener.sock`;
  readonly server = `${this.path}/server.sock`;

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSocket === true;
  } catch {
    return false;
  }
}

/** What socat gets through the socket at `path` for a line. */
async function converse(path: string, line: string, pattern: RegExp): Promise<string> {
  await using client = new Program(["socat", "-", `UNIX-CONNECT:${path}`]);
  await client.tell(`${line}\n`);
  return (await client.untilWritten(pattern))[0];
}

Deno.test("socat to socat, over unix sockets on both sides", async () => {
  using folder = new SocketFolder();
  await using server = new Program(["socat", `UNIX-LISTEN:${folder.server},fork`, "PIPE"]);
  await until("socat listens", () => exists(folder.server), { state: () => server.state });
  await using ringway = await startRingway(configText({
    workers: 2,
    bind: `unix:${folder.listener}`,
    servers: [`unix:${folder.server}`],
  }));
  for (let i = 0; i < 5; i++) {
    strictEqual(await converse(folder.listener, `line ${i}`, /line .*/), `line ${i}`);
  }
  const { listeners } = await ringway.until("all have gone", ({ listeners }) => {
    return listeners[0].total === 5 && listeners[0].open === 0;
  });
  strictEqual(listeners[0].refused, 0);
  ringway.kill("SIGTERM");
  strictEqual(await ringway.exitCode(), 0);
  strictEqual(exists(folder.listener), false, "the socket file goes with the program");
});

Deno.test("a unix listener leads to TCP servers, and a TCP listener to unix servers", async () => {
  using folder = new SocketFolder();
  await using origin = new Origin(sayThenEcho("tcp\n"));
  await using ringway = await startRingway(`
workers: 1
listeners:
  outer: { bind: "127.0.0.1:0", backend: over_unix }
  inner: { bind: "unix:${folder.listener}", backend: over_tcp }
backends:
  over_unix: ["unix:${folder.listener}"]
  over_tcp: ["${origin.address}"]
`);
  await using client = new Program(["socat", "-", `TCP:127.0.0.1:${ringway.port("outer")}`]);
  await client.tell("round\n");
  await client.untilWritten(/tcp\nround/);
  const { listeners } = await ringway.snapshot();
  deepStrictEqual(listeners.map(({ open }) => open), [1, 1]);
});

Deno.test("one listener may have addresses of several kinds", async () => {
  using folder = new SocketFolder();
  await using origin = new Origin(sayThenEcho("here\n"));
  await using ringway = await startRingway(`
listeners:
  web:
    bind: ["127.0.0.1:0", { address: "unix:${folder.listener}", mode: "0600" }]
    backend: app
backends:
  app: ["${origin.address}"]
`);
  strictEqual(await converse(folder.listener, "x", /here/), "here");
  await using client = new Program(["socat", "-", `TCP:127.0.0.1:${ringway.port("web")}`]);
  await client.untilWritten(/here/);
  strictEqual((await ringway.snapshot()).listeners[0].total, 2);
});

Deno.test("a server whose socket file is away is a server that refuses", async () => {
  using folder = new SocketFolder();
  await using origin = new Origin(sayThenEcho("second\n"));
  await using ringway = await startRingway(configText({
    bind: `unix:${folder.listener}`,
    servers: [`unix:${folder.server}`, origin],
    backend: "balance: first",
  }));
  strictEqual(await converse(folder.listener, "x", /second/), "second");
  const { backends } = await ringway.snapshot();
  strictEqual(backends[0].servers[0].connect_failures, 1);
});

Deno.test("the socket file gets the mode and the owner that are asked for", async () => {
  using folder = new SocketFolder();
  const owner = Deno.uid() === 0 ? ", owner: nobody, group: 65534" : "";
  await using _ringway = await startRingway(`
listeners:
  web: { bind: { address: "unix:${folder.listener}", mode: "0620"${owner} }, backend: app }
backends:
  app: ["127.0.0.2:1"]
`);
  const { mode, uid, gid } = Deno.statSync(folder.listener);
  strictEqual((mode! & 0o777).toString(8), "620");
  if (Deno.uid() === 0) deepStrictEqual([uid, gid], [65534, 65534]);
});

Deno.test("a socket file that nobody listens on any more is replaced", async () => {
  using folder = new SocketFolder();
  await using origin = new Origin(sayThenEcho("here\n"));
  const config = configText({ bind: `unix:${folder.listener}`, servers: [origin] });
  {
    await using killed = await startRingway(config);
    for (const pid of killed.processes) Deno.kill(pid, "SIGKILL");
    await killed.ended;
  }
  strictEqual(exists(folder.listener), true, "it is left behind");
  await using _ringway = await startRingway(config);
  strictEqual(await converse(folder.listener, "x", /here/), "here");
});

/** Starts what cannot start; its exit status and what it said. */
async function refusal(
  config: string,
  options: LaunchOptions = {},
): Promise<{ status: number; said: string }> {
  await using ringway = launchRingway(config, options);
  return { status: await ringway.exitCode(), said: ringway.log.join("\n") };
}

Deno.test("a socket on which another program listens is an error, and stays", async () => {
  using folder = new SocketFolder();
  await using origin = new Origin(sayThenEcho("mine\n"));
  const config = configText({ bind: `unix:${folder.listener}`, servers: [origin] });
  await using _ringway = await startRingway(config);
  const { status, said } = await refusal(config);
  strictEqual(status, 1, said);
  match(said, new RegExp(`cannot bind "unix:${folder.listener}" of listener "web"`));
  match(said, /another program listens/);
  strictEqual(await converse(folder.listener, "x", /mine/), "mine");
});

Deno.test("a file that is no socket is an error, and stays", async () => {
  using folder = new SocketFolder();
  Deno.writeTextFileSync(folder.listener, "precious");
  const config = configText({ bind: `unix:${folder.listener}`, servers: ["127.0.0.2:1"] });
  const { status, said } = await refusal(config);
  strictEqual(status, 1, said);
  match(said, new RegExp(`cannot bind "unix:${folder.listener}".*`));
  match(said, /what is there is no socket, and is left alone/);
  strictEqual(Deno.readTextFileSync(folder.listener), "precious");
});

Deno.test("a folder that does not exist: cause, remedy and 1", async () => {
  using folder = new SocketFolder();
  const bind = `unix:${folder.path}/missing/listener.sock`;
  const { status, said } = await refusal(configText({ bind, servers: ["127.0.0.2:1"] }));
  strictEqual(status, 1, said);
  match(said, new RegExp(`cannot bind "${bind}" of listener "web".*ENOENT.*; its folder does not`));
});

/** For root: whatever lets it do to files what their owner has not allowed. */
const UNPRIVILEGED = Deno.uid() === 0
  ? ["setpriv", "--bounding-set", "-chown,-fowner,-dac_override,-dac_read_search"]
  : [];

Deno.test("an owner that this user may not set: cause, remedy, no file, and 77", async () => {
  using folder = new SocketFolder();
  const { status, said } = await refusal(
    `
listeners:
  web: { bind: { address: "unix:${folder.listener}", owner: "65534" }, backend: app }
backends:
  app: ["127.0.0.2:1"]
`,
    { launcher: UNPRIVILEGED },
  );
  strictEqual(status, 77, said);
  match(said, /cannot set mode or owner of "unix:.*" of listener "web": .*\(EPERM\); only root/);
  strictEqual(exists(folder.listener), false);
});

Deno.test("a stale socket of somebody else in a sticky folder: cause, remedy and 77", {
  // Only root can leave one there.
  ignore: Deno.uid() !== 0,
}, async () => {
  using folder = new SocketFolder();
  // The kernel keeps the file of a socket that was bound by its other name.
  const listener = Deno.listen({ transport: "unix", path: folder.server });
  Deno.renameSync(folder.server, folder.listener);
  listener.close();
  Deno.chmodSync(folder.listener, 0o666);
  for (const path of [folder.listener, folder.path]) Deno.chownSync(path, 65534, 65534);
  Deno.chmodSync(folder.path, 0o1777);
  const config = configText({ bind: `unix:${folder.listener}`, servers: ["127.0.0.2:1"] });
  const { status, said } = await refusal(config, { launcher: UNPRIVILEGED });
  strictEqual(status, 77, said);
  match(said, /nobody listens on is in the way, and this user may not remove it/);
  strictEqual(exists(folder.listener), true);
});
