import assert from "node:assert/strict";
import fc from "fast-check";
import { EADDRINUSE, EAFNOSUPPORT, EMFILE, EPERM } from "../base/errno.ts";
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
import type { BackendPlan } from "./plan.ts";
import { ServerSockets } from "./server_sockets.ts";
import { backendPlan } from "./test_plan.ts";

/** The addresses of these servers stand behind those of others. */
const FIRST_SLOT = 3;
const IPV4 = [...encodeSocketAddress(Uint8Array.of(10, 0, 0, 1), 80)];
const IPV6 = [...encodeSocketAddress(new Uint8Array(16).fill(1), 80)];
const UNIX = [...encodeUnixAddress("/run/app.sock")];

// linux/in.h, linux/in6.h
const TRANSPARENT = [0, 19, 1];
const TRANSPARENT_V6 = [41, 75, 1];
const PORT_LATER = [0, 24, 1];
const CLIENT = parseIpWords("192.0.2.7")!;
const CLIENT_V6 = parseIpWords("2001:db8::7")!;

/** A server of each family. */
function makeSockets(more: Partial<BackendPlan>, answer?: (call: RingCall) => number | undefined) {
  const fake = new FakeRing(answer);
  const sockets = new ServerSockets(backendPlan(more), FIRST_SLOT, fake.addresses);
  for (const [server, address] of [IPV4, IPV6, UNIX].entries()) sockets.setAddress(server, address);
  const open = (server: number, type: number, client = CLIENT) =>
    sockets.open(fake.ring, server, type, client, 0);
  return { fake, sockets, open };
}

// ---- Addresses ------------------------------------------------------------------------------

Deno.test("addresses stand in the slots behind the first, as the ring reads them", () => {
  const { sockets, fake } = makeSockets({});
  assert.deepEqual([0, 1, 2].map((server) => sockets.addressSlot(server)), [3, 4, 5]);
  const at = 4 * ADDRESS_SLOT_BYTES;
  assert.deepEqual([...fake.addresses.subarray(at, at + IPV6.length)], IPV6);
  assert.ok(
    fake.addresses.subarray(0, FIRST_SLOT * ADDRESS_SLOT_BYTES).every((byte) => byte === 0),
  );
});

Deno.test("a server has the family of the address it has now", () => {
  const { sockets } = makeSockets({});
  const families = () => [0, 1, 2].map((server) => sockets.addressFamily(server));
  assert.deepEqual(families(), [AF_INET, AF_INET6, AF_UNIX]);
  sockets.setAddress(0, IPV6);
  assert.deepEqual(families(), [AF_INET6, AF_INET6, AF_UNIX]);
});

Deno.test("an address fills its own slot at the most", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: ADDRESS_SLOT_BYTES });
  fc.assert(fc.property(fc.array(bytes, { minLength: 2, maxLength: 2 }), ([one, other]) => {
    const { sockets, fake } = makeSockets({});
    sockets.setAddress(0, [...one]);
    sockets.setAddress(1, [...other]);
    const read = (server: number, count: number) => {
      const at = sockets.addressSlot(server) * ADDRESS_SLOT_BYTES;
      return fake.addresses.slice(at, at + count);
    };
    assert.deepEqual([read(0, one.length), read(1, other.length)], [one, other]);
  }));
  const { sockets } = makeSockets({});
  const tooLong = new Array(ADDRESS_SLOT_BYTES + 1).fill(0);
  assert.throws(() => sockets.setAddress(0, tooLong), /fits its slot/);
});

// ---- Sockets --------------------------------------------------------------------------------

Deno.test("a socket has the family of its server and the options of the backend", () => {
  const socket = { keepalive: 1, user_timeout: 9000, dscp: 46, receive_buffer: 8192 };
  const rows: [number, number, number, number[][]][] = [
    // nodelay is a default; dscp is two bits further up in its byte.
    [0, STREAM, AF_INET, [[6, 1, 1], [1, 9, 1], [6, 18, 9000], [1, 8, 8192], [0, 1, 184]]],
    [1, DATAGRAM_SOCKET, AF_INET6, [[1, 8, 8192], [0, 1, 184], [41, 67, 184]]],
    [2, STREAM, AF_UNIX, [[1, 8, 8192]]],
  ];
  for (const [number, type, family, options] of rows) {
    const { fake, open } = makeSockets({ socket });
    const fd = open(number, type);
    assert.ok(fake.open.has(fd));
    assert.deepEqual(fake.asked("openSocket"), [[family, type]]);
    assert.deepEqual(fake.asked("setOption"), options);
    assert.deepEqual(fake.asked("bindNow"), []);
  }
});

Deno.test("an option that the kernel does not take costs no connection", () => {
  const { fake, open } = makeSockets({ socket: { dscp: 1 } }, (call) => {
    return call.name === "setOption" ? -EPERM : undefined;
  });
  assert.ok(fake.open.has(open(0, STREAM)));
});

Deno.test("without a socket its error is the result", () => {
  const { fake, open } = makeSockets({ isTransparent: true }, () => -EMFILE);
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
      const { fake, open } = makeSockets({ isTransparent: true });
      assert.ok(fake.open.has(open(number, type, client)));
      assert.deepEqual(fake.asked("setOption").slice(-2), [transparent, PORT_LATER]);
      assert.deepEqual(fake.asked("bindNow"), [bound]);
    }
  }
});

Deno.test("transparent: the client is read from its place among others", () => {
  const { fake, sockets } = makeSockets({ isTransparent: true });
  const clients = Int32Array.of(...CLIENT_V6, ...CLIENT);
  sockets.open(fake.ring, 0, STREAM, clients, CLIENT_V6.length);
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
    const { fake, open } = makeSockets({ isTransparent: true });
    assert.equal(open(number, STREAM, client), -EAFNOSUPPORT);
    assert.equal(fake.open.size, 0, "the socket is closed");
  }
});

Deno.test("transparent: a bind or a privilege that is refused closes the socket again", () => {
  const failures = { setOption: -EPERM, bindNow: -EADDRINUSE } as const;
  for (const [name, result] of Object.entries(failures)) {
    const { fake, open } = makeSockets({ isTransparent: true }, (call) => {
      const isAsked = call.name === name && (name === "bindNow" || call.asked[1] === 19);
      return isAsked ? result : undefined;
    });
    assert.equal(open(0, STREAM), result);
    assert.equal(fake.open.size, 0);
  }
});
