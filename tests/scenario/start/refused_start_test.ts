import { match, ok, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { withOpenFiles, withoutIoUring, withoutLowPorts } from "../launcher.ts";
import { type LaunchOptions, launchRingway, RUN_MAIN } from "../ringway_process.ts";

/** Starts what cannot start; its exit status, what it said, and that nothing is left of it. */
async function refusal(
  config: string,
  options: LaunchOptions = {},
): Promise<{ status: number; said: string }> {
  await using ringway = launchRingway(config, options);
  const status = await ringway.exitCode();
  strictEqual(ringway.processes.length, 0, "no process is left");
  const left = Array.from(Deno.readDirSync(ringway.folder), ({ name }) => name);
  strictEqual(left.join(), "ringway.yaml", "no socket file is left");
  return { status, said: ringway.log.join("\n") };
}

const SERVERS = ["127.0.0.2:1"];

Deno.test("a port in use: cause, remedy and 1", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const bind = `127.0.0.1:${taken.addr.port}`;
  const { status, said } = await refusal(configText({ servers: SERVERS, bind }));
  strictEqual(status, 1);
  match(said, new RegExp(`cannot bind "${bind}" of listener "web": .*EADDRINUSE`));
  match(said, /another program listens on port \d+ .*; stop it, or bind another port/);
});

Deno.test("one port in use: no other listener of the file stays bound", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  // A loopback address of its own, so that nobody else can have the port by chance.
  const other = `127.0.4.1:${taken.addr.port}`;
  const { status } = await refusal(`
listeners:
  first: { bind: "${other}", backend: app }
  second: { bind: "127.0.0.1:${taken.addr.port}", backend: app }
backends:
  app: ["${SERVERS[0]}"]
`);
  strictEqual(status, 1);
  Deno.listen({ hostname: "127.0.4.1", port: taken.addr.port }).close();
});

Deno.test("another ringway on the same port is an error, not a silent share", async () => {
  await using running = launchRingway(configText({ servers: SERVERS }));
  await running.untilServing();
  const bind = `127.0.0.1:${running.port()}`;
  const { status, said } = await refusal(configText({ servers: SERVERS, bind }));
  strictEqual(status, 1);
  match(said, /EADDRINUSE/);
});

Deno.test("an address that no interface has is bound, and said", async () => {
  // RFC 5737: an address for documentation.
  const bind = "192.0.2.1:0";
  await using ringway = launchRingway(configText({ servers: SERVERS, bind }));
  await ringway.untilServing();
  const line = await ringway.untilLogged("no interface of this machine has");
  match(line, /warn/);
  match(line, /listener \\?"web\\?" is bound to \\?"192\.0\.2\.1:0\\?"/);
  ok(ringway.port() > 0);
});

Deno.test("a privileged port without the privilege: cause, remedy and 77", async () => {
  const { status, said } = await refusal(
    configText({ servers: SERVERS, bind: ":80" }),
    { launcher: withoutLowPorts() },
  );
  strictEqual(status, 77, said);
  match(said, /cannot bind ":80" of listener "web": .*EACCES/);
  match(said, /grant CAP_NET_BIND_SERVICE .* or use a port >= 1024/);
});

Deno.test("no place for the admin socket: no socket of a listener is left behind", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-start-" });
  using _removal = { [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
  const { status, said } = await refusal(configText({
    servers: SERVERS,
    bind: `unix:${folder}/listener.sock`,
    top: `admin: { bind: "unix:${folder}/missing/admin.sock" }`,
  }));
  strictEqual(status, 1, said);
  match(said, /missing\/admin\.sock/);
  strictEqual(Array.from(Deno.readDirSync(folder)).length, 0);
});

Deno.test("fewer open files than the listeners need: how many would do, and 1", async () => {
  const { status, said } = await refusal(
    configText({ servers: SERVERS }),
    { launcher: withOpenFiles(66) },
  );
  strictEqual(status, 1);
  match(said, /the limit of open files \(66\) is too low for 1 listening socket .*raise it to 67/);
});

Deno.test("a wrong configuration: every mistake with its place, and 78", async () => {
  using probe = Deno.listen({ hostname: "127.0.4.2", port: 0 });
  const bind = `127.0.4.2:${probe.addr.port}`;
  probe.close();
  const { status, said } = await refusal(
    configText({ servers: ["127.0.0.2"], bind, listener: "timeout: 3s" }),
  );
  strictEqual(status, 78);
  match(said, /ringway\.yaml:\d+:\d+/);
  match(said, /timeouts/, "what was meant");
  match(said, /127\.0\.0\.2/, "the address without a port");
  // Nothing has been bound.
  Deno.listen({ hostname: "127.0.4.2", port: Number(bind.split(":")[1]) }).close();
});

Deno.test("a file that is not there: its name and 78", async () => {
  const command = [...RUN_MAIN, "serve", "-c", "/no/such/ringway.yaml"];
  const { status, said } = await refusal("", { command });
  strictEqual(status, 78);
  match(said, /cannot read "\/no\/such\/ringway\.yaml"/);
});

Deno.test("io: uring, forbidden by a seccomp filter: the lock, what opens it, and 69", async () => {
  const { status, said } = await refusal(configText({ servers: SERVERS, top: "io: uring" }), {
    launcher: withoutIoUring(),
    environment: { RINGWAY_IO: "" },
  });
  strictEqual(status, 69, said);
  match(said, /io_uring is blocked by a seccomp filter/);
  match(said, /allow io_uring_setup, io_uring_enter and io_uring_register/);
});
