import assert from "node:assert/strict";
import { EACCES, EMFILE, EPERM } from "../base/errno.ts";
import { parseConfig } from "../config/parse_config.ts";
import { BindError } from "./bind_error.ts";
import { FakeShim, type Step } from "./test_shim.ts";
import { checkTransparency } from "./transparency.ts";

const ENOPROTOOPT = 92;

function configOf(backend: string) {
  const text = `
listeners: { web: { bind: ":80", backend: app } }
backends: { app: { servers: ["10.0.0.1:1"], ${backend} } }
`;
  return parseConfig(text, "f", {}).config!;
}

/** The refusal of a transparent backend by a kernel that answers so to a step. */
function refusal(failing: Step, result: number): BindError {
  const fake = new FakeShim((step) => step === failing ? result : 0);
  try {
    checkTransparency(fake.shim, configOf("transparent: true"));
  } catch (failure) {
    assert.ok(failure instanceof BindError, String(failure));
    assert.deepEqual(fake.open, [], "nothing stays open");
    return failure;
  }
  assert.fail("it was allowed");
}

Deno.test("who may be transparent passes, and no socket stays open", () => {
  const fake = new FakeShim();
  checkTransparency(fake.shim, configOf("transparent: true"));
  assert.equal(fake.sockets.length, 1);
  // linux/in.h: IP_TRANSPARENT
  assert.deepEqual(fake.sockets[0].options, [[0, 19, 1]]);
  assert.deepEqual(fake.open, []);
});

Deno.test("without such a backend nothing is asked", () => {
  const fake = new FakeShim(() => -EPERM);
  checkTransparency(fake.shim, configOf(""));
  assert.deepEqual(fake.sockets, []);
});

Deno.test("without the privilege: which backend, and which privilege", () => {
  for (const errno of [EPERM, EACCES]) {
    const failure = refusal("option", -errno);
    assert.equal(failure.errno, errno);
    assert.match(failure.message, /^backend "app" has transparent: true: .*; grant CAP_NET_RAW or/);
  }
  assert.equal(
    refusal("option", -EPERM).message,
    'backend "app" has transparent: true: operation not permitted (EPERM); grant CAP_NET_RAW or ' +
      "CAP_NET_ADMIN (AmbientCapabilities= in the unit), or remove it from the backend",
  );
});

Deno.test("a kernel without transparent sockets is told from a missing privilege", () => {
  const failure = refusal("option", -ENOPROTOOPT);
  assert.match(failure.message, /this kernel has no transparent sockets/);
  assert.doesNotMatch(failure.message, /CAP_NET_ADMIN/);
});

Deno.test("no socket to ask with: that this has nothing to do with the backend", () => {
  const failure = refusal("socket", -EMFILE);
  assert.equal(failure.errno, EMFILE);
  assert.equal(failure.message, "cannot open a socket: too many open files (EMFILE)");
});
