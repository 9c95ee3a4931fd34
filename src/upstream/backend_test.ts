import assert from "node:assert/strict";
import { POLICY_NAMES } from "../balance/policy.ts";
import { EADDRINUSE, EAFNOSUPPORT, EMFILE, EPERM } from "../base/errno.ts";
import { ATTEMPTS_MAX, UNREACHABLE_MS } from "../limits.ts";
import { SERVER_OPEN } from "../metrics/metric_names.ts";
import { serverOffset, sharedBytes, SharedState } from "../metrics/shared_state.ts";
import { parseIpWords } from "../net/ip_words.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  encodeSocketAddress,
  encodeUnixAddress,
} from "../net/socket_address.ts";
import { ADDRESS_SLOT_BYTES, DATAGRAM_SOCKET, STREAM } from "../ring/ring.ts";
import { FakeRing, type RingCall } from "../ring/test_ring.ts";
import { Backend } from "./backend.ts";
import type { BackendPlan, ServerPlan } from "./plan.ts";

const IPV4 = [...encodeSocketAddress(Uint8Array.of(10, 0, 0, 1), 80)];
const IPV6 = [...encodeSocketAddress(new Uint8Array(16).fill(1), 80)];
const UNIX = [...encodeUnixAddress("/run/app.sock")];
const SHAPE = { workers: 2, listeners: 1, servers: 8 };

function server(name: string, more: Partial<ServerPlan> = {}): ServerPlan {
  return { name, weight: 1, backup: false, address: IPV4, ...more };
}

function makeBackend(servers: readonly ServerPlan[], more: Partial<BackendPlan> = {}) {
  const shared = new SharedState(new ArrayBuffer(sharedBytes(SHAPE)), SHAPE);
  const addresses = new Uint8Array(16 * ADDRESS_SLOT_BYTES);
  const plan: BackendPlan = {
    name: "app",
    balance: "first",
    hashOn: null,
    connectTimeoutMs: 100,
    retries: 1,
    proxyProtocol: null,
    isTransparent: false,
    socket: {},
    servers,
    ...more,
  };
  const backend = new Backend(plan, 2, 3, addresses, shared);
  const tried = new Int16Array(ATTEMPTS_MAX);
  const choose = (...before: number[]) => {
    tried.set(before);
    return backend.choose(12345, 6789, tried, 0, before.length);
  };
  const chooseForDatagrams = (...before: number[]) => {
    tried.set(before);
    return backend.choose(12345, 6789, tried, 0, before.length, true);
  };
  return { backend, shared, addresses, choose, chooseForDatagrams };
}

Deno.test("a server that was tried for this connection is not picked again", () => {
  const { choose } = makeBackend([server("a"), server("b"), server("c")]);
  assert.equal(choose(), 0);
  assert.equal(choose(0), 1);
  assert.equal(choose(0, 1), 2);
  assert.equal(choose(0, 1, 2), -1);
});

Deno.test("a backup is picked only when no other server is left", () => {
  const { choose } = makeBackend([server("spare", { backup: true }), server("a"), server("b")]);
  assert.equal(choose(), 1);
  assert.equal(choose(1), 2);
  assert.equal(choose(1, 2), 0);
});

Deno.test("a server without an address, or of weight zero, is not picked", () => {
  const { choose, backend } = makeBackend([
    server("unresolved", { address: [] }),
    server("resting", { weight: 0 }),
    server("a"),
  ]);
  assert.equal(choose(), 2);
  assert.equal(choose(2), -1);
  backend.setAddress(0, IPV6);
  assert.equal(choose(), 0);
  assert.equal(backend.addressFamily(0), AF_INET6);
  backend.setAddress(0, []);
  assert.equal(choose(), 2);
});

Deno.test("addresses stand in the slots behind the first, as the ring reads them", () => {
  const { backend, addresses } = makeBackend([server("a"), server("b", { address: IPV6 })]);
  assert.deepEqual([backend.addressSlot(0), backend.addressSlot(1)], [3, 4]);
  const at = 4 * ADDRESS_SLOT_BYTES;
  assert.deepEqual([...addresses.subarray(at, at + IPV6.length)], IPV6);
});

Deno.test("least_conn sees what all workers have open", () => {
  const servers = [server("a"), server("b")];
  const { choose, shared } = makeBackend(servers, { balance: "least_conn" });
  const at = (server: number) => serverOffset(SHAPE, 2 + server) + SERVER_OPEN;
  shared.rows[1][at(0)] = 5;
  shared.rows[0][at(1)] = 4;
  assert.equal(choose(), 1);
  shared.rows[0][at(0)] = -5;
  assert.equal(choose(), 0);
});

Deno.test("every policy works through candidates, then backups, then gives up", () => {
  for (const balance of POLICY_NAMES) {
    const servers = [server("a"), server("b", { weight: 3 }), server("c", { backup: true })];
    const { choose } = makeBackend(servers, { balance });
    const first = choose();
    const second = choose(first);
    assert.deepEqual([first, second].sort(), [0, 1], balance);
    assert.equal(choose(first, second), 2, balance);
    assert.equal(choose(first, second, 2), -1, balance);
  }
});

Deno.test("the attempts for a connection are the first and the retries, within the bound", () => {
  assert.equal(makeBackend([server("a")], { retries: 0 }).backend.attemptsMax, 1);
  assert.equal(makeBackend([server("a")], { retries: 3 }).backend.attemptsMax, 4);
  assert.equal(makeBackend([server("a")], { retries: 99 }).backend.attemptsMax, ATTEMPTS_MAX);
});

// ---- Servers whose port is closed -----------------------------------------------------------

Deno.test("a server whose port was closed is passed over for a while, if there are others", () => {
  const clock = { nowMs: 1000 };
  const { backend, chooseForDatagrams: choose } = makeBackend([server("a"), server("b")]);
  backend.shun(0, clock);
  assert.equal(choose(), 1);
  clock.nowMs += UNREACHABLE_MS - 1;
  assert.equal(choose(), 1);
  clock.nowMs += 1;
  assert.equal(choose(), 0);
});

Deno.test("when all of them were closed lately any may be tried", () => {
  const clock = { nowMs: 1000 };
  const { backend, chooseForDatagrams: choose } = makeBackend([server("a"), server("b")]);
  backend.shun(0, clock);
  backend.shun(1, clock);
  assert.equal(choose(), 0);
  assert.equal(choose(0), 1, "also as the next one");
  assert.equal(choose(0, 1), -1);
});

Deno.test("a closed port makes way for a backup, and is tried before the client is refused", () => {
  const clock = { nowMs: 1000 };
  const servers = [server("a"), server("spare", { backup: true })];
  const { backend, chooseForDatagrams: choose } = makeBackend(servers);
  backend.shun(0, clock);
  assert.equal(choose(), 1);
  assert.equal(choose(1), 0);
});

Deno.test("a port that is found closed again is passed over for as long again", () => {
  const clock = { nowMs: 1000 };
  const { backend, chooseForDatagrams: choose } = makeBackend([server("a"), server("b")]);
  backend.shun(0, clock);
  clock.nowMs += UNREACHABLE_MS - 1;
  backend.shun(0, clock);
  clock.nowMs += UNREACHABLE_MS - 1;
  assert.equal(choose(), 1);
  clock.nowMs += 1;
  assert.equal(choose(), 0);
  // And is none the less picked from then on, however often it was closed.
  assert.equal(choose(), 0);
});

Deno.test("that a port of UDP is closed says nothing of TCP", () => {
  const { backend, choose, chooseForDatagrams } = makeBackend([server("a"), server("b")]);
  backend.shun(0, { nowMs: 1000 });
  assert.equal(chooseForDatagrams(), 1);
  assert.equal(choose(), 0);
});

Deno.test("a new address is not passed over for what the old one did", () => {
  const { backend, chooseForDatagrams } = makeBackend([server("a"), server("b")]);
  backend.shun(0, { nowMs: 1000 });
  backend.setAddress(0, IPV6);
  assert.equal(chooseForDatagrams(), 0);
});

Deno.test("usable is a server with an address and a weight, not closed lately", () => {
  const clock = { nowMs: 1000 };
  const { backend } = makeBackend([
    server("a"),
    server("resting", { weight: 0 }),
    server("unresolved", { address: [] }),
    server("spare", { backup: true }),
  ]);
  const usable = () => [0, 1, 2, 3].map((each) => backend.isUsable(each, clock));
  assert.deepEqual(usable(), [true, false, false, true]);
  backend.shun(0, clock);
  assert.deepEqual(usable(), [false, false, false, true]);
  clock.nowMs += UNREACHABLE_MS;
  assert.deepEqual(usable(), [true, false, false, true]);
  backend.setAddress(2, IPV4);
  backend.setAddress(3, []);
  assert.deepEqual(usable(), [true, false, true, false]);
});

// ---- Sockets --------------------------------------------------------------------------------

// linux/in.h, linux/in6.h
const TRANSPARENT = [0, 19, 1];
const TRANSPARENT_V6 = [41, 75, 1];
const PORT_LATER = [0, 24, 1];
const CLIENT = parseIpWords("192.0.2.7")!;
const CLIENT_V6 = parseIpWords("2001:db8::7")!;

/** A backend with a server of each family, and the ring that its addresses stand in. */
function makeOpener(more: Partial<BackendPlan>, answer?: (call: RingCall) => number | undefined) {
  const fake = new FakeRing(answer);
  const servers = [
    server("four"),
    server("six", { address: IPV6 }),
    server("unix", { address: UNIX }),
  ];
  const { backend } = makeBackend(servers, more);
  const open = (number: number, type: number, client = CLIENT) =>
    backend.openSocket(fake.ring, number, type, client, 0);
  return { fake, open };
}

Deno.test("a socket has the family of its server and the options of the backend", () => {
  const socket = { keepalive: 1, user_timeout: 9000, dscp: 46, receive_buffer: 8192 };
  const rows: [number, number, number, number[][]][] = [
    // nodelay is a default; dscp is two bits further up in its byte.
    [0, STREAM, AF_INET, [[6, 1, 1], [1, 9, 1], [6, 18, 9000], [1, 8, 8192], [0, 1, 184]]],
    [1, DATAGRAM_SOCKET, AF_INET6, [[1, 8, 8192], [0, 1, 184], [41, 67, 184]]],
    [2, STREAM, AF_UNIX, [[1, 8, 8192]]],
  ];
  for (const [number, type, family, options] of rows) {
    const { fake, open } = makeOpener({ socket });
    const fd = open(number, type);
    assert.ok(fake.open.has(fd));
    assert.deepEqual(fake.asked("openSocket"), [[family, type]]);
    assert.deepEqual(fake.asked("setOption"), options);
    assert.deepEqual(fake.asked("bindNow"), []);
  }
});

Deno.test("an option that the kernel does not take costs no connection", () => {
  const { fake, open } = makeOpener({ socket: { dscp: 1 } }, (call) => {
    return call.name === "setOption" ? -EPERM : undefined;
  });
  assert.ok(fake.open.has(open(0, STREAM)));
});

Deno.test("without a socket its error is the result", () => {
  const { fake, open } = makeOpener({ isTransparent: true }, () => -EMFILE);
  assert.equal(open(0, STREAM), -EMFILE);
  assert.equal(fake.calls.length, 1);
});

Deno.test("transparent: bound to the client's address, its port picked at the connect", () => {
  const rows: [number, Int32Array, number[], (string | number)[]][] = [
    [0, CLIENT, TRANSPARENT, [AF_INET, "192.0.2.7", 0]],
    [1, CLIENT_V6, TRANSPARENT_V6, [AF_INET6, "2001:db8::7", 0]],
  ];
  for (const type of [STREAM, DATAGRAM_SOCKET]) {
    for (const [number, client, transparent, bound] of rows) {
      const { fake, open } = makeOpener({ isTransparent: true });
      assert.ok(fake.open.has(open(number, type, client)));
      assert.deepEqual(fake.asked("setOption").slice(-2), [transparent, PORT_LATER]);
      assert.deepEqual(fake.asked("bindNow"), [bound]);
    }
  }
});

Deno.test("transparent: the client is read from its place among others", () => {
  const fake = new FakeRing();
  const { backend } = makeBackend([server("four")], { isTransparent: true });
  const clients = Int32Array.of(...CLIENT_V6, ...CLIENT);
  backend.openSocket(fake.ring, 0, STREAM, clients, CLIENT_V6.length);
  assert.deepEqual(fake.asked("bindNow"), [[AF_INET, "192.0.2.7", 0]]);
});

Deno.test("transparent: who cannot be shown to a server is not connected to it", () => {
  const rows: [number, Int32Array][] = [
    [0, CLIENT_V6],
    // Of a unix socket.
    [0, new Int32Array(4)],
    [2, CLIENT],
  ];
  for (const [number, client] of rows) {
    const { fake, open } = makeOpener({ isTransparent: true });
    assert.equal(open(number, STREAM, client), -EAFNOSUPPORT);
    assert.equal(fake.open.size, 0, "the socket is closed");
  }
});

Deno.test("transparent: a bind or a privilege that is refused closes the socket again", () => {
  const failures = { setOption: -EPERM, bindNow: -EADDRINUSE } as const;
  for (const [name, result] of Object.entries(failures)) {
    const { fake, open } = makeOpener({ isTransparent: true }, (call) => {
      const isAsked = call.name === name && (name === "bindNow" || call.asked[1] === 19);
      return isAsked ? result : undefined;
    });
    assert.equal(open(0, STREAM), result);
    assert.equal(fake.open.size, 0);
  }
});
