import assert from "node:assert/strict";
import { openShim } from "../../ffi/shim.ts";
import { EACCES, EADDRINUSE } from "../base/errno.ts";
import type { ListenerConfig } from "../config/config.ts";
import { parseConfig } from "../config/parse_config.ts";
import { AF_INET6, AF_UNIX } from "../net/socket_address.ts";
import { BindError } from "./bind_error.ts";
import { ListeningSockets } from "./listening_sockets.ts";
import { addressOf, FakeShim, type FakeSocket, PICKED_PORT } from "./test_shim.ts";

/** A listener as the configuration has it. */
function listenerOf(binds: readonly string[], more = ""): ListenerConfig {
  const text = `
listeners: { web: { bind: ${JSON.stringify(binds)}, backend: app, ${more} } }
backends: { app: ["10.0.0.1:1"] }
`;
  const { config, diagnostics } = parseConfig(text, "f", {});
  assert.ok(config !== null, JSON.stringify(diagnostics));
  return config.listeners[0];
}

async function refusal(fake: FakeShim, listener: ListenerConfig): Promise<BindError> {
  try {
    await ListeningSockets.open(fake.shim, listener, 2);
  } catch (failure) {
    assert.ok(failure instanceof BindError, String(failure));
    assert.deepEqual(fake.open, [], "nothing stays bound");
    return failure;
  }
  assert.fail("it was bound");
}

function portsOf(sockets: readonly FakeSocket[]): number[] {
  return sockets.map(({ port }) => port);
}

Deno.test("every worker has a socket of its own for each address", async () => {
  const fake = new FakeShim();
  const sockets = await ListeningSockets.open(fake.shim, listenerOf([":80", "10.0.0.1:81"]), 2);
  assert.equal(sockets.port, 80);
  assert.equal(sockets.count, 2);
  const byFd = new Map(fake.open.map((socket) => [socket.fd, socket]));
  for (const own of sockets.byWorker) {
    assert.deepEqual(portsOf(own.map(({ fd }) => byFd.get(fd)!)), [80, 81]);
  }
  assert.equal(byFd.size, 4, "none is shared");
  assert.deepEqual(
    sockets.byWorker[0].map(({ family, isWildcard }) => [family === AF_INET6, isWildcard]),
    [[true, true], [false, false]],
  );
});

Deno.test("a range is a socket for each of its ports, from the first to the last", async () => {
  const fake = new FakeShim();
  const sockets = await ListeningSockets.open(fake.shim, listenerOf(["[::1]:8000-8003"]), 1);
  assert.deepEqual(portsOf(fake.open), [8000, 8001, 8002, 8003]);
  assert.deepEqual([sockets.count, sockets.port], [4, 8000]);
  assert.deepEqual(fake.open[3].address, addressOf("::1", 8003));
});

Deno.test("the listener's port is the first that it has, picked by the kernel or not", async () => {
  const picked = await ListeningSockets.open(new FakeShim().shim, listenerOf([":0", ":90"]), 2);
  assert.equal(picked.port, PICKED_PORT);
  const written = await ListeningSockets.open(new FakeShim().shim, listenerOf([":90", ":0"]), 2);
  assert.equal(written.port, 90);
});

Deno.test("what it is bound to is told as written, with the ports picked", async () => {
  const listener = listenerOf([":90", "127.0.0.1:0", "[::1]:8000-8003", ":0"]);
  const sockets = await ListeningSockets.open(new FakeShim().shim, listener, 2);
  assert.deepEqual(sockets.binds, [
    ":90",
    `127.0.0.1:${PICKED_PORT}`,
    "[::1]:8000-8003",
    `:${PICKED_PORT}`,
  ]);
  sockets.close();
  assert.equal(sockets.binds.length, 4, "also when it is bound no more");
});

Deno.test("a drain closes sockets of TCP at its beginning, of UDP at its end", async () => {
  for (const [more, left] of [["", 0], ["protocol: udp", 4]] as const) {
    const fake = new FakeShim();
    const sockets = await ListeningSockets.open(fake.shim, listenerOf([":80", ":81"], more), 2);
    sockets.stopAccepting();
    assert.equal(fake.open.length, left, more);
    sockets.close();
    assert.deepEqual(fake.open, []);
  }
});

Deno.test("closing closes all, once", async () => {
  const fake = new FakeShim();
  const sockets = await ListeningSockets.open(fake.shim, listenerOf([":80", ":90-95"]), 2);
  sockets.close();
  assert.deepEqual(fake.open, []);
  assert.equal(sockets.count, 0);
  sockets.close();
});

Deno.test("what cannot be bound is named as it is written, and nothing stays bound", async () => {
  const inUse = new FakeShim((step, { port }) =>
    step === "bind" && port === 8005 ? -EADDRINUSE : 0
  );
  const failure = await refusal(inUse, listenerOf(["127.0.0.1:80", "127.0.0.1:8000-8010"]));
  assert.equal(failure.errno, EADDRINUSE);
  assert.equal(
    failure.message,
    'cannot bind "127.0.0.1:8000-8010" of listener "web": address already in use (EADDRINUSE); ' +
      'another program listens on port 8005 (see "ss -lntp"); stop it, or bind another port',
  );
  const denied = new FakeShim((step, { port }) => step === "bind" && port === 443 ? -EACCES : 0);
  assert.match(
    (await refusal(denied, listenerOf([":8443", ":443"]))).message,
    /^cannot bind ":443" .*permission denied \(EACCES\); grant CAP_NET_BIND_SERVICE/,
  );
});

Deno.test("the tool that lists who has a port of UDP is another one", async () => {
  const fake = new FakeShim((step) => step === "bind" ? -EADDRINUSE : 0);
  assert.match(
    (await refusal(fake, listenerOf([":53"], "protocol: udp"))).message,
    /another program has port 53 \(see "ss -anup"\)/,
  );
});

Deno.test("a unix socket is one for all; its file goes when it accepts no more", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-listening-" });
  try {
    const path = `${folder}/web.sock`;
    const listener = listenerOf([`unix:${path}`, "127.0.0.1:0"]);
    const sockets = await ListeningSockets.open(openShim(), listener, 2);
    const [first, second] = sockets.byWorker;
    assert.equal(first[0].family, AF_UNIX);
    assert.deepEqual(first[0], second[0]);
    assert.notEqual(first[1].fd, second[1].fd);
    assert.ok(sockets.port > 0, "that of the address which has one");
    (await Deno.connect({ transport: "unix", path })).close();
    assert.deepEqual(sockets.binds, [`unix:${path}`, `127.0.0.1:${sockets.port}`]);
    sockets.stopAccepting();
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a unix socket that was bound before another address failed leaves no file", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-listening-" });
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  try {
    const listener = listenerOf([`unix:${folder}/web.sock`, `127.0.0.1:${taken.addr.port}`]);
    await assert.rejects(ListeningSockets.open(openShim(), listener, 2), BindError);
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a socket of systemd is one for all workers; of UDP the first alone reads", async () => {
  const variables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];
  for (const [type, more] of [[1, ""], [2, "protocol: udp"]] as const) {
    const fake = new FakeShim();
    fake.pass(3, type, addressOf("10.0.0.1", 443));
    [String(Deno.pid), "1", "web"].forEach((value, i) => Deno.env.set(variables[i], value));
    try {
      const listener = listenerOf(["systemd:web", ":80"], more);
      const sockets = await ListeningSockets.open(fake.shim, listener, 3);
      assert.equal(sockets.port, 443);
      const passed = sockets.byWorker.map((own) => own.filter(({ fd }) => fd === 3).length);
      assert.deepEqual(passed, type === 1 ? [1, 1, 1] : [1, 0, 0]);
      assert.deepEqual(sockets.byWorker.map((own) => own.length > 0), [true, true, true]);
      sockets.close();
      assert.deepEqual(fake.open, []);
    } finally {
      for (const name of variables) Deno.env.delete(name);
    }
  }
});
