import assert from "node:assert/strict";
import { EACCES, EADDRINUSE, EAFNOSUPPORT, EINVAL, EMFILE, ENOBUFS, EPERM } from "../base/errno.ts";
import { BindError, bindError, bindRefusal, remedyFor } from "./bind_error.ts";

Deno.test("a refusal names address, listener, cause and remedy, and keeps its number", () => {
  const failure = bindError("web", "127.0.0.1:8080", EADDRINUSE, "stop it");
  assert.ok(failure instanceof BindError && failure instanceof Error);
  assert.equal(failure.name, "BindError");
  assert.equal(failure.errno, EADDRINUSE);
  assert.equal(
    failure.message,
    'cannot bind "127.0.0.1:8080" of listener "web": address already in use (EADDRINUSE); stop it',
  );
});

Deno.test("what we refuse ourselves is told without an error of the kernel", () => {
  const failure = bindRefusal("web", "systemd:web", EINVAL, "there is none");
  assert.ok(failure instanceof BindError);
  assert.equal(failure.errno, EINVAL);
  assert.equal(failure.message, 'cannot bind "systemd:web" of listener "web": there is none');
});

Deno.test("a port in use: which, the tool that lists its owner, and what to do", () => {
  assert.equal(
    remedyFor(EADDRINUSE, 8080, false),
    'another program listens on port 8080 (see "ss -lntp"); stop it, or bind another port',
  );
  assert.equal(
    remedyFor(EADDRINUSE, 53, true),
    'another program has port 53 (see "ss -anup"); stop it, or bind another port',
  );
});

Deno.test("a port that needs a capability; above 1024 that is no remedy", () => {
  for (const errno of [EACCES, EPERM]) {
    assert.equal(
      remedyFor(errno, 443, false),
      "grant CAP_NET_BIND_SERVICE (AmbientCapabilities= in the unit) or use a port >= 1024",
    );
    assert.match(remedyFor(errno, 1024, false), /SELinux/);
  }
});

Deno.test("IPv6 switched off, a link-local address, no files left: what each needs", () => {
  assert.match(remedyFor(EAFNOSUPPORT, 80, false), /IPv6 is switched off.*bind an IPv4 address$/);
  assert.match(remedyFor(EINVAL, 80, false), /link-local address/);
  assert.match(remedyFor(EMFILE, 80, false), /raise the limit of open files/);
});

Deno.test("an error without a remedy of ours says where to read", () => {
  assert.match(remedyFor(ENOBUFS, 80, false), /^see ip\(7\)/);
});
