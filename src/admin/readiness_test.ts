import assert from "node:assert/strict";
import { openAdminSocket } from "./admin_socket.ts";
import { askReadiness } from "./readiness.ts";
import { TestControl } from "./test_control.ts";

async function inFolder(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ringway-readiness-" });
  try {
    await body(`${folder}/s`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Answers the first connection with this, and ends it. */
async function answering(text: string, body: (path: string) => Promise<void>): Promise<void> {
  await inFolder(async (path) => {
    using listener = Deno.listen({ transport: "unix", path });
    const answered = listener.accept().then(async (connection) => {
      await connection.read(new Uint8Array(1024));
      await connection.write(new TextEncoder().encode(text)).catch(() => {});
      connection.close();
    });
    await body(path);
    await answered;
  });
}

Deno.test("the real socket says that it is ready, or why not", async () => {
  await inFolder(async (path) => {
    const control = new TestControl();
    const admin = await openAdminSocket(path, control);
    assert.equal(await askReadiness(path), null);
    control.reason = "starting: 1 of 2 workers ready";
    assert.equal(await askReadiness(path), "starting: 1 of 2 workers ready");
    await admin.stop();
  });
});

Deno.test("nobody there is told with the path and what to do", async () => {
  await assert.rejects(
    askReadiness("/nowhere/s"),
    /nobody answers at "\/nowhere\/s"; is it running/,
  );
});

Deno.test("what is no answer of HTTP is not taken for one, however long", async () => {
  for (const text of ["", "ready\n", "HTTP/1.1 200 OK", `HTTP/9 ${"x".repeat(100_000)}`]) {
    await answering(text, async (path) => {
      await assert.rejects(askReadiness(path), /no answer of HTTP from "/);
    });
  }
});

Deno.test("a status without a reason is the reason", async () => {
  await answering("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n", async (path) => {
    assert.equal(await askReadiness(path), "status 500");
  });
});
