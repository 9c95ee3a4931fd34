import assert from "node:assert/strict";
import { EAGAIN, ECANCELED, ECONNREFUSED, ECONNRESET, ENOBUFS } from "../base/errno.ts";
import { bufferCapacity, bufferOffset } from "../buffer/buffer_pool.ts";
import { FAST_BUFFERS_MAX, RECEIVE_ALLOWANCE_BYTES, SUBMISSIONS_MAX } from "../limits.ts";
import { AF_INET, encodeSocketAddress, portOf } from "../net/socket_address.ts";
import { openShim } from "../../ffi/shim.ts";
import { KernelRing } from "./kernel_ring.ts";
import {
  ACCEPT,
  ADDRESS_SLOT_BYTES,
  CONNECT,
  FAST_LANE,
  GATED_LANE,
  RECEIVE,
  SEND,
  WRITABLE,
} from "./ring.ts";

/** A process has one ring, so all tests of this file share it. */
const shim = openShim();
const ring = new KernelRing(4);
const TURNS_MAX = 200;

interface Seen {
  readonly kind: number;
  readonly index: number;
  readonly generation: number;
  readonly result: number;
  readonly more: boolean;
  readonly buffer: number;
}

/** Turns until `count` completions were seen; fails when they do not come. */
function collect(count: number): Seen[] {
  const seen: Seen[] = [];
  for (let turn = 0; turn < TURNS_MAX && seen.length < count; turn++) {
    ring.turn(50);
    while (ring.next()) {
      const { kind, index, generation, result, more, buffer } = ring;
      seen.push({ kind, index, generation, result, more, buffer });
    }
  }
  assert.equal(seen.length, count, JSON.stringify(seen));
  return seen;
}

/** Submits, and expects no completion at once. */
function expectSilence(): void {
  ring.turn(0);
  assert.equal(ring.next(), false);
}

function listen(): { fd: number; port: number } {
  const address = encodeSocketAddress(Uint8Array.of(127, 0, 0, 1), 0);
  shim.scratch.set(address);
  const fd = shim.library.rw_listen(address.length, 16, 1);
  assert.ok(fd >= 0, `listen: ${fd}`);
  shim.library.rw_socket_name(fd);
  return { fd, port: portOf(shim.scratch) };
}

function startConnect(port: number): number {
  const fd = ring.openSocket(AF_INET);
  assert.ok(fd >= 0);
  ring.addresses.set(encodeSocketAddress(Uint8Array.of(127, 0, 0, 1), port), ADDRESS_SLOT_BYTES);
  ring.connect(fd, 1, CONNECT, 7, 3);
  return fd;
}

/** Both ends of a connection over loopback. */
function connectPair(): [near: number, far: number] {
  const listener = listen();
  ring.accept(listener.fd, 0, ACCEPT, 0, 0);
  const near = startConnect(listener.port);
  const seen = collect(2);
  const far = seen.find(({ kind }) => kind === ACCEPT)!.result;
  assert.ok(far >= 0);
  shim.library.rw_close(listener.fd);
  return [near, far];
}

function write(buffer: number, bytes: Uint8Array): void {
  ring.slab.set(bytes, bufferOffset(buffer));
}

function read(buffer: number, count: number): Uint8Array {
  return ring.slab.slice(bufferOffset(buffer), bufferOffset(buffer) + count);
}

function closeAll(...fds: number[]): void {
  for (const fd of fds) ring.close(fd);
  ring.turn(0);
}

/** Far from the buffers that tests offer. */
const SPARE = 100;
/** Fits a socket's buffer. */
const PIECE_BYTES = 32 * 1024;
const FIRST_GATED = FAST_BUFFERS_MAX;

Deno.test("a turn without news waits as long as asked, and the clock goes on", () => {
  ring.turn(0);
  const before = ring.nowMs;
  assert.equal(ring.turn(20), 0);
  assert.ok(ring.nowMs - before >= 19, `${ring.nowMs - before}`);
});

Deno.test("an accept brings the peer's address; a connect names its operation", () => {
  const listener = listen();
  ring.accept(listener.fd, 2, ACCEPT, 2, 0);
  const near = startConnect(listener.port);
  const seen = collect(2);
  const connected = seen.find(({ kind }) => kind === CONNECT)!;
  assert.deepEqual([connected.index, connected.generation, connected.result], [7, 3, 0]);
  const slot = ring.addresses.subarray(2 * ADDRESS_SLOT_BYTES);
  assert.equal(slot[0], AF_INET);
  assert.deepEqual([...slot.subarray(4, 8)], [127, 0, 0, 1]);
  shim.library.rw_socket_name(near);
  assert.equal(portOf(slot), portOf(shim.scratch));
  closeAll(near, seen.find(({ kind }) => kind === ACCEPT)!.result, listener.fd);
});

Deno.test("a connect that nobody answers to is refused", () => {
  const listener = listen();
  shim.library.rw_close(listener.fd);
  const fd = startConnect(listener.port);
  assert.equal(collect(1)[0].result, -ECONNREFUSED);
  closeAll(fd);
});

Deno.test("a receive that finds its lane dry says so", () => {
  const [near, far] = connectPair();
  write(SPARE, Uint8Array.of(1));
  ring.sendNow(far, SPARE, 0, 1, SEND, 0, 0);
  ring.receive(near, GATED_LANE, RECEIVE, 5, 1);
  assert.equal(collect(1)[0].result, -ENOBUFS);
  closeAll(near, far);
});

Deno.test("what is sent at once has no completion, and arrives in an offered buffer", () => {
  const [near, far] = connectPair();
  // One for the bytes, and one more: even an end is only seen by who has a buffer.
  ring.offerBuffer(FAST_LANE, 0);
  ring.offerBuffer(FAST_LANE, 1);
  ring.receive(near, FAST_LANE, RECEIVE, 5, 1);
  expectSilence();
  write(SPARE, new TextEncoder().encode("-hello-"));
  ring.sendNow(far, SPARE, 1, 5, SEND, 9, 2);
  const [seen] = collect(1);
  assert.deepEqual([seen.kind, seen.index, seen.generation, seen.result], [RECEIVE, 5, 1, 5]);
  assert.equal(seen.buffer, 0);
  assert.equal(new TextDecoder().decode(read(seen.buffer, 5)), "hello");
  ring.shutdownWrite(far);
  assert.equal(seen.more, ring.multishot);
  if (!ring.multishot) ring.receive(near, FAST_LANE, RECEIVE, 5, 1);
  const [end] = collect(1);
  assert.deepEqual([end.result, end.more], [0, false]);
  closeAll(near, far);
});

Deno.test("a multishot receive ends when its allowance is used up", () => {
  if (!ring.multishot) return; // this kernel has none: receives are single
  const [near, far] = connectPair();
  ring.receive(near, FAST_LANE, RECEIVE, 5, 1);
  let received = 0;
  let buffer = 0;
  for (let round = 0; round < 100; round++) {
    ring.offerBuffer(FAST_LANE, buffer);
    ring.sendNow(far, SPARE, 0, PIECE_BYTES, SEND, 9, 2);
    ring.turn(50);
    let over = false;
    while (ring.next()) {
      if (ring.kind !== RECEIVE) continue;
      received += ring.result;
      buffer = ring.buffer;
      over = !ring.more;
    }
    if (over) break;
  }
  assert.ok(received >= RECEIVE_ALLOWANCE_BYTES, `${received}`);
  assert.ok(received <= RECEIVE_ALLOWANCE_BYTES + bufferCapacity(0), `${received}`);
  closeAll(near, far);
});

Deno.test("a full socket takes a part, then nothing; a send that waits gets through", () => {
  const [near, far] = connectPair();
  const bytes = bufferCapacity(SPARE);
  let short: Seen | undefined;
  for (let i = 0; i < 400 && short === undefined; i++) {
    ring.sendNow(far, SPARE, 0, bytes, SEND, 9, 2);
    ring.turn(0);
    if (ring.next()) short = { ...ring, kind: ring.kind, result: ring.result } as unknown as Seen;
  }
  assert.equal(short?.kind, SEND);
  assert.ok(short!.result < bytes && (short!.result > 0 || short!.result === -EAGAIN));
  ring.sendNow(far, SPARE, 0, bytes, SEND, 9, 2);
  assert.equal(collect(1)[0].result, -EAGAIN);
  ring.pollWritable(far, WRITABLE, 4, 4);
  ring.send(far, SPARE, 0, bytes, SEND, 8, 2);
  expectSilence();
  const seen: Seen[] = [];
  ring.offerBuffer(GATED_LANE, FIRST_GATED);
  for (let turn = 0; turn < 4000 && seen.length < 2; turn++) {
    ring.receive(near, GATED_LANE, RECEIVE, 5, 1);
    for (const each of collectSome()) {
      if (each.kind === RECEIVE) {
        ring.offerBuffer(GATED_LANE, each.buffer);
        assert.equal(ring.discard(near, each.result), each.result);
      } else seen.push(each);
    }
  }
  const sent = seen.find(({ kind }) => kind === SEND)!;
  assert.deepEqual([sent.index, sent.result], [8, bytes]);
  assert.ok(seen.some(({ kind, index }) => kind === WRITABLE && index === 4));
  closeAll(near, far);
});

/** What one turn brings; at least one completion. */
function collectSome(): Seen[] {
  const seen: Seen[] = [];
  for (let turn = 0; turn < TURNS_MAX && seen.length === 0; turn++) {
    ring.turn(50);
    while (ring.next()) {
      const { kind, index, generation, result, more, buffer } = ring;
      seen.push({ kind, index, generation, result, more, buffer });
    }
  }
  return seen;
}

Deno.test("a gated receive only looks; what is discarded is not seen again", () => {
  const [near, far] = connectPair();
  write(SPARE, new TextEncoder().encode("hello"));
  ring.sendNow(far, SPARE, 0, 5, SEND, 9, 2);
  const texts: string[] = [];
  for (const discard of [0, 2, 3]) {
    ring.offerBuffer(GATED_LANE, FIRST_GATED + 1);
    ring.receive(near, GATED_LANE, RECEIVE, 5, 1);
    const [seen] = collect(1);
    texts.push(new TextDecoder().decode(read(seen.buffer, seen.result)));
    assert.equal(ring.discard(near, discard), discard);
  }
  assert.deepEqual(texts, ["hello", "hello", "llo"]);
  assert.equal(ring.discard(near, 1), 0);
  closeAll(near, far);
});

Deno.test("connections that wait at a listener are taken at once, with their address", () => {
  const listener = listen();
  assert.equal(ring.acceptNow(listener.fd, 2), -EAGAIN);
  const near = startConnect(listener.port);
  assert.equal(collect(1)[0].result, 0);
  const far = ring.acceptNow(listener.fd, 2);
  assert.ok(far >= 0);
  shim.library.rw_socket_name(near);
  assert.equal(portOf(ring.addresses.subarray(2 * ADDRESS_SLOT_BYTES)), portOf(shim.scratch));
  ring.closeNow(listener.fd);
  closeAll(near, far);
});

Deno.test("a close that resets is seen as a reset", () => {
  const [near, far] = connectPair();
  ring.receive(near, GATED_LANE, RECEIVE, 5, 1);
  expectSilence();
  ring.resetOnClose(far);
  ring.close(far);
  assert.equal(collect(1)[0].result, -ECONNRESET);
  closeAll(near);
});

Deno.test("a cancelled operation completes as cancelled, one or all of an fd", () => {
  const [near, far] = connectPair();
  ring.receive(near, GATED_LANE, RECEIVE, 5, 1);
  ring.receive(far, GATED_LANE, RECEIVE, 6, 1);
  expectSilence();
  ring.cancel(RECEIVE, 5, 1);
  const [first] = collect(1);
  assert.deepEqual([first.index, first.result], [5, -ECANCELED]);
  ring.cancelAll(far);
  const [second] = collect(1);
  assert.deepEqual([second.index, second.result], [6, -ECANCELED]);
  closeAll(near, far);
});

Deno.test("more operations than the submission queue holds are handed over early", () => {
  const [near, far] = connectPair();
  const count = SUBMISSIONS_MAX * 2 + 5;
  for (let i = 0; i < count; i++) ring.pollWritable(near, WRITABLE, i, 0);
  const seen = collect(count);
  assert.equal(new Set(seen.map(({ index }) => index)).size, count);
  closeAll(near, far);
});

Deno.test("more completions than the completion queue holds are all seen in one turn", () => {
  const [near, far] = connectPair();
  const count = SUBMISSIONS_MAX * 8 + 1000;
  const before = ring.overflowCount;
  for (let i = 0; i < count; i++) ring.pollWritable(near, WRITABLE, i, 0);
  ring.turn(50);
  const seen = new Set<number>();
  while (ring.next()) seen.add(ring.index);
  assert.equal(seen.size, count);
  assert.ok(ring.overflowCount > before, "the queue was too small for them");
  closeAll(near, far);
});
