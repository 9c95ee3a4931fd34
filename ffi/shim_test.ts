import assert from "node:assert/strict";
import { LAYOUT_ROWS, PAGE_BYTES } from "./layout.ts";
import { mapAnonymous, mapShared, openLibrary, openShim, readLayoutText } from "./shim.ts";

const EADDRINUSE = 98;
const EAFNOSUPPORT = 97;
const EBADF = 9;

const shim = openShim();

/** 127.0.0.1, port 0. */
const ANY_PORT = Uint8Array.of(2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);

const AF_INET = 2;
const STREAM = 1;
const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;

/** A socket that listens, or a negated error number. */
function listen(address: Uint8Array, exclusive: boolean): number {
  const { library } = shim;
  const fd = library.rw_socket(AF_INET, STREAM);
  if (!exclusive) assert.equal(library.rw_set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1), 0);
  shim.scratch.set(address);
  const bound = library.rw_bind(fd, address.length);
  if (bound < 0) library.rw_close(fd);
  return bound < 0 ? bound : library.rw_listen(fd, 8) < 0 ? -1 : fd;
}

Deno.test("the library reports the layout that this program was generated with", () => {
  assert.deepEqual(readLayoutText(openLibrary()).trimEnd().split("\n"), LAYOUT_ROWS);
});

Deno.test("a library that is not there is an error that says how to build it", () => {
  assert.throws(() => openLibrary("/nowhere/libringway.so"), /run "deno task setup" to build it/);
});

Deno.test("this machine has io_uring as it is needed", () => {
  assert.ok(shim.library.rw_probe() >= 0);
});

Deno.test("anonymous memory is zeroed; large pieces begin at a multiple of 2 MiB", () => {
  const small = mapAnonymous(shim, 100);
  assert.equal(small.buffer.byteLength, PAGE_BYTES);
  assert.ok(new Uint8Array(small.buffer).every((byte) => byte === 0));
  const large = mapAnonymous(shim, 3 << 20);
  assert.equal(large.address % BigInt(2 << 20), 0n);
  new Uint8Array(large.buffer).fill(1);
});

Deno.test("shared memory is the same through every mapping", () => {
  const fd = shim.library.rw_shared_create(2);
  assert.ok(fd >= 0);
  const [one, other] = [0, 1].map(() => new Float64Array(mapShared(shim, fd, 5000).buffer));
  one[900] = 42.5;
  assert.equal(other[900], 42.5);
  shim.library.rw_close(fd);
});

Deno.test("two sockets share a port as a group, but not with one that is exclusive", () => {
  const first = listen(ANY_PORT, false);
  assert.ok(first >= 0);
  const length = shim.library.rw_socket_name(first);
  const bound = shim.scratch.slice(0, length);
  const second = listen(bound, false);
  assert.ok(second >= 0);
  assert.equal(listen(bound, true), -EADDRINUSE);
  shim.library.rw_close(first);
  shim.library.rw_close(second);
});

Deno.test("failures are negated error numbers", () => {
  assert.equal(shim.library.rw_close(-1), -EBADF);
  assert.equal(shim.library.rw_socket(9999, STREAM), -EAFNOSUPPORT);
  assert.equal(shim.library.rw_shutdown_write(-1), -EBADF);
});

Deno.test("the affinity mask names at least one CPU", () => {
  const bytes = shim.library.rw_affinity();
  assert.ok(bytes > 0);
  assert.ok(shim.scratch.subarray(0, bytes).some((byte) => byte !== 0));
});

Deno.test("the limit of open files is raised to what is allowed", () => {
  const raised = shim.library.rw_fd_limit_raise();
  assert.ok(raised >= 256);
  assert.equal(shim.library.rw_fd_limit_raise(), raised);
});
