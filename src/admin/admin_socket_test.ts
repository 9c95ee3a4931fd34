import assert from "node:assert/strict";
import { fetchSnapshot } from "./admin_client.ts";
import { type AdminSocket, defaultAdminPath, openAdminSocket } from "./admin_socket.ts";
import type { Control } from "./api.ts";
import { SNAPSHOT, TestControl } from "./test_control.ts";

const CONTROL: Control = new TestControl();

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
    const socket = await openAdminSocket(path, CONTROL);
    try {
      await body(socket);
    } finally {
      await socket.stop();
    }
  });
}

/** What comes back for a request as it stands; the status line first. */
async function sendRaw(path: string, request: string): Promise<string> {
  const connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text();
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

Deno.test("it answers whatever a client calls it, and however oddly it asks", () =>
  withSocket(async ({ path }) => {
    const hosts = ["localhost", "[[[", "a b", "%zz", "\u00e4", ""];
    for (const host of hosts) {
      const head = `Host: ${host}\r\nConnection: close\r\n\r\n`;
      const answer = await sendRaw(path, `GET /api/v1/status HTTP/1.1\r\n${head}`);
      assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/, host);
    }
    const head = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert.match(await sendRaw(path, `GET http://x/api/v1/events ${head}`), / 200 OK\r\n/);
    assert.match(await sendRaw(path, `GET /%ff%00/../.. ${head}`), / 404 Not Found\r\n/);
    assert.match(await sendRaw(path, `OPTIONS * ${head}`), / 404 Not Found\r\n/);
    const answer = await sendRaw(path, `HEAD /api/v1/status ${head}`);
    assert.match(answer, / 200 OK\r\n/);
    assert.ok(answer.endsWith("\r\n\r\n"), answer);
  }));

Deno.test("a mistake of ours is told and answered, and the next request is served", () =>
  inFolder(async (path) => {
    const warnings: string[] = [];
    const control = new TestControl();
    const broken: Control = {
      snapshot: () => SNAPSHOT,
      events: () => {
        throw new Error("no events today");
      },
      whyNotReady: () => null,
      commandServer: (...words) => control.commandServer(...words),
    };
    const socket = await openAdminSocket(path, broken, (text) => warnings.push(text));
    const head = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert.match(await sendRaw(path, `GET /api/v1/events ${head}`), /^HTTP\/1\.1 500 /);
    assert.deepEqual(warnings, ["a request to the admin socket failed: no events today"]);
    assert.deepEqual(await fetchSnapshot(path), SNAPSHOT);
    await socket.stop();
  }));

Deno.test("only the user who started it may use it, and nothing else is left in its folder", () =>
  inFolder(async (path, folder) => {
    const socket = await openAdminSocket(path, CONTROL);
    const { isSocket, mode } = Deno.lstatSync(path);
    assert.ok(isSocket);
    assert.equal(mode! & 0o777, 0o600);
    assert.deepEqual(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["admin.sock"]);
    await socket.stop();
    assert.deepEqual(Array.from(Deno.readDirSync(folder)), []);
  }));

Deno.test("it is gone after it was stopped, and asking says that nobody answers", () =>
  inFolder(async (path) => {
    const socket = await openAdminSocket(path, CONTROL);
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
    const socket = await openAdminSocket(path, CONTROL);
    assert.deepEqual(await fetchSnapshot(path), SNAPSHOT);
    await socket.stop();
  }));

Deno.test("a socket that somebody answers on is left alone", () =>
  withSocket(async ({ path }) => {
    await assert.rejects(
      openAdminSocket(path, CONTROL),
      /cannot bind the admin socket ".*": another ringway answers there; stop it, or set/,
    );
    assert.deepEqual(await fetchSnapshot(path), SNAPSHOT);
  }));

Deno.test("a file that is no socket is never removed", () =>
  inFolder(async (path) => {
    Deno.writeTextFileSync(path, "precious");
    await assert.rejects(
      openAdminSocket(path, CONTROL),
      /cannot bind the admin socket ".*": there is a file of this name that is no socket; /,
    );
    assert.equal(Deno.readTextFileSync(path), "precious");
  }));

Deno.test("a folder that is missing is told with the remedy", () =>
  inFolder(async (_, folder) => {
    await assert.rejects(
      openAdminSocket(`${folder}/none/admin.sock`, CONTROL),
      /cannot bind the admin socket ".*": No such file.*; set "admin: { bind: unix:\/path }"/,
    );
  }));
