import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { closedTarget, drip, serveRequests, serveTcp, writeForEver } from "./test_servers.ts";
import { runProbe } from "./probe.ts";

const PROBE = { kind: "grpc", service: "" } as const;
const SHORT_MS = 150;
const LONG_MS = 5000;

const PREFACE_BYTES = 24;
const [DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, CONTINUATION] = [0, 1, 3, 4, 6, 7, 9];
const END_STREAM = 1;
const END_HEADERS = 4;

/** A frame of HTTP/2 (RFC 9113 section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Iterable<number>): Buffer {
  const bytes = Buffer.from(Array.from(payload));
  return Buffer.concat([
    Buffer.from([0, bytes.length >> 8, bytes.length & 255, type, flags, 0, 0, 0, stream]),
    bytes,
  ]);
}

/** A frame of headers, none of them compressed (RFC 7541 section 6.2.2). */
function headers(flags: number, fields: Readonly<Record<string, string>>): Buffer {
  const block = Object.entries(fields).flatMap((field) => [
    0,
    ...field.flatMap((text) => [text.length, ...Buffer.from(text)]),
  ]);
  return frame(HEADERS, END_HEADERS | flags, 1, block);
}

const EMPTY_SETTINGS = frame(SETTINGS, 0, 0, []);
const OK = { ":status": "200", "content-type": "application/grpc+proto" };

/** What a gRPC server answers: the message, then the status in trailers. */
function reply(message: number[], status = "0"): Buffer {
  return Buffer.concat([
    headers(0, OK),
    frame(DATA, 0, 1, [0, 0, 0, 0, message.length, ...message]),
    headers(END_STREAM, { "grpc-status": status }),
  ]);
}

/** The frames of a request when it is complete, else null. */
function readRequest(bytes: Buffer): Buffer[] | null {
  const frames: Buffer[] = [];
  for (let at = PREFACE_BYTES; at + 9 <= bytes.length;) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    frames.push(bytes.subarray(at, end));
    if (bytes[at + 3] === DATA && (bytes[at + 4] & END_STREAM) !== 0 && end <= bytes.length) {
      return frames;
    }
    at = end;
  }
  return null;
}

/** Asks a server of HTTP/2 that gives `answer` to a request. */
function ask(
  answer: Buffer | ((socket: Socket) => void),
  timeoutMs = LONG_MS,
  probe: Parameters<typeof runProbe>[0] = PROBE,
  heard: (frames: Buffer[]) => void = () => {},
) {
  return serveTcp((socket) => {
    socket.write(EMPTY_SETTINGS);
    let bytes = Buffer.alloc(0);
    let isAnswered = false;
    socket.on("data", (piece) => {
      bytes = Buffer.concat([bytes, piece]);
      const frames = isAnswered ? null : readRequest(bytes);
      if (frames === null) return;
      isAnswered = true;
      heard(frames);
      if (typeof answer === "function") answer(socket);
      else socket.write(answer);
    });
  }, (target) => runProbe(probe, target, timeoutMs));
}

Deno.test("a serving server passes, and was asked about the service", async () => {
  let message: number[] = [];
  const probe = { kind: "grpc", service: "a.B" } as const;
  const outcome = await ask(reply([8, 1]), LONG_MS, probe, (frames) => {
    message = [...Buffer.concat(
      frames.filter((frame) => frame[3] === DATA).map((frame) => frame.subarray(9)),
    )];
  });
  assert.deepEqual(outcome, { isOk: true, text: "SERVING", isOurs: false });
  assert.deepEqual(message, [0, 0, 0, 0, 5, 10, 3, 97, 46, 66]);
});

Deno.test("any other state of serving fails by name", async () => {
  assert.equal((await ask(reply([8, 2]))).text, "NOT_SERVING");
  assert.equal((await ask(reply([]))).text, "UNKNOWN");
  const outcome = await ask(reply([8, 3]));
  assert.deepEqual(outcome, { isOk: false, text: "SERVICE_UNKNOWN", isOurs: false });
});

Deno.test("an error of gRPC is told with its message", async () => {
  const refuse = (status: string, message: string) =>
    ask(headers(END_STREAM, { ...OK, "grpc-status": status, "grpc-message": message }));
  const unknown = await refuse("5", "no%20such%1B[1m");
  assert.equal(unknown.text, 'gRPC status 5 (NOT_FOUND): "no such\\u{1b}[1m"');
  assert.equal((await refuse("12", "%")).text, 'gRPC status 12 (UNIMPLEMENTED): "%"');
  assert.equal((await refuse("99", "")).text, 'gRPC status "99"');
});

Deno.test("an answer that is no such message fails", async () => {
  const text = "the answer is not a HealthCheckResponse";
  assert.equal((await ask(reply([255]))).text, text);
  assert.equal((await ask(headers(END_STREAM, OK))).text, text);
  const withoutMessage = Buffer.concat([
    headers(0, OK),
    headers(END_STREAM, { "grpc-status": "14" }),
  ]);
  assert.equal((await ask(withoutMessage)).text, text);
});

Deno.test("HTTP/2 without gRPC fails and says the status", async () => {
  const notFound = headers(END_STREAM, { ":status": "404", "content-type": "text/html" });
  assert.equal((await ask(notFound)).text, "not gRPC: HTTP status 404");
  const page = Buffer.concat([
    headers(0, { ":status": "200", "content-type": "text/html" }),
    frame(DATA, 0, 1, new Uint8Array(2000)),
  ]);
  assert.equal((await ask(page)).text, "not gRPC: HTTP status 200");
});

Deno.test("an answer without measure is cut, one that never comes times out", async () => {
  const long = Buffer.concat([headers(0, OK), frame(DATA, 0, 1, new Uint8Array(5000))]);
  assert.equal((await ask(long)).text, "the answer is too long");
  const silent = await ask(() => {}, SHORT_MS);
  assert.match(silent.text, /^no answer within 150 ms/);
  const headOnly = await ask(headers(0, OK), SHORT_MS);
  assert.match(headOnly.text, /^no answer within 150 ms/);
  const dripping = await ask((socket) => {
    socket.write(headers(0, OK));
    drip(socket, frame(DATA, 0, 1, []).toString("latin1"));
  }, SHORT_MS);
  assert.equal(dripping.isOk, false);
});

Deno.test("unix sockets are asked, too", async () => {
  const folder = await Deno.makeTempDir();
  const unixPath = `${folder}/server.sock`;
  const missing = await runProbe(PROBE, { host: "", port: 0, unixPath }, LONG_MS);
  assert.equal(missing.text, "no such file (ENOENT)");
  const outcome = await serveRequests(
    (socket) => socket.write(Buffer.concat([EMPTY_SETTINGS, reply([8, 1])])),
    (target) => runProbe(PROBE, target, LONG_MS),
    unixPath,
  );
  assert.equal(outcome.text, "SERVING");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("connections that are refused, ended or reset fail", async () => {
  const refused = await runProbe(PROBE, closedTarget(), LONG_MS);
  assert.equal(refused.text, "connection refused (ECONNREFUSED)");
  const closed = { ...closedTarget(), host: "::1" };
  assert.equal((await runProbe(PROBE, closed, LONG_MS)).text, refused.text);
  const use = (target: Parameters<typeof runProbe>[1]) => runProbe(PROBE, target, LONG_MS);
  const ended = await serveRequests((socket) => void socket.end(), use);
  assert.match(ended.text, /^no answer of gRPC: /);
  const reset = await serveRequests((socket) => void socket.resetAndDestroy(), use);
  assert.equal(reset.isOk, false);
});

Deno.test("a server that expects a PROXY header is not asked, nor thought broken", async () => {
  const outcome = await runProbe(PROBE, closedTarget(), LONG_MS, { preface: new Uint8Array(1) });
  const text = "a gRPC check cannot send a PROXY header";
  assert.deepEqual(outcome, { isOk: false, text, isOurs: true });
});

Deno.test("a probe that is stopped leaves nothing open", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const outcome = await serveTcp(
    () => controller.abort(),
    (target) => runProbe(PROBE, target, LONG_MS, { signal }),
  );
  assert.equal(outcome.text, "stopped");
});

const repeated = (frame: Buffer) => Buffer.concat(new Array(1000).fill(frame));

const HOSTILE: Readonly<Record<string, (socket: Socket) => void>> = {
  "HTTP/1.1": (socket) => socket.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
  "HTTP/1.1, then the end": (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
  "rubbish": (socket) => socket.write(new Uint8Array(100).fill(255)),
  "the end": (socket) => socket.end(EMPTY_SETTINGS),
  "a reset": (socket) => socket.write(EMPTY_SETTINGS, () => socket.resetAndDestroy()),
  "rubbish without end": (socket) => writeForEver(socket, new Uint8Array(16_384).fill(65)),
  "headers that cannot be unpacked": (socket) => {
    socket.write(EMPTY_SETTINGS);
    socket.write(frame(HEADERS, END_HEADERS, 1, [255, 255, 255, 255]));
  },
  "headers without end": (socket) => {
    socket.write(EMPTY_SETTINGS);
    socket.write(frame(HEADERS, 0, 1, [0x88]));
    writeForEver(socket, repeated(frame(CONTINUATION, 0, 1, [0, 1, 97, 1, 98])));
  },
  "a farewell": (socket) => {
    socket.write(EMPTY_SETTINGS);
    socket.write(frame(GOAWAY, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]));
    socket.end();
  },
  "that it wants nothing of the request": (socket) => {
    socket.write(EMPTY_SETTINGS);
    socket.write(frame(RESET, 0, 1, [0, 0, 0, 2]));
  },
};

for (const [what, answer] of Object.entries(HOSTILE)) {
  Deno.test(`a server that says ${what} fails`, async () => {
    const outcome = await serveRequests(answer, (target) => runProbe(PROBE, target, LONG_MS));
    assert.equal(outcome.isOk, false);
    assert.equal(outcome.isOurs, false);
    assert.doesNotMatch(outcome.text, /within/, "it is seen, not waited for");
  });
}

for (const [what, piece] of Object.entries({ pings: frame(PING, 0, 0, new Uint8Array(8)) })) {
  Deno.test(`a server that sends ${what} without end fails`, async () => {
    const outcome = await serveTcp((socket) => {
      socket.pause();
      socket.write(EMPTY_SETTINGS);
      writeForEver(socket, repeated(piece));
    }, (target) => runProbe(PROBE, target, SHORT_MS));
    assert.equal(outcome.isOk, false);
  });
}
