import assert from "node:assert/strict";
import { EADDRINUSE, EAFNOSUPPORT, EMFILE, EPERM } from "../base/errno.ts";
import { DATAGRAM_SOCKET_BYTES } from "../limits.ts";
import { parseIp } from "../net/address.ts";
import { AF_INET, AF_INET6 } from "../net/socket_address.ts";
import { DATAGRAM_SOCKET, STREAM } from "../ring/ring.ts";
import { type IpRequest, type IpSockets, openIpSockets } from "./ip_sockets.ts";
import { addressOf, FakeShim, type FakeSocket, isShared, PICKED_PORT } from "./test_shim.ts";

// asm-generic/socket.h, linux/in.h, linux/in6.h, linux/tcp.h
const SOL_IP = 0;
const SOL_SOCKET = 1;
const SOL_TCP = 6;
const SOL_IPV6 = 41;
const REUSE_ADDRESS = [SOL_SOCKET, 2];
const SEND_BUFFER = [SOL_SOCKET, 7];
const RECEIVE_BUFFER = [SOL_SOCKET, 8];
const SEND_BUFFER_FORCED = [SOL_SOCKET, 32];
const RECEIVE_BUFFER_FORCED = [SOL_SOCKET, 33];
const PACKET_ADDRESS = [SOL_IP, 8];
const FREE_BIND = [SOL_IP, 15];
const V6_ONLY = [SOL_IPV6, 26];
const V6_PACKET_ADDRESS = [SOL_IPV6, 49];
const V6_FREE_BIND = [SOL_IPV6, 78];
const ENOPROTOOPT = 92;
const SOL_UDP = 17;
const BURSTS = [SOL_UDP, 104];
const DEFER_ACCEPT = [SOL_TCP, 9];

function request(ip: string, port: number, more: Partial<IpRequest> = {}): IpRequest {
  return {
    ip: parseIp(ip)!,
    port,
    isUdp: false,
    takesBursts: false,
    isAnyAddress: false,
    options: {},
    backlog: 128,
    ...more,
  };
}

const LOCAL = request("127.0.0.1", 8080);

function openAll(fake: FakeShim, asked: IpRequest, workers = 2): IpSockets {
  const opened = openIpSockets(fake.shim, asked, workers);
  assert.ok(typeof opened !== "number", `refused with ${opened}`);
  return opened;
}

/** What an option was set to; undefined when it was not touched. */
function valueOf({ options }: FakeSocket, [level, option]: number[]): number | undefined {
  return options.findLast((call) => call[0] === level && call[1] === option)?.[2];
}

Deno.test("each worker gets a socket of the group, after the address was tried alone", () => {
  const fake = new FakeShim();
  const opened = openAll(fake, LOCAL, 3);
  assert.equal(opened.port, 8080);
  assert.deepEqual(fake.sockets.map(isShared), [false, true, true, true]);
  // The trial is closed again.
  assert.deepEqual(fake.open.map(({ fd }) => fd), opened.sockets.map(({ fd }) => fd));
  assert.equal(opened.sockets.length, 3);
  for (const { address, type, backlog } of fake.open) {
    assert.deepEqual(address, addressOf("127.0.0.1", 8080));
    assert.deepEqual([type, backlog], [STREAM, 128]);
  }
});

Deno.test("port 0: the kernel picks one, and all workers get that", () => {
  const fake = new FakeShim();
  const opened = openAll(fake, request("::", 0, { isAnyAddress: true }), 3);
  assert.equal(opened.port, PICKED_PORT);
  const asked = fake.open.map(({ address }) => address);
  const [first, ...others] = [0, PICKED_PORT, PICKED_PORT].map((port) => addressOf("::", port));
  assert.deepEqual(asked, [first, ...others]);
});

Deno.test("a plan tells the family of a socket, and whether it is bound to every address", () => {
  const rows: [string, number, boolean][] = [
    ["127.0.0.1", AF_INET, false],
    ["0.0.0.0", AF_INET, true],
    ["::1", AF_INET6, false],
    ["::", AF_INET6, true],
    ["::ffff:127.0.0.1", AF_INET6, false],
  ];
  for (const [ip, family, isWildcard] of rows) {
    const { sockets } = openAll(new FakeShim(), request(ip, 80), 1);
    assert.deepEqual([sockets[0].family, sockets[0].isWildcard], [family, isWildcard], ip);
  }
});

Deno.test("an address may come to this machine later, and [::] takes IPv4 as well", () => {
  const four = new FakeShim();
  openAll(four, LOCAL);
  const six = new FakeShim();
  openAll(six, request("::", 80));
  for (const socket of four.sockets) assert.equal(valueOf(socket, FREE_BIND), 1);
  for (const socket of six.sockets) {
    assert.equal(valueOf(socket, V6_FREE_BIND), 1);
    assert.equal(valueOf(socket, V6_ONLY), 0);
  }
});

Deno.test("a restart does not wait for connections of the past; datagrams have none", () => {
  const tcp = new FakeShim();
  openAll(tcp, LOCAL);
  const udp = new FakeShim();
  openAll(udp, { ...LOCAL, isUdp: true });
  for (const socket of tcp.sockets) assert.equal(valueOf(socket, REUSE_ADDRESS), 1);
  // There it would let a second program have the address.
  for (const socket of udp.sockets) assert.equal(valueOf(socket, REUSE_ADDRESS), undefined);
});

Deno.test("a UDP socket does not listen, and one for every address is told which", () => {
  const wildcards: [string, number[]][] = [
    ["0.0.0.0", PACKET_ADDRESS],
    ["::", V6_PACKET_ADDRESS],
  ];
  for (const [ip, option] of wildcards) {
    const fake = new FakeShim();
    openAll(fake, request(ip, 53, { isUdp: true }));
    for (const socket of fake.open) {
      assert.deepEqual([socket.type, socket.backlog], [DATAGRAM_SOCKET, -1]);
      assert.equal(valueOf(socket, option), 1);
    }
  }
  const bound = new FakeShim();
  openAll(bound, request("127.0.0.1", 53, { isUdp: true }));
  assert.equal(valueOf(bound.open[0], PACKET_ADDRESS), undefined);
});

Deno.test("a UDP socket has large buffers, beyond the limit of the system where allowed", () => {
  const allowed = new FakeShim();
  openAll(allowed, { ...LOCAL, isUdp: true }, 1);
  assert.equal(valueOf(allowed.open[0], RECEIVE_BUFFER_FORCED), DATAGRAM_SOCKET_BYTES);
  assert.equal(valueOf(allowed.open[0], SEND_BUFFER_FORCED), DATAGRAM_SOCKET_BYTES);
  assert.equal(valueOf(allowed.open[0], RECEIVE_BUFFER), undefined);

  const denied = new FakeShim((step, { options }) => {
    const option = options.at(-1)?.[1] ?? 0;
    return step === "option" && (option === 32 || option === 33) ? -EPERM : 0;
  });
  openAll(denied, { ...LOCAL, isUdp: true }, 1);
  assert.equal(valueOf(denied.open[0], RECEIVE_BUFFER), DATAGRAM_SOCKET_BYTES);
  assert.equal(valueOf(denied.open[0], SEND_BUFFER), DATAGRAM_SOCKET_BYTES);
});

Deno.test("bursts of datagrams come as one where that is asked for and known", () => {
  const asked = { ...LOCAL, isUdp: true, takesBursts: true };
  const fake = new FakeShim();
  openAll(fake, asked);
  for (const socket of fake.open) assert.equal(valueOf(socket, BURSTS), 1);
  const others = [{ ...asked, takesBursts: false }, { ...asked, isUdp: false }];
  for (const other of others) {
    const without = new FakeShim();
    openAll(without, other);
    for (const socket of without.open) assert.equal(valueOf(socket, BURSTS), undefined);
  }
  // An old kernel does not know it.
  const old = new FakeShim((step, { options }) => {
    return step === "option" && options.at(-1)?.[0] === SOL_UDP ? -ENOPROTOOPT : 0;
  });
  assert.equal(openAll(old, asked).sockets.length, 2);
});

Deno.test("what the file says of sockets is set, and buffers are left at it", () => {
  const udp = new FakeShim();
  openAll(udp, { ...LOCAL, isUdp: true, options: { receive_buffer: 65536 } }, 1);
  assert.equal(valueOf(udp.open[0], RECEIVE_BUFFER), 65536);
  assert.equal(valueOf(udp.open[0], RECEIVE_BUFFER_FORCED), undefined);
  assert.equal(valueOf(udp.open[0], SEND_BUFFER_FORCED), DATAGRAM_SOCKET_BYTES);

  const tcp = new FakeShim();
  openAll(tcp, { ...LOCAL, options: { defer_accept: 3, send_buffer: 8192 } }, 1);
  assert.equal(valueOf(tcp.open[0], DEFER_ACCEPT), 3);
  assert.equal(valueOf(tcp.open[0], SEND_BUFFER), 8192);
  assert.equal(valueOf(tcp.open[0], RECEIVE_BUFFER), undefined);
});

Deno.test("whatever step fails, its number is the result and nothing stays open", () => {
  for (const failing of ["socket", "option", "bind", "listen"]) {
    const fake = new FakeShim((step) => step === failing ? -EADDRINUSE : 0);
    assert.equal(openIpSockets(fake.shim, LOCAL, 2), -EADDRINUSE, failing);
    assert.deepEqual(fake.open, [], failing);
  }
});

Deno.test("no file descriptors left: those of the group that are open are closed again", () => {
  const fake = new FakeShim((step, { fd }) => step === "socket" && fd >= 103 ? -EMFILE : 0);
  assert.equal(openIpSockets(fake.shim, LOCAL, 4), -EMFILE);
  assert.equal(fake.sockets.length, 4);
  assert.deepEqual(fake.open, []);
});

function withoutIpv6(_step: string, { family }: FakeSocket): number {
  return family === AF_INET6 ? -EAFNOSUPPORT : 0;
}

Deno.test("every address on a machine without IPv6 is every IPv4 address", () => {
  const fake = new FakeShim(withoutIpv6);
  const opened = openAll(fake, request("::", 8080, { isAnyAddress: true }), 2);
  assert.deepEqual(fake.sockets.map(({ family }) => family), [AF_INET6, AF_INET, AF_INET, AF_INET]);
  assert.deepEqual(opened.sockets.map(({ family }) => family), [AF_INET, AF_INET]);
  assert.ok(opened.sockets.every(({ isWildcard }) => isWildcard));
  assert.deepEqual(fake.open[0].address, addressOf("0.0.0.0", 8080));
});

Deno.test("an IPv6 address on a machine without IPv6 is an error", () => {
  assert.equal(openIpSockets(new FakeShim(withoutIpv6).shim, request("::", 80), 2), -EAFNOSUPPORT);
});
