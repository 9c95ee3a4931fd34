import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import {
  closedTarget,
  drip,
  serveHttp2,
  serveRequests,
  serveTcp,
  writeForEver,
} from "./test_servers.ts";
import { runProbe } from "./probe.ts";

const PROBE = { kind: "grpc", service: "" } as const;
const SHORT_MS = 150;
const LONG_MS = 5000;
const OK = { ":status": 200, "content-type": "application/grpc+proto" };

/** Answers as a gRPC server does: the message, then the status in trailers. */
function reply(stream: ServerHttp2Stream, message: number[], status = "0"): void {
  stream.respond(OK, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": status }));
  stream.end(Uint8Array.of(0, 0, 0, 0, message.length, ...message));
}

function ask(onStream: (stream: ServerHttp2Stream) => void, timeoutMs = LONG_MS) {
  return serveHttp2(onStream, (target) => runProbe(PROBE, target, timeoutMs));
}

Deno.test("a serving server passes, and was asked as the protocol says", async () => {
  let asked: Record<string, unknown> = {};
  let body = Buffer.alloc(0);
  const outcome = await serveHttp2((stream, headers) => {
    asked = headers;
    stream.on("data", (piece: Buffer) => body = Buffer.concat([body, piece]));
    stream.on("end", () => reply(stream, [8, 1]));
  }, (target) => runProbe({ kind: "grpc", service: "a.B" }, target, LONG_MS));
  assert.deepEqual(outcome, { isOk: true, text: "SERVING", isOurs: false });
  assert.equal(asked[":method"], "POST");
  assert.equal(asked[":path"], "/grpc.health.v1.Health/Check");
  assert.equal(asked["content-type"], "application/grpc");
  assert.equal(asked["te"], "trailers");
  assert.deepEqual([...body], [0, 0, 0, 0, 5, 10, 3, 97, 46, 66]);
});

Deno.test("any other state of serving fails by name", async () => {
  assert.equal((await ask((stream) => reply(stream, [8, 2]))).text, "NOT_SERVING");
  assert.equal((await ask((stream) => reply(stream, []))).text, "UNKNOWN");
  const outcome = await ask((stream) => reply(stream, [8, 3]));
  assert.deepEqual(outcome, { isOk: false, text: "SERVICE_UNKNOWN", isOurs: false });
});

Deno.test("an error of gRPC is told with its message, in the head or behind", async () => {
  const unknown = await ask((stream) =>
    stream.respond({ ...OK, "grpc-status": "5", "grpc-message": "no%20such%1B[1m" }, {
      endStream: true,
    })
  );
  assert.equal(unknown.text, 'gRPC status 5 (NOT_FOUND): "no such\\u{1b}[1m"');
  const trailing = await ask((stream) => reply(stream, [8, 1], "14"));
  assert.equal(trailing.text, "gRPC status 14 (UNAVAILABLE)");
  const strange = await ask((stream) => reply(stream, [8, 1], "99"));
  assert.equal(strange.text, 'gRPC status "99"');
});

Deno.test("an answer without a status, or that is no such message, fails", async () => {
  const bare = await ask((stream) => {
    stream.respond(OK);
    stream.end(Uint8Array.of(0, 0, 0, 0, 2, 8, 1));
  });
  assert.equal(bare.text, 'gRPC status "none"');
  const rubbish = await ask((stream) => reply(stream, [255]));
  assert.equal(rubbish.text, "the answer is not a HealthCheckResponse");
});

Deno.test("HTTP/2 without gRPC fails and says the status", async () => {
  const outcome = await ask((stream) => {
    stream.respond({ ":status": 404, "content-type": "text/html" });
    stream.end("not here");
  });
  assert.equal(outcome.text, "not gRPC: HTTP status 404");
});

Deno.test("an endless answer is cut, a stream that is reset or never answered fails", async () => {
  const endless = await ask((stream) => {
    stream.respond(OK);
    writeForEver(stream as unknown as Socket, new Uint8Array(16_384));
  });
  assert.equal(endless.text, "the answer is too long");
  assert.equal((await ask((stream) => stream.close(2))).isOk, false);
  assert.match((await ask(() => {}, SHORT_MS)).text, /^no answer within 150 ms/);
  const headOnly = await ask((stream) => stream.respond(OK), SHORT_MS);
  assert.match(headOnly.text, /^no answer within 150 ms/);
  const long = await ask((stream) => {
    stream.respond({ ...OK, "x-long": "a".repeat(1 << 20) });
    stream.end();
  });
  assert.equal(long.isOk, false);
});

Deno.test("connections that are refused, ended or reset fail by name", async () => {
  const refused = await runProbe(PROBE, closedTarget(), LONG_MS);
  assert.equal(refused.text, "connection refused (ECONNREFUSED)");
  const use = (target: Parameters<typeof runProbe>[1]) => runProbe(PROBE, target, LONG_MS);
  const ended = await serveRequests((socket) => void socket.end(), use);
  assert.equal(ended.text, "connection closed without an answer");
  const reset = await serveRequests((socket) => void socket.resetAndDestroy(), use);
  assert.equal(reset.text, "connection reset (ECONNRESET)");
});

const SETTINGS = Uint8Array.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
const PING = Uint8Array.of(0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
const repeated = (frame: Uint8Array) => Buffer.concat(new Array(1000).fill(frame));

const HOSTILE: Readonly<Record<string, (socket: Socket) => void>> = {
  "HTTP/1.1": (socket) => socket.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
  "HTTP/1.1, then the end": (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "rubbish behind the preface": (socket) => {
    socket.write(SETTINGS);
    socket.write(new Uint8Array(100).fill(255));
  },
  "the end behind the preface": (socket) => socket.end(SETTINGS),
  "a reset behind the preface": (socket) => socket.write(SETTINGS, () => socket.resetAndDestroy()),
  "endless rubbish": (socket) => writeForEver(socket, new Uint8Array(16_384).fill(65)),
  "endless settings": (socket) => writeForEver(socket, repeated(SETTINGS)),
  "endless pings": (socket) => {
    socket.write(SETTINGS);
    writeForEver(socket, repeated(PING));
  },
  "headers that cannot be unpacked": (socket) => {
    socket.write(SETTINGS);
    socket.write(Uint8Array.of(0, 0, 4, 1, 4, 0, 0, 0, 1, 255, 255, 255, 255));
  },
  "headers without end": (socket) => {
    socket.write(SETTINGS);
    socket.write(Uint8Array.of(0, 0, 1, 1, 0, 0, 0, 0, 1, 0x88));
    writeForEver(socket, repeated(Uint8Array.of(0, 0, 1, 9, 0, 0, 0, 0, 1, 0x88)));
  },
  "a farewell": (socket) => {
    socket.write(SETTINGS);
    socket.write(Uint8Array.of(0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  },
  "a slow drip": (socket) => drip(socket, "\0"),
};

for (const [what, answer] of Object.entries(HOSTILE)) {
  Deno.test(`a server that says ${what} fails`, async () => {
    const outcome = await serveTcp((socket) => {
      socket.once("data", () => answer(socket));
    }, (target) => runProbe(PROBE, target, LONG_MS));
    assert.equal(outcome.isOk, false);
    assert.equal(outcome.isOurs, false);
    assert.doesNotMatch(outcome.text, /within/, "it is seen, not waited for");
  });
}
