import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { closedTarget, drip, serveRequests, writeForEver } from "./test_servers.ts";
import type { Socket } from "node:net";
import type { HttpProbe } from "./http_probe.ts";
import { runProbe } from "./probe.ts";

const GET: HttpProbe = {
  kind: "http",
  method: "GET",
  path: "/healthz",
  host: null,
  headers: {},
  status: [[200, 399]],
  body: null,
};
const SHORT_MS = 150;
const LONG_MS = 5000;

function ask(
  answer: (socket: Socket, request: string) => void,
  probe: Partial<HttpProbe> = {},
  timeoutMs = LONG_MS,
) {
  return serveRequests(answer, (target) => runProbe({ ...GET, ...probe }, target, timeoutMs));
}

/** The outcome for a server that sends just `text` and does not close. */
function said(text: string, probe: Partial<HttpProbe> = {}) {
  return ask((socket) => void socket.write(text), probe);
}

Deno.test("the request is complete, and names the server's address as its host", async () => {
  let request = "";
  let port = 0;
  const outcome = await serveRequests((socket, got) => {
    request = got;
    socket.write("HTTP/1.1 204 No Content\r\n\r\n");
  }, (target) => {
    port = target.port;
    return runProbe(GET, target, LONG_MS);
  });
  assert.deepEqual(outcome, { isOk: true, text: "status 204", isOurs: false });
  assert.match(request, /^GET \/healthz HTTP\/1\.1\r\n/);
  assert.match(request, new RegExp(`\r\nhost: 127\\.0\\.0\\.1:${port}\r\n`, "i"));
  assert.match(request, /\r\nconnection: close\r\n/i);
  assert.match(request, /\r\nuser-agent: ringway\//i);
});

Deno.test("method, host and headers are as configured, each header once", async () => {
  let request = "";
  const probe = {
    method: "HEAD",
    host: "app.internal",
    headers: { "User-Agent": "me", "X-A": "1" },
  };
  await ask((socket, got) => {
    request = got;
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  }, probe);
  assert.match(request, /^HEAD \/healthz HTTP\/1\.1\r\n/);
  const names = request.trim().split("\r\n").slice(1).map((line) => line.toLowerCase());
  assert.ok(names.includes("host: app.internal"));
  assert.ok(names.includes("user-agent: me"));
  assert.ok(names.includes("x-a: 1"));
  assert.equal(names.filter((line) => line.startsWith("user-agent")).length, 1);
});

Deno.test("a PROXY header goes in front of the request", async () => {
  let request = "";
  const preface = new TextEncoder().encode("PROXY UNKNOWN\r\n");
  await serveRequests((socket, got) => {
    request += got;
    socket.on("data", (piece) => request += piece.toString());
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
  }, (target) => runProbe(GET, target, LONG_MS, { preface }));
  assert.ok(request.startsWith("PROXY UNKNOWN\r\n"), request);
});

Deno.test("requests pass over unix sockets, and those name localhost", async () => {
  const folder = await Deno.makeTempDir();
  let request = "";
  const outcome = await serveRequests(
    (socket, got) => {
      request = got;
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
    },
    (target) => runProbe(GET, target, LONG_MS),
    `${folder}/server.sock`,
  );
  assert.equal(outcome.text, "status 200");
  assert.match(request, /\r\nhost: localhost\r\n/i);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a status outside of what is expected fails and says both", async () => {
  const full = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";
  assert.deepEqual(await said(full), {
    isOk: false,
    text: "status 503, expected 200-399",
    isOurs: false,
  });
  const status = [[200, 200], [404, 429]] as const;
  assert.equal((await said(full, { status })).text, "status 503, expected 200, 404-429");
  assert.equal((await said(full, { status: [[503, 503]] })).text, "status 503");
});

Deno.test("redirects are not followed, interim answers are not the answer", async () => {
  const redirect = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n";
  assert.equal((await said(redirect)).text, "status 302");
  const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n";
  assert.equal((await said(`${interim}HTTP/1.1 200 OK\r\n\r\n`)).text, "status 200");
});

Deno.test("an answer that switches protocols has its status, too", async () => {
  const upgrade = "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n";
  assert.equal((await said(upgrade)).text, "status 101, expected 200-399");
  assert.equal((await said(upgrade, { status: [[101, 101]] })).isOk, true);
});

Deno.test("a text is looked for in the body as UTF-8, however the body is framed", async () => {
  const chunked = Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  const body = Buffer.from("état: läuft");
  const found = await ask((socket) => {
    socket.write(chunked);
    // The text is split in the middle of a letter.
    for (const piece of [body.subarray(0, 8), body.subarray(8)]) {
      socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      socket.write("\r\n");
    }
  }, { body: "läuft" });
  assert.deepEqual(found, { isOk: true, text: "status 200", isOurs: false });
  const closed = await ask((socket) => void socket.end("HTTP/1.0 200 OK\r\n\r\nbad"), {
    body: "ok",
  });
  assert.equal(closed.text, 'status 200, but body does not contain "ok"');
  const wrong = "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nok";
  assert.equal((await said(wrong, { body: "ok" })).text, "status 500, expected 200-399");
});

Deno.test("an endless body is cut at once, or after 64 KiB when a text is looked for", async () => {
  const endless = (socket: Socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    writeForEver(socket, new Uint8Array(16_384).fill(65));
  };
  assert.equal((await ask(endless)).text, "status 200");
  const text = 'status 200, but body does not contain "ok" in its first 65536 bytes';
  assert.equal((await ask(endless, { body: "ok" })).text, text);
});

Deno.test("a body that is cut short or stands still fails", async () => {
  const start = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc";
  const body = "ok";
  const cut = await ask((socket) => void socket.end(start), { body });
  assert.equal(cut.text, "status 200, but the body was cut short");
  const broken = await ask((socket) => socket.write(start, () => socket.resetAndDestroy()), {
    body,
  });
  assert.equal(broken.isOk, false);
  const still = await ask((socket) => void socket.write(start), { body }, SHORT_MS);
  assert.match(still.text, /^status 200, but body does not contain "ok" within 150 ms/);
  const rubbish = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n";
  assert.equal((await said(rubbish, { body })).text, "the answer is not HTTP");
});

Deno.test("what is not HTTP fails", async () => {
  for (
    const text of ["\0\x01\x02rubbish\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 99999 X\r\n\r\n"]
  ) {
    assert.equal((await said(text)).text, "the answer is not HTTP", text);
  }
  const settings = String.fromCharCode(0, 0, 0, 4, 0, 0, 0, 0, 0);
  assert.equal((await said(settings)).text, "the answer is HTTP/2, not HTTP/1.1");
  assert.equal((await said("HTTP/1.1 000 X\r\n\r\n")).isOk, false);
});

Deno.test("an answer in TLS is told as such", async () => {
  const alert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 0x46);
  const handshake = Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3);
  for (const bytes of [alert, handshake]) {
    const outcome = await ask((socket) => void socket.write(bytes));
    assert.equal(outcome.text, "the answer is TLS, not HTTP");
  }
  const pieces = await ask((socket) => {
    socket.setNoDelay(true);
    socket.write(alert.subarray(0, 1), () => socket.write(alert.subarray(1)));
  });
  assert.equal(pieces.isOk, false);
});

Deno.test("sixteen interim answers are taken, more are none", async () => {
  const interim = "HTTP/1.1 100 Continue\r\n\r\n";
  const answer = "HTTP/1.1 200 OK\r\n\r\n";
  assert.equal((await said(interim.repeat(16) + answer)).text, "status 200");
  const tooMany = "more than 16 interim answers";
  assert.equal((await said(interim.repeat(17) + answer)).text, tooMany);
  const endless = await ask((socket) => writeForEver(socket, Buffer.from(interim.repeat(1000))));
  assert.deepEqual(endless, { isOk: false, text: tooMany, isOurs: false });
});

Deno.test("interim answers may be large, but not without measure", async () => {
  const large = `HTTP/1.1 103 Early Hints\r\nLink: ${"a".repeat(15_000)}\r\n\r\n`;
  assert.equal((await said(`${large.repeat(2)}HTTP/1.1 200 OK\r\n\r\n`)).text, "status 200");
  const outcome = await ask((socket) => writeForEver(socket, Buffer.from(large)));
  assert.equal(outcome.isOk, false);
  assert.match(outcome.text, /^more than (65536 bytes before the answer|16 interim answers)$/);
});

Deno.test("a head without measure fails, whether it ends or not", async () => {
  const long = `HTTP/1.1 200 OK\r\nX: ${"a".repeat(1 << 20)}`;
  const tooLong = "the head of the answer is too long";
  assert.equal((await said(long)).text, tooLong);
  assert.equal((await said(`${long}\r\n\r\n`)).text, tooLong);
  const many = await said(`HTTP/1.1 200 OK\r\n${"X: 1\r\n".repeat(1 << 17)}\r\n`);
  assert.equal(many.text, tooLong);
  const endless = await ask((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nX: ");
    writeForEver(socket, new Uint8Array(16_384).fill(65));
  });
  assert.equal(endless.text, tooLong);
});

Deno.test("silence and a head that drips fail when the time is up", async () => {
  // The text goes on when this process is held up by others.
  const text = /^no answer within 150 ms/;
  assert.match((await ask(() => {}, {}, SHORT_MS)).text, text);
  const slow = await ask(
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      drip(socket, "X: 1\r\n");
    },
    {},
    SHORT_MS,
  );
  assert.match(slow.text, text);
});

Deno.test("connections that end, break or are refused fail by name", async () => {
  const closed = "connection closed without an answer";
  assert.equal((await ask((socket) => void socket.end())).text, closed);
  assert.equal((await ask((socket) => void socket.end("HTTP/1.1 200 OK\r\nX"))).text, closed);
  const reset = await ask((socket) => void socket.resetAndDestroy());
  assert.equal(reset.text, "connection reset (ECONNRESET)");
  const half = await ask((socket) => socket.write("HTTP/1.1 20", () => socket.resetAndDestroy()));
  assert.equal(half.isOk, false);
  const refused = await runProbe(GET, closedTarget(), LONG_MS);
  assert.equal(refused.text, "connection refused (ECONNREFUSED)");
});

Deno.test("a request that HTTP forbids fails and leaves nothing open", async () => {
  const outcome = await serveRequests(
    () => {},
    (target) => runProbe({ ...GET, headers: { "X-A": "a\r\nb" } }, target, LONG_MS),
  );
  assert.equal(outcome.isOk, false);
});
