import assert from "node:assert/strict";
import { AF_INET, AF_INET6, AF_UNIX } from "./socket_address.ts";
import { optionCalls, SOCKET_OPTIONS, socketOption } from "./socket_options.ts";

/** Every option of a side, each with a value that tells it from the others. */
const ALL = {
  nodelay: 0,
  keepalive: 1,
  keepalive_idle: 60,
  keepalive_interval: 10,
  keepalive_count: 3,
  user_timeout: 30_000,
  defer_accept: 5,
  fast_open: 1,
  receive_buffer: 65_536,
  send_buffer: 131_072,
  dscp: 46,
};

Deno.test("when nothing is written, the defaults of the table are set", () => {
  assert.deepEqual(optionCalls({}, "listener", "stream", AF_INET), [[6, 1, 1], [1, 9, 1]]);
  assert.deepEqual(optionCalls({}, "backend", "stream", AF_INET6), [[6, 1, 1]]);
  for (const family of [AF_INET, AF_INET6]) {
    assert.deepEqual(optionCalls({}, "listener", "datagram", family), []);
    assert.deepEqual(optionCalls({}, "backend", "datagram", family), []);
  }
  assert.deepEqual(optionCalls({}, "listener", "stream", AF_UNIX), []);
  assert.deepEqual(optionCalls({}, "backend", "stream", AF_UNIX), []);
});

Deno.test("what is written takes the place of a default, off too", () => {
  const options = { nodelay: 0, keepalive: 0 };
  assert.deepEqual(optionCalls(options, "listener", "stream", AF_INET), [[6, 1, 0], [1, 9, 0]]);
});

Deno.test("a listener has each option under its Linux number", () => {
  assert.deepEqual(optionCalls(ALL, "listener", "stream", AF_INET), [
    [6, 1, 0],
    [1, 9, 1],
    [6, 4, 60],
    [6, 5, 10],
    [6, 6, 3],
    [6, 18, 30_000],
    [6, 9, 5],
    [6, 23, 1],
    [1, 8, 65_536],
    [1, 7, 131_072],
    [0, 1, 46 << 2],
  ]);
});

Deno.test("a backend has its own fast_open, and no defer_accept", () => {
  const calls = optionCalls(ALL, "backend", "stream", AF_INET);
  assert.deepEqual(calls.filter(([level]) => level === 6).map(([, option]) => option), [
    ...[1, 4, 5, 6, 18, 30],
  ]);
});

Deno.test("dscp is set for both families on an IPv6 socket, which may carry IPv4", () => {
  const calls = optionCalls({ dscp: 10 }, "backend", "datagram", AF_INET6);
  assert.deepEqual(calls, [[0, 1, 40], [41, 67, 40]]);
});

Deno.test("datagrams and unix sockets get only what they have", () => {
  const buffers = [[1, 8, 65_536], [1, 7, 131_072]];
  for (const side of ["listener", "backend"] as const) {
    assert.deepEqual(optionCalls(ALL, side, "stream", AF_UNIX), buffers);
    assert.deepEqual(optionCalls(ALL, side, "datagram", AF_INET), [...buffers, [0, 1, 184]]);
  }
});

Deno.test("a row is found by its key and side, and tells in a sentence what it does", () => {
  assert.equal(socketOption("fast_open", "listener")?.unit, "count");
  assert.equal(socketOption("fast_open", "backend")?.unit, "flag");
  assert.equal(socketOption("defer_accept", "backend"), null);
  assert.equal(socketOption("constructor", "listener"), null);
  for (const { help } of SOCKET_OPTIONS) assert.match(help, /^[A-Z].*\.$/s);
});

Deno.test("a value that setsockopt does not take is a fault of the caller", () => {
  for (const value of [-1, 0.5, NaN]) {
    assert.throws(() => optionCalls({ dscp: value }, "listener", "stream", AF_INET));
  }
});
