import assert from "node:assert/strict";
import type { Snapshot } from "../supervisor/snapshot.ts";
import {
  type AdminSocket,
  defaultAdminPath,
  fetchSnapshot,
  openAdminSocket,
} from "./admin_socket.ts";

const SNAPSHOT: Snapshot = {
  version: "1.2.3",
  pid: 7,
  uptime_seconds: 1,
  state: "serving",
  workers: [],
  listeners: [],
  backends: [],
};

async function inFolder(body: (path: string, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(`${folder}/admin.sock`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function withSocket(body: (socket: AdminSocket) => Promise<void>): Promise<void> {
  await inFolder(async (path) => {
    const socket = await openAdminSocket(path, () => SNAPSHOT);
    try {
      await body(socket);
    } finally {
      await socket.stop();
    }
  });
}

async function ask(path: string, request: string, method = "GET"): Promise<[number, string]> {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  try {
    const response = await fetch(`http://localhost${request}`, { client, method });
    return [response.status, await response.text()];
  } finally {
    client.close();
  }
}

Deno.test("the path is the service's folder, else the machine's or the user's, else /tmp", () => {
  assert.equal(
    defaultAdminPath({ RUNTIME_DIRECTORY: "/run/ringway" }, 5),
    "/run/ringway/ringway.sock",
  );
  assert.equal(defaultAdminPath({ RUNTIME_DIRECTORY: "/run/a:/run/b" }, 5), "/run/a/ringway.sock");
  assert.equal(defaultAdminPath({ XDG_RUNTIME_DIR: "/run/user/0" }, 0), "/run/ringway.sock");
  assert.equal(defaultAdminPath({ XDG_RUNTIME_DIR: "/run/user/5" }, 5), "/run/user/5/ringway.sock");
  assert.equal(defaultAdminPath({}, 5), "/tmp/ringway-5.sock");
  const empty = { RUNTIME_DIRECTORY: "", XDG_RUNTIME_DIR: "" };
  assert.equal(defaultAdminPath(empty, 5), "/tmp/ringway-5.sock");
});

Deno.test("it answers with a snapshot", () =>
  withSocket(async ({ path }) => {
    assert.deepEqual(await fetchSnapshot(path), SNAPSHOT);
  }));

Deno.test("it answers nothing else, and changes nothing by a POST", () =>
  withSocket(async ({ path }) => {
    assert.deepEqual(await ask(path, "/"), [404, "not found\n"]);
    assert.deepEqual(await ask(path, "/api/v1/status", "POST"), [405, "use GET\n"]);
  }));

Deno.test("only the user who started it may use it, and umask is as before", async () => {
  const before = Deno.umask();
  await withSocket(({ path }) => {
    const { isSocket, mode } = Deno.lstatSync(path);
    assert.ok(isSocket);
    assert.equal(mode! & 0o777, 0o600);
    assert.equal(Deno.umask(), before);
    return Promise.resolve();
  });
});

Deno.test("it is gone after it was stopped, and asking says that nobody answers", () =>
  inFolder(async (path) => {
    const socket = await openAdminSocket(path, () => SNAPSHOT);
    await socket.stop();
    assert.throws(() => Deno.lstatSync(path), Deno.errors.NotFound);
    await assert.rejects(fetchSnapshot(path), /^Error: nobody answers at ".*"; is it running\?/);
  }));

Deno.test("a socket that a dead process left is replaced", () =>
  inFolder(async (path) => {
    // Closing removes the file that was listened on; a process that is killed leaves it.
    const listener = Deno.listen({ transport: "unix", path: `${path}.new` });
    Deno.renameSync(`${path}.new`, path);
    listener.close();
    assert.ok(Deno.lstatSync(path).isSocket);
    await assert.rejects(fetchSnapshot(path), /nobody answers/);
    const socket = await openAdminSocket(path, () => SNAPSHOT);
    assert.deepEqual(await fetchSnapshot(path), SNAPSHOT);
    await socket.stop();
  }));

Deno.test("a socket that somebody answers on is left alone", () =>
  withSocket(async ({ path }) => {
    await assert.rejects(
      openAdminSocket(path, () => SNAPSHOT),
      /cannot bind the admin socket ".*": another ringway answers there; stop it, or set/,
    );
    assert.deepEqual(await fetchSnapshot(path), SNAPSHOT);
  }));

Deno.test("a file that is no socket is never removed", () =>
  inFolder(async (path) => {
    Deno.writeTextFileSync(path, "precious");
    await assert.rejects(
      openAdminSocket(path, () => SNAPSHOT),
      /cannot bind the admin socket ".*": there is a file of this name that is no socket; /,
    );
    assert.equal(Deno.readTextFileSync(path), "precious");
  }));

Deno.test("a folder that is missing is told with the remedy", () =>
  inFolder(async (_, folder) => {
    await assert.rejects(
      openAdminSocket(`${folder}/none/admin.sock`, () => SNAPSHOT),
      /cannot bind the admin socket ".*": No such file.*; set "admin: { bind: unix:\/path }"/,
    );
  }));
