import assert from "node:assert/strict";
import { EINVAL } from "../base/errno.ts";
import { AF_INET, AF_INET6, AF_UNIX, encodeUnixAddress } from "../net/socket_address.ts";
import { DATAGRAM_SOCKET, STREAM } from "../ring/ring.ts";
import { BindError } from "./bind_error.ts";
import { findPassedFds, takePassedSockets } from "./systemd_sockets.ts";
import { addressOf, FakeShim } from "./test_shim.ts";

const PID = 42;

function environment(names: string | undefined, count: number, pid = PID) {
  return { LISTEN_PID: String(pid), LISTEN_FDS: String(count), LISTEN_FDNAMES: names };
}

const WEB = { name: "web", text: "systemd:web" };

function refusal(fake: FakeShim, isUdp: boolean, passed: Record<string, string | undefined>) {
  try {
    takePassedSockets(fake.shim, "outer", WEB, isUdp, passed, PID);
  } catch (failure) {
    assert.ok(failure instanceof BindError, String(failure));
    assert.equal(failure.errno, EINVAL);
    const start = 'cannot bind "systemd:web" of listener "outer": invalid argument (EINVAL); ';
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
  const taken = takePassedSockets(fake.shim, "outer", WEB, false, passed, PID);
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
  assert.equal(
    takePassedSockets(fake.shim, "outer", WEB, false, environment("web", 1), PID).port,
    0,
  );
});

Deno.test("a socket of the other kind: which fd, and what the unit needs", () => {
  const fake = new FakeShim();
  fake.pass(3, DATAGRAM_SOCKET, addressOf("0.0.0.0", 53));
  fake.pass(4, STREAM, addressOf("0.0.0.0", 53));
  const both = environment("web:other", 2);
  assert.match(refusal(fake, false, both), /^fd 3 is no socket of that kind.*ListenStream=$/);
  const other = environment("other:web", 2);
  assert.match(refusal(fake, true, other), /^fd 4 is no socket of that kind.*ListenDatagram=$/);
  const taken = takePassedSockets(fake.shim, "outer", WEB, true, both, PID);
  assert.deepEqual([taken.port, taken.sockets.length], [53, 1]);
});

Deno.test("nothing passed: that it was not started by a socket unit", () => {
  assert.equal(
    refusal(new FakeShim(), false, {}),
    "nothing was passed by systemd (LISTEN_FDS is not set); start it by its socket unit",
  );
});

Deno.test("passed to another process: to which, and how that comes", () => {
  assert.equal(
    refusal(new FakeShim(), false, environment("web", 1, 41)),
    "the sockets passed are for process 41, and this is 42; let the unit start ringway itself, " +
      "without a shell in between",
  );
});

Deno.test("passed under other names: which, and how to set one", () => {
  assert.equal(
    refusal(new FakeShim(), false, environment("wbe:dns", 2)),
    'systemd passed only "wbe:dns"; set FileDescriptorName= in the socket unit',
  );
  assert.equal(
    refusal(new FakeShim(), false, environment(undefined, 2)),
    "systemd passed sockets without names; set FileDescriptorName= in the socket unit",
  );
});
