import assert from "node:assert/strict";
import { EINVAL, EPERM } from "../base/errno.ts";
import { DATAGRAM_SOCKET_BYTES } from "../limits.ts";
import { AF_INET, AF_INET6, AF_UNIX, encodeUnixAddress } from "../net/socket_address.ts";
import { DATAGRAM_SOCKET, STREAM } from "../ring/ring.ts";
import { BindError } from "./bind_error.ts";
import { findPassedFds, type PassedListener, takePassedSockets } from "./systemd_sockets.ts";
import { addressOf, FakeShim } from "./test_shim.ts";

const PID = 42;
// asm-generic/errno-base.h, linux/net.h
const EBADF = 9;
const SEQUENCED_PACKETS = 5;

function environment(names: string | undefined, count: number, pid = PID) {
  return { LISTEN_PID: String(pid), LISTEN_FDS: String(count), LISTEN_FDNAMES: names };
}

const WEB = { name: "web", text: "systemd:web" };

const TCP: PassedListener = { name: "outer", protocol: "tcp", socket: {}, trustedProxies: null };
const UDP: PassedListener = { ...TCP, protocol: "udp" };

function take(fake: FakeShim, listener: PassedListener, passed = environment("web", 1)) {
  return takePassedSockets(fake.shim, listener, WEB, passed, PID);
}

/** What is said, behind its beginning. */
function refusal(
  fake: FakeShim,
  listener: PassedListener,
  passed: Record<string, string | undefined>,
  errno = EINVAL,
): string {
  try {
    takePassedSockets(fake.shim, listener, WEB, passed, PID);
  } catch (failure) {
    assert.ok(failure instanceof BindError, String(failure));
    assert.equal(failure.errno, errno);
    const start = 'cannot bind "systemd:web" of listener "outer": ';
    assert.ok(failure.message.startsWith(start), failure.message);
    return failure.message.slice(start.length);
  }
  assert.fail("it was bound");
}

Deno.test("fds are numbered from 3 on, and found by their name", () => {
  const passed = environment("web:dns:web", 3);
  assert.deepEqual(findPassedFds(passed, PID, "web"), [3, 5]);
  assert.deepEqual(findPassedFds(passed, PID, "dns"), [4]);
  assert.deepEqual(findPassedFds(passed, PID, "other"), []);
});

Deno.test("an fd without a name is called unknown, as in sd_listen_fds_with_names(3)", () => {
  assert.deepEqual(findPassedFds(environment(undefined, 2), PID, "unknown"), [3, 4]);
  assert.deepEqual(findPassedFds(environment("web:", 3), PID, "unknown"), [4, 5]);
  assert.deepEqual(findPassedFds(environment("web:a:b", 1), PID, "a"), []);
});

Deno.test("fds for another process, none, or nonsense are no fds", () => {
  assert.deepEqual(findPassedFds(environment("web", 1, PID + 1), PID, "web"), []);
  assert.deepEqual(
    findPassedFds({ LISTEN_PID: String(PID), LISTEN_FDNAMES: "web" }, PID, "web"),
    [],
  );
  for (const count of ["", "0", "-1", "x", "1.5"]) {
    const passed = { ...environment("web", 1), LISTEN_FDS: count };
    assert.deepEqual(findPassedFds(passed, PID, "web"), [], count);
  }
});

Deno.test("passed sockets: what they are bound to, and workers alone inherit them", () => {
  const fake = new FakeShim();
  const sockets = [
    fake.pass(3, STREAM, encodeUnixAddress("/run/web.sock")),
    fake.pass(4, STREAM, addressOf("10.0.0.1", 443)),
    fake.pass(5, STREAM, addressOf("::", 444)),
    fake.pass(6, STREAM, addressOf("0.0.0.0", 445)),
    fake.pass(7, STREAM, addressOf("::1", 446)),
  ];
  const passed = environment(sockets.map(() => "web").join(":"), sockets.length);
  const taken = take(fake, TCP, passed);
  assert.deepEqual(taken, {
    // The first that has one.
    port: 443,
    sockets: [
      { fd: 3, family: AF_UNIX, isWildcard: false },
      { fd: 4, family: AF_INET, isWildcard: false },
      { fd: 5, family: AF_INET6, isWildcard: true },
      { fd: 6, family: AF_INET, isWildcard: true },
      { fd: 7, family: AF_INET6, isWildcard: false },
    ],
  });
  assert.ok(fake.open.every(({ closesOnExec }) => closesOnExec));
});

Deno.test("a unix socket has no port", () => {
  const fake = new FakeShim();
  fake.pass(3, STREAM, encodeUnixAddress("/run/web.sock"));
  assert.equal(take(fake, TCP).port, 0);
});

Deno.test("a socket of the other kind: which fd, what it is, and what the unit needs", () => {
  const fake = new FakeShim();
  fake.pass(3, DATAGRAM_SOCKET, addressOf("0.0.0.0", 53));
  fake.pass(4, STREAM, addressOf("0.0.0.0", 53));
  fake.pass(5, SEQUENCED_PACKETS, encodeUnixAddress("/run/web.sock"));
  const both = environment("web:other", 2);
  assert.equal(
    refusal(fake, TCP, both),
    "fd 3 is a datagram socket, and protocol tcp needs ListenStream=",
  );
  assert.equal(
    refusal(fake, { ...TCP, protocol: "tls" }, both),
    "fd 3 is a datagram socket, and protocol tls needs ListenStream=",
  );
  assert.equal(
    refusal(fake, UDP, environment("other:web", 2)),
    "fd 4 is a stream socket, and protocol udp needs ListenDatagram=",
  );
  assert.match(refusal(fake, TCP, environment("a:b:web", 3)), /^fd 5 is a socket of another kind,/);
  assert.match(refusal(fake, TCP, environment("a:b:c:web", 4), EBADF), /^fd 6 is no socket, and /);
  const taken = take(fake, UDP, both);
  assert.deepEqual([taken.port, taken.sockets.length], [53, 1]);
});

Deno.test("datagrams of a unix socket come from nowhere that could be answered", () => {
  const fake = new FakeShim();
  fake.pass(3, DATAGRAM_SOCKET, encodeUnixAddress("/run/dns.sock"));
  assert.equal(
    refusal(fake, UDP, environment("web", 1)),
    "fd 3 is a datagram socket of no IP address, and protocol udp needs one with a port in " +
      "ListenDatagram=",
  );
});

/** What was set on the socket, as `level.option=value`. */
function optionsOf(fake: FakeShim): string[] {
  return fake.sockets[0].options.map(([level, option, value]) => `${level}.${option}=${value}`);
}

/** UDP_GRO, SO_RCVBUFFORCE, SO_SNDBUFFORCE. */
const GATHERED = "17.104=1";
const WIDENED = [`1.33=${DATAGRAM_SOCKET_BYTES}`, `1.32=${DATAGRAM_SOCKET_BYTES}`];

Deno.test("a UDP socket gets what answering takes: addresses, bursts, buffers", () => {
  const rows: [string, string[]][] = [
    ["0.0.0.0", ["0.8=1"]], // IP_PKTINFO
    ["::", ["41.49=1"]], // IPV6_RECVPKTINFO
    ["10.0.0.1", []],
  ];
  for (const [ip, told] of rows) {
    const fake = new FakeShim();
    fake.pass(3, DATAGRAM_SOCKET, addressOf(ip, 53));
    take(fake, UDP);
    assert.deepEqual(optionsOf(fake), [...told, GATHERED, ...WIDENED], ip);
  }
});

Deno.test("behind proxies datagrams come one by one, and buffers that are written are kept", () => {
  const fake = new FakeShim();
  fake.pass(3, DATAGRAM_SOCKET, addressOf("10.0.0.1", 53));
  const socket = { receive_buffer: 65_536, dscp: 46 };
  take(fake, { ...UDP, trustedProxies: ["10.0.0.0/8"], socket });
  assert.deepEqual(optionsOf(fake), ["1.8=65536", `0.1=${46 << 2}`, WIDENED[1]]);
});

Deno.test("a TCP socket gets the options of its listener, a unix socket those that it has", () => {
  const socket = { send_buffer: 8192, keepalive: 0, user_timeout: 5000 };
  const tcp = new FakeShim();
  tcp.pass(3, STREAM, addressOf("0.0.0.0", 443));
  take(tcp, { ...TCP, socket });
  assert.deepEqual(optionsOf(tcp), ["6.1=1", "1.9=0", "6.18=5000", "1.7=8192"]);
  const unix = new FakeShim();
  unix.pass(3, STREAM, encodeUnixAddress("/run/web.sock"));
  take(unix, { ...TCP, socket });
  assert.deepEqual(optionsOf(unix), ["1.7=8192"]);
});

Deno.test("an option that the kernel refuses: on which fd", () => {
  const fake = new FakeShim((step) => step === "option" ? -EPERM : 0);
  fake.pass(3, STREAM, addressOf("0.0.0.0", 443));
  assert.equal(
    refusal(fake, TCP, environment("web", 1), EPERM),
    "operation not permitted (EPERM); an option of the listener could not be set on fd 3; see " +
      "socket(7)",
  );
});

Deno.test("nothing passed: that it was not started by a socket unit", () => {
  assert.equal(
    refusal(new FakeShim(), TCP, {}),
    "nothing was passed by systemd (LISTEN_FDS is not set); start it by its socket unit, or bind " +
      "an address",
  );
});

Deno.test("passed to another process: to which, and how that comes", () => {
  assert.equal(
    refusal(new FakeShim(), TCP, environment("web", 1, 41)),
    "the sockets passed are for process 41, and this is 42; ExecStart= must run ringway itself, " +
      "not a shell or a task runner that starts it",
  );
});

Deno.test("passed under other names: which, and how to set one", () => {
  const setName = "set FileDescriptorName=web in the socket unit";
  assert.equal(
    refusal(new FakeShim(), TCP, environment("wbe:dns:wbe", 3)),
    `systemd passed "wbe", "dns"; bind one of them, or ${setName}`,
  );
  assert.equal(
    refusal(new FakeShim(), TCP, environment("wbe", 1)),
    `systemd passed "wbe"; bind that, or ${setName}`,
  );
  assert.equal(
    refusal(new FakeShim(), TCP, environment(undefined, 2)),
    `systemd passed sockets without names; ${setName}`,
  );
});
