import assert from "node:assert/strict";
import { type Shim } from "../../ffi/shim.ts";
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, EMFILE } from "../base/errno.ts";
import { parseIp } from "../net/address.ts";
import { AF_INET, AF_INET6, encodeSocketAddress, portOf } from "../net/socket_address.ts";
import { BindError, type BindRequest, openListeningSockets } from "./listening_sockets.ts";

const PICKED_PORT = 40_001;

interface Call {
  readonly family: number;
  readonly port: number;
  readonly exclusive: boolean;
}

/** A shim whose sockets are numbers; `answer` may refuse one with a negated errno. */
class FakeShim {
  readonly calls: Call[] = [];
  readonly open = new Set<number>();
  readonly scratch = new Uint8Array(256);
  #lastFd = 100;

  constructor(readonly answer: (call: Call, index: number) => number = () => 0) {}

  get shim(): Shim {
    const library = {
      rw_listen: (_bytes: number, _backlog: number, exclusive: number) => {
        const family = this.scratch[0];
        const call = { family, port: portOf(this.scratch), exclusive: exclusive === 1 };
        this.calls.push(call);
        const refused = this.answer(call, this.calls.length - 1);
        if (refused < 0) return refused;
        this.open.add(++this.#lastFd);
        return this.#lastFd;
      },
      rw_socket_name: () => {
        this.scratch.set(encodeSocketAddress(parseIp("127.0.0.1")!, PICKED_PORT));
        return 16;
      },
      rw_close: (fd: number) => {
        assert.ok(this.open.delete(fd), "what is closed was open");
        return 0;
      },
    };
    return { library, scratch: this.scratch } as unknown as Shim;
  }
}

function requestOf(text: string, ip: string, port: number): BindRequest {
  return { name: "web", text, ip: parseIp(ip)!, port };
}

const LOCAL = requestOf("127.0.0.1:8080", "127.0.0.1", 8080);

function refusal(fake: FakeShim, request: BindRequest, workers = 2): BindError {
  try {
    openListeningSockets(fake.shim, request, workers);
  } catch (failure) {
    assert.ok(failure instanceof BindError, String(failure));
    assert.equal(fake.open.size, 0, "nothing stays bound");
    return failure;
  }
  assert.fail("it was bound");
}

Deno.test("each worker gets a socket of the group, after the address was tried alone", () => {
  const fake = new FakeShim();
  const sockets = openListeningSockets(fake.shim, LOCAL, 3);
  assert.equal(sockets.port, 8080);
  assert.deepEqual(fake.calls.map(({ exclusive }) => exclusive), [true, false, false, false]);
  // The trial is closed again.
  assert.deepEqual([...fake.open], [...sockets.fds]);
  assert.equal(sockets.fds.length, 3);
});

Deno.test("port 0: the kernel picks one, and all workers get that", () => {
  const fake = new FakeShim();
  const sockets = openListeningSockets(fake.shim, requestOf(":0", "::", 0), 3);
  assert.equal(sockets.port, PICKED_PORT);
  const group = fake.calls.filter(({ exclusive }) => !exclusive).map(({ port }) => port);
  assert.deepEqual(group, [0, PICKED_PORT, PICKED_PORT]);
});

Deno.test("a port that is in use: which, by whom to find out, and what to do", () => {
  const failure = refusal(new FakeShim(() => -EADDRINUSE), LOCAL);
  assert.equal(failure.errno, EADDRINUSE);
  assert.equal(
    failure.message,
    'cannot bind "127.0.0.1:8080" of listener "web": address already in use (EADDRINUSE); ' +
      'another program listens on port 8080 (see "ss -ltnp"); stop it, or bind another port',
  );
});

Deno.test("a port that needs a capability", () => {
  const request = requestOf("0.0.0.0:443", "0.0.0.0", 443);
  assert.match(
    refusal(new FakeShim(() => -EACCES), request).message,
    /permission denied \(EACCES\); grant CAP_NET_BIND_SERVICE or use a port >= 1024$/,
  );
  // Above 1024 that is no remedy.
  assert.match(refusal(new FakeShim(() => -EACCES), LOCAL).message, /SELinux/);
});

Deno.test("an address that no interface has, and a link-local one", () => {
  assert.match(
    refusal(new FakeShim(() => -EADDRNOTAVAIL), LOCAL).message,
    /no interface of this machine has the address .*; bind ":8080" for all of them$/,
  );
  const linkLocal = requestOf("[fe80::1]:80", "fe80::1", 80);
  assert.match(refusal(new FakeShim(() => -EINVAL), linkLocal).message, /link-local address/);
});

Deno.test("no file descriptors left: those of the group that are open are closed again", () => {
  const fake = new FakeShim((_, index) => index === 2 ? -EMFILE : 0);
  assert.match(refusal(fake, LOCAL, 4).message, /raise the limit of open files/);
});

Deno.test("an error without a remedy of ours says where to read", () => {
  assert.match(refusal(new FakeShim(() => -999), LOCAL).message, /errno 999; see ip\(7\)/);
});

function withoutIpv6({ family }: Call): number {
  return family === AF_INET6 ? -EAFNOSUPPORT : 0;
}

Deno.test('":PORT" on a machine without IPv6 is every IPv4 address', () => {
  const fake = new FakeShim(withoutIpv6);
  openListeningSockets(fake.shim, requestOf(":8080", "::", 8080), 2);
  const families = fake.calls.map(({ family }) => family);
  assert.deepEqual(families, [AF_INET6, AF_INET, AF_INET, AF_INET]);
});

Deno.test("an IPv6 address on a machine without IPv6 is an error", () => {
  const failure = refusal(new FakeShim(withoutIpv6), requestOf("[::]:8080", "::", 8080));
  assert.match(failure.message, /IPv6 is switched off in this kernel; bind an IPv4 address$/);
});
