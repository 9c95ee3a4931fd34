import assert from "node:assert/strict";
import { fetchEvents, fetchSnapshot, sendServerCommand } from "./admin_client.ts";
import { openAdminSocket } from "./admin_socket.ts";
import { EVENT, SNAPSHOT, TestControl } from "./test_control.ts";

async function withProgram(
  body: (path: string, control: TestControl) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const control = new TestControl();
  const socket = await openAdminSocket(`${folder}/admin.sock`, control);
  try {
    await body(socket.path, control);
  } finally {
    await socket.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Answers one connection at `path` with `text`, whatever is asked. */
async function answerOnce(path: string, text: string): Promise<void> {
  const listener = Deno.listen({ transport: "unix", path });
  // The first connection only looks whether somebody is there.
  for (let i = 0; i < 2; i++) {
    const connection = await listener.accept();
    const isAsked = await connection.read(new Uint8Array(4096)) !== null;
    if (isAsked) await connection.write(new TextEncoder().encode(text));
    connection.close();
  }
  listener.close();
}

Deno.test("what is asked for is fetched over the socket", () =>
  withProgram(async (path) => {
    assert.deepEqual(await fetchSnapshot(path), SNAPSHOT);
    assert.deepEqual(await fetchEvents(path), [EVENT]);
  }));

Deno.test("each command arrives as it was sent, for whatever name", () =>
  withProgram(async (path, control) => {
    const drained = await sendServerCommand(path, "app", "one", {
      kind: "drain",
      deadlineMs: 1500,
    });
    assert.deepEqual([drained.name, drained.state], ["one", "drain"]);
    await sendServerCommand(path, "app", "[::1]:80", { kind: "drain", deadlineMs: null });
    await sendServerCommand(path, "app", "one", { kind: "ready" });
    await sendServerCommand(path, "api", "unix:/run/api.sock", { kind: "maint" });
    const weighted = await sendServerCommand(path, "app", "one", { kind: "weight", weight: 7 });
    assert.equal(weighted.weight, 7);
    assert.deepEqual(control.commands, [
      ["app", "one", { kind: "drain", deadlineMs: 1500 }],
      ["app", "[::1]:80", { kind: "drain", deadlineMs: null }],
      ["app", "one", { kind: "ready" }],
      ["api", "unix:/run/api.sock", { kind: "maint" }],
      ["app", "one", { kind: "weight", weight: 7 }],
    ]);
  }));

Deno.test("a refusal is told in the words of the program that refused", () =>
  withProgram(async (path) => {
    await assert.rejects(
      sendServerCommand(path, "app", "on", { kind: "ready" }),
      /^Error: backend "app" has no server "on"; did you mean "one"\? known: one, \[::1\]:80$/,
    );
  }));

Deno.test("an answer that makes no sense is told with its status", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/admin.sock`;
  try {
    const answered = answerOnce(path, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n???");
    await assert.rejects(fetchSnapshot(path), /^Error: no answer from ".*": status 200$/);
    await answered;
    const failed = answerOnce(path, "HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno");
    await assert.rejects(fetchSnapshot(path), /^Error: no answer from ".*": status 500$/);
    await failed;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
