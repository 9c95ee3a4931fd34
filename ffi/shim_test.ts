import assert from "node:assert/strict";
import { LAYOUT_ROWS, PAGE_BYTES } from "./layout.ts";
import { mapAnonymous, mapShared, openLibrary, openShim, readLayoutText } from "./shim.ts";

const EADDRINUSE = 98;
const EAFNOSUPPORT = 97;
const EBADF = 9;

const shim = openShim();

/** 127.0.0.1, port 0. */
const ANY_PORT = Uint8Array.of(2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);

const AF_UNIX = 1;
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
  assert.ok(shim.library.rw_probe(512, 4) >= 0);
});

Deno.test("anonymous memory is zeroed; large pieces begin at a multiple of 2 MiB", () => {
  const small = mapAnonymous(shim, 100);
  assert.equal(small.buffer.byteLength, PAGE_BYTES);
  assert.ok(new Uint8Array(small.buffer).every((byte) => byte === 0));
  const large = mapAnonymous(shim, 3 << 20);
  assert.equal(large.address % (2 << 20), 0);
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

// ---- Whether a peer has ended ---------------------------------------------------------------

const OPEN = 0;
/** Bytes that it sent before its end are unread. */
const ENDED = 1;
/** Nothing more will come of it. */
const GONE = 2;

interface Pair {
  readonly fd: number;
  readonly peer: Deno.Conn;
}

/** Our end of a connection over loopback, as an fd, and the peer's. */
async function connectPair(): Promise<Pair> {
  const { library, scratch } = shim;
  const listening = listen(ANY_PORT, true);
  assert.ok(listening >= 0);
  library.rw_socket_name(listening);
  const port = scratch[2] << 8 | scratch[3];
  const peer = await Deno.connect({ hostname: "127.0.0.1", port });
  const fd = library.rw_accept(listening);
  assert.ok(fd >= 0);
  library.rw_close(listening);
  return { fd, peer };
}

/** Has our end send what the peer will not read, so that its close is a reset. */
function sendUnread({ fd }: Pair): void {
  shim.scratch.set([1, 2, 3]);
  assert.equal(shim.library.rw_send(fd, 3), 3);
}

Deno.test("a peer that may still send has not ended, whether it has sent or not", async () => {
  const { fd, peer } = await connectPair();
  assert.equal(shim.library.rw_peer_ended(fd), OPEN);
  await peer.write(Uint8Array.of(1, 2, 3));
  assert.equal(shim.library.rw_peer_ended(fd), OPEN);
  peer.close();
  shim.library.rw_close(fd);
});

Deno.test("a peer has ended its half as long as bytes before that are unread", async () => {
  const { fd, peer } = await connectPair();
  await peer.write(Uint8Array.of(1, 2, 3));
  peer.close();
  assert.equal(shim.library.rw_peer_ended(fd), ENDED);
  assert.equal(shim.library.rw_discard(fd, 2), 2);
  assert.equal(shim.library.rw_peer_ended(fd), ENDED);
  assert.equal(shim.library.rw_discard(fd, 1), 1);
  assert.equal(shim.library.rw_peer_ended(fd), GONE);
  shim.library.rw_close(fd);
});

Deno.test("of a peer that ended with nothing unread nothing more will come", async () => {
  const { fd, peer } = await connectPair();
  await peer.closeWrite();
  assert.equal(shim.library.rw_peer_ended(fd), GONE, "though it may still read");
  peer.close();
  shim.library.rw_close(fd);
});

Deno.test("a peer that has reset is gone", async () => {
  const pair = await connectPair();
  sendUnread(pair);
  pair.peer.close();
  assert.equal(shim.library.rw_peer_ended(pair.fd), GONE);
  shim.library.rw_close(pair.fd);
});

Deno.test("a peer of a unix socket that has closed it is gone, whatever it has sent", async () => {
  const { library, scratch } = shim;
  const path = await Deno.makeTempFile();
  await Deno.remove(path);
  const address = Uint8Array.of(AF_UNIX, 0, ...new TextEncoder().encode(path), 0);
  const listening = library.rw_socket(AF_UNIX, STREAM);
  scratch.set(address);
  assert.equal(library.rw_bind(listening, address.length), 0);
  assert.equal(library.rw_listen(listening, 1), 0);
  const peer = await Deno.connect({ transport: "unix", path });
  const fd = library.rw_accept(listening);
  assert.equal(library.rw_peer_ended(fd), OPEN);
  await peer.write(Uint8Array.of(7));
  await peer.closeWrite();
  assert.equal(library.rw_peer_ended(fd), ENDED, "it may still want an answer");
  peer.close();
  assert.equal(library.rw_peer_ended(fd), GONE);
  for (const each of [fd, listening]) library.rw_close(each);
  await Deno.remove(path);
});

Deno.test("what is no socket has no peer", () => {
  assert.equal(shim.library.rw_peer_ended(9999), -EBADF);
});
