import assert from "node:assert/strict";
import { closedTarget, drip, serveRequests, serveTcp, writeForEver } from "./test_servers.ts";
import { runProbe } from "./probe.ts";

const PLAIN = { kind: "tcp", send: null, expect: null } as const;
const PING = { kind: "tcp", send: "PING\r\n", expect: "PONG" } as const;
/** For servers from which nothing is to be waited for. */
const SHORT_MS = 150;
const LONG_MS = 5000;

Deno.test("a server that accepts passes, and sees its connection end without a reset", async () => {
  const endings: string[] = [];
  const outcome = await serveTcp((socket) => {
    socket.on("end", () => endings.push("end"));
    socket.on("error", () => endings.push("error"));
  }, (target) => runProbe(PLAIN, target, LONG_MS));
  assert.deepEqual(outcome, { isOk: true, text: "connected", isOurs: false });
  assert.deepEqual(endings, ["end"]);
});

Deno.test("a closed port fails by name", async () => {
  const outcome = await runProbe(PLAIN, closedTarget(), LONG_MS);
  assert.deepEqual(outcome, {
    isOk: false,
    text: "connection refused (ECONNREFUSED)",
    isOurs: false,
  });
});

Deno.test("a unix socket is probed like a port, and a missing one is said to be", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/server.sock`;
  const missing = { host: "", port: 0, unixPath: path };
  assert.equal((await runProbe(PLAIN, missing, LONG_MS)).text, "no such file (ENOENT)");
  const outcome = await serveRequests(
    (socket) => socket.write("+PONG\r\n"),
    (target) => runProbe(PING, target, LONG_MS),
    path,
  );
  assert.deepEqual(outcome, { isOk: true, text: 'answer contains "PONG"', isOurs: false });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what is sent are the bytes of the text, and what follows a PROXY header", async () => {
  const got: string[] = [];
  const probe = { kind: "tcp", send: "\0\x80\xff", expect: "\xfe\0" } as const;
  const preface = new TextEncoder().encode("PROXY UNKNOWN\r\n");
  const outcome = await serveTcp((socket) => {
    socket.on("data", (piece) => {
      got.push(piece.toString("latin1"));
      if (got.join("").endsWith("\xff")) socket.write(Uint8Array.of(1, 0xfe, 0, 2));
    });
  }, (target) => runProbe(probe, target, LONG_MS, { preface }));
  assert.equal(got.join(""), "PROXY UNKNOWN\r\n\0\x80\xff");
  assert.equal(outcome.isOk, true);
});

Deno.test("without an expectation it is enough that the text went out", async () => {
  const probe = { kind: "tcp", send: "QUIT\r\n", expect: null } as const;
  const outcome = await serveTcp(() => {}, (target) => runProbe(probe, target, LONG_MS));
  assert.deepEqual(outcome, { isOk: true, text: "connected and sent", isOurs: false });
});

Deno.test("a greeting is found without anything being sent, also in pieces", async () => {
  const probe = { kind: "tcp", send: null, expect: "220 ready" } as const;
  const outcome = await serveTcp((socket) => {
    socket.setNoDelay(true);
    socket.write("xx220 re", () => socket.write("ady\r\n"));
  }, (target) => runProbe(probe, target, LONG_MS));
  assert.equal(outcome.isOk, true);
});

Deno.test("another answer fails when the server ends", async () => {
  const outcome = await serveRequests(
    (socket) => socket.end("-ERR\r\n"),
    (target) => runProbe(PING, target, LONG_MS),
  );
  assert.deepEqual(outcome, {
    isOk: false,
    text: 'answer does not contain "PONG"',
    isOurs: false,
  });
});

Deno.test("silence, a slow drip and a half answer fail when the time is up", async () => {
  const ask = (onConnection: Parameters<typeof serveTcp>[0]) =>
    serveTcp(onConnection, (target) => runProbe(PING, target, SHORT_MS));
  // The text goes on when this process is held up by others.
  assert.match((await ask(() => {})).text, /^no answer within 150 ms/);
  const lacks = /^answer does not contain "PONG" within 150 ms/;
  assert.match((await ask((socket) => drip(socket, "P"))).text, lacks);
  assert.match((await ask((socket) => void socket.write("PON"))).text, lacks);
});

Deno.test("a connection that ends or breaks without an answer fails", async () => {
  const ask = (onConnection: Parameters<typeof serveRequests>[0]) =>
    serveRequests(onConnection, (target) => runProbe(PING, target, LONG_MS));
  assert.equal((await ask((socket) => void socket.end())).text, NO_ANSWER);
  const reset = await ask((socket) => void socket.resetAndDestroy());
  assert.equal(reset.text, "connection reset (ECONNRESET)");
  const half = await ask((socket) => socket.write("PO", () => socket.resetAndDestroy()));
  assert.equal(half.isOk, false);
});

const NO_ANSWER = "connection closed without an answer";

Deno.test("an endless answer is read up to 64 KiB", async () => {
  const outcome = await serveTcp(
    (socket) => writeForEver(socket, new Uint8Array(16_384)),
    (target) => runProbe(PING, target, LONG_MS),
  );
  assert.equal(outcome.text, 'answer does not contain "PONG" in its first 65536 bytes');
});

Deno.test("a probe that is stopped ends at once and is not counted", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const outcome = await serveTcp(
    () => controller.abort(),
    (target) => runProbe(PING, target, LONG_MS, { signal }),
  );
  assert.deepEqual(outcome, { isOk: false, text: "stopped", isOurs: true });
  const again = await runProbe(PING, closedTarget(), LONG_MS, { signal });
  assert.equal(again.text, "stopped", "nothing is opened any more");
});

/** As long work does: what comes meanwhile waits, and so do timers. */
function standStill(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

Deno.test("what came in time counts, although this process was busy meanwhile", async () => {
  const outcome = await serveTcp(() => {}, (target) => {
    const outcome = runProbe(PLAIN, target, 40);
    standStill(70);
    return outcome;
  });
  assert.deepEqual(outcome, { isOk: true, text: "connected", isOurs: false });
});

Deno.test("silence while this process stood still is not counted", async () => {
  const outcome = await serveTcp(() => {}, (target) => {
    const outcome = runProbe(PING, target, 10);
    standStill(150);
    return outcome;
  });
  assert.equal(outcome.isOurs, true);
  assert.match(
    outcome.text,
    /^no answer within 10 ms, but this program was held up for \d+ ms$/,
  );
});
