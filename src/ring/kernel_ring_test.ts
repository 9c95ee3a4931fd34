import assert from "node:assert/strict";
import { EAGAIN, ECANCELED, ECONNREFUSED, ECONNRESET, ENOBUFS } from "../base/errno.ts";
import { bufferCapacity, bufferOffset } from "../buffer/buffer_pool.ts";
import {
  FAST_BUFFERS_MAX,
  GATED_BUFFERS_MAX,
  RECEIVE_ALLOWANCE_BYTES,
  SUBMISSIONS_MAX,
} from "../limits.ts";
import { formatIpWords, parseIpWords } from "../net/ip_words.ts";
import { AF_INET, AF_INET6, encodeSocketAddress, portOf } from "../net/socket_address.ts";
import { openShim } from "../../ffi/shim.ts";
import { KernelRing } from "./kernel_ring.ts";
import {
  ACCEPT,
  ADDRESS_SLOT_BYTES,
  CONNECT,
  DATAGRAM,
  DATAGRAM_LANE,
  DATAGRAM_SOCKET,
  FAST_LANE,
  FORWARDED,
  GATED_LANE,
  PEER_ENDED,
  PEER_GONE,
  RECEIVE,
  REPLIED,
  REPLY,
  SEGMENTS,
  SEND,
  STREAM,
  WRITABLE,
} from "./ring.ts";

/** A process has one ring, so all tests of this file share it. */
const shim = openShim();
const ring = new KernelRing(4);
const TURNS_MAX = 200;

type Seen = Pick<
  KernelRing,
  "kind" | "index" | "generation" | "result" | "more" | "buffer" | "payloadAt" | "segmentBytes"
>;

/** Of the datagrams seen. */
const envelopes: { client: string; port: number; local: string }[] = [];

function readEnvelope() {
  const words = new Int32Array(8);
  const port = ring.readEnvelope(words, 0);
  return { client: formatIpWords(words, 0), port, local: formatIpWords(words, 4) };
}

/** Turns until `count` completions were seen; fails when they do not come. */
function collect(count: number): Seen[] {
  const seen: Seen[] = [];
  for (let turn = 0; turn < TURNS_MAX && seen.length < count; turn++) {
    ring.turn(50);
    while (ring.next()) {
      const { kind, index, generation, result, more, buffer, payloadAt, segmentBytes } = ring;
      seen.push({ kind, index, generation, result, more, buffer, payloadAt, segmentBytes });
      if (kind === DATAGRAM && buffer >= 0) envelopes.push(readEnvelope());
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
  const fd = shim.library.rw_socket(AF_INET, STREAM);
  assert.ok(fd >= 0, `socket: ${fd}`);
  shim.scratch.set(address);
  assert.equal(shim.library.rw_bind(fd, address.length), 0);
  assert.equal(shim.library.rw_listen(fd, 16), 0);
  shim.library.rw_socket_name(fd);
  return { fd, port: portOf(shim.scratch) };
}

function startConnect(port: number): number {
  const fd = ring.openSocket(AF_INET, STREAM);
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
      const { kind, index, generation, result, more, buffer, payloadAt, segmentBytes } = ring;
      seen.push({ kind, index, generation, result, more, buffer, payloadAt, segmentBytes });
      if (kind === DATAGRAM && buffer >= 0) envelopes.push(readEnvelope());
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

Deno.test("whether a peer has ended is told at once; what is closed has none", () => {
  const [near, far] = connectPair();
  assert.deepEqual([ring.peerEnded(near), ring.peerEnded(9999)], [0, PEER_GONE]);
  shim.scratch.set([1]);
  assert.equal(shim.library.rw_send(far, 1), 1);
  ring.shutdownWrite(far);
  assert.deepEqual([ring.peerEnded(near), ring.peerEnded(far)], [PEER_ENDED, 0]);
  assert.equal(ring.discard(near, 1), 1);
  assert.equal(ring.peerEnded(near), PEER_GONE);
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

// ---- Datagrams ------------------------------------------------------------------------------

const FIRST_DATAGRAM = FAST_BUFFERS_MAX + GATED_BUFFERS_MAX;
const SOL_UDP = 17;
const UDP_GRO = 104;
const SOL_IPV6 = 41;
const IPV6_RECVPKTINFO = 49;
const LOOPBACK = encodeSocketAddress(Uint8Array.of(127, 0, 0, 1), 0);

/** A bound datagram socket; `dual` is every address, and told which. */
function bindDatagrams(dual = false): { fd: number; port: number } {
  const fd = ring.openSocket(dual ? AF_INET6 : AF_INET, DATAGRAM_SOCKET);
  if (dual) assert.equal(ring.setOption(fd, SOL_IPV6, IPV6_RECVPKTINFO, 1), 0);
  const address = dual ? encodeSocketAddress(new Uint8Array(16), 0) : LOOPBACK;
  shim.scratch.set(address);
  assert.equal(shim.library.rw_bind(fd, address.length), 0);
  shim.library.rw_socket_name(fd);
  return { fd, port: portOf(shim.scratch) };
}

function connectDatagrams(port: number): number {
  const fd = ring.openSocket(AF_INET, DATAGRAM_SOCKET);
  ring.addresses.set(encodeSocketAddress(Uint8Array.of(127, 0, 0, 1), port), ADDRESS_SLOT_BYTES);
  assert.equal(ring.connectNow(fd, 1), 0);
  return fd;
}

let offeredDatagrams = 0;

/** Others each time: what a test before this one left offered is still with the kernel. */
function offerDatagrams(count: number): void {
  for (let i = 0; i < count; i++) {
    ring.offerBuffer(DATAGRAM_LANE, FIRST_DATAGRAM + offeredDatagrams++);
  }
}

Deno.test("datagrams come whole, one buffer each, with who sent them; empty ones too", () => {
  const listener = bindDatagrams();
  const client = connectDatagrams(listener.port);
  const words = new Int32Array(4);
  const clientPort = ring.localName(client, words, 0);
  offerDatagrams(4);
  ring.receiveMessages(listener.fd, DATAGRAM, 5, 0);
  const source = bufferOffset(SPARE);
  const large = Uint8Array.from({ length: 65_507 }, (_, i) => i % 251);
  ring.slab.set(large, source);
  envelopes.length = 0;
  for (const bytes of [3, 0, 65_507]) ring.sendDatagram(client, source, bytes, FORWARDED, 1, 0);
  const seen = collect(2);
  // An empty one ends the operation; nothing is lost by that.
  assert.deepEqual(seen.map(({ more }) => more), [true, false]);
  ring.receiveMessages(listener.fd, DATAGRAM, 5, 0);
  seen.push(...collect(1));
  assert.deepEqual(seen.map(({ result }) => result), [3, 0, 65_507]);
  assert.ok(seen.every(({ index, kind }) => index === 5 && kind === DATAGRAM));
  assert.deepEqual(ring.slab.slice(seen[2].payloadAt, seen[2].payloadAt + 65_507), large);
  const envelope = { client: "127.0.0.1", port: clientPort, local: "::" };
  assert.deepEqual(envelopes, [envelope, envelope, envelope]);
  ring.cancelAll(listener.fd);
  assert.equal(collect(1)[0].result, -ECANCELED);
  closeAll(listener.fd, client);
});

Deno.test("a reply leaves from the address that was spoken to, on a dual-stack socket", () => {
  const listener = bindDatagrams(true);
  const client = connectDatagrams(listener.port);
  offerDatagrams(4);
  ring.receiveMessages(listener.fd, DATAGRAM, 0, 0);
  ring.sendDatagram(client, bufferOffset(SPARE), 5, FORWARDED, 1, 0);
  envelopes.length = 0;
  collect(1);
  assert.equal(envelopes[0].local, "127.0.0.1");
  const words = Int32Array.of(...parseIpWords("127.0.0.1")!, ...parseIpWords("127.0.0.1")!);
  const { fd } = listener;
  const at = bufferOffset(SPARE);
  ring.receiveDatagrams(client, false, REPLY, 7, 1);
  ring.sendMessage(fd, AF_INET6, words, 0, envelopes[0].port, 4, at, 9, 0, REPLIED, 1, 0);
  ring.sendMessage(fd, AF_INET6, words, 0, envelopes[0].port, -1, at, 8, 0, REPLIED, 1, 0);
  // The client's socket takes datagrams from where it sends to, and from nowhere else.
  const seen = collect(2);
  assert.deepEqual(seen.map(({ kind, index, result }) => [kind, index, result]), [
    [REPLY, 7, 9],
    [REPLY, 7, 8],
  ]);
  words.set(parseIpWords("127.0.0.9")!, 4);
  ring.sendMessage(fd, AF_INET6, words, 0, envelopes[0].port, 4, at, 9, 0, REPLIED, 1, 0);
  expectSilence();
  ring.cancelAll(fd);
  ring.cancelAll(client);
  collect(2);
  closeAll(fd, client);
});

Deno.test("a prefix goes in front of a datagram, in the same datagram", () => {
  const listener = bindDatagrams();
  const client = connectDatagrams(listener.port);
  offerDatagrams(2);
  ring.receiveMessages(listener.fd, DATAGRAM, 0, 0);
  ring.slab.set([65, 66], bufferOffset(SPARE));
  const prefix = Uint8Array.of(1, 2, 3);
  ring.sendPrefixed(client, prefix, 3, bufferOffset(SPARE), 2, FORWARDED, 1, 0);
  const [{ result, payloadAt }] = collect(1);
  assert.deepEqual([...ring.slab.slice(payloadAt, payloadAt + result)], [1, 2, 3, 65, 66]);
  ring.cancelAll(listener.fd);
  collect(1);
  closeAll(listener.fd, client);
});

Deno.test("a closed port is told to who receives or sends next", () => {
  const closed = bindDatagrams();
  const client = connectDatagrams(closed.port);
  closeAll(closed.fd);
  ring.receiveDatagrams(client, true, REPLY, 3, 4);
  ring.sendDatagram(client, bufferOffset(SPARE), 1, FORWARDED, 3, 4);
  const [first] = collect(1);
  assert.deepEqual([first.kind, first.result, first.more], [REPLY, -ECONNREFUSED, false]);
  ring.sendDatagram(client, bufferOffset(SPARE), 1, FORWARDED, 3, 4);
  ring.sendDatagram(client, bufferOffset(SPARE), 1, FORWARDED, 3, 4);
  const [second] = collect(1);
  assert.deepEqual([second.kind, second.index, second.result], [FORWARDED, 3, -ECONNREFUSED]);
  closeAll(client);
});

Deno.test("a burst is taken and given as one, and stays the datagrams that it is", () => {
  const listener = bindDatagrams();
  assert.equal(ring.setOption(listener.fd, SOL_UDP, UDP_GRO, 1), 0);
  const single = bindDatagrams();
  offerDatagrams(8);
  ring.receiveMessages(listener.fd, DATAGRAM, 0, 0);
  ring.receiveMessages(single.fd, DATAGRAM, 1, 0);
  const source = bufferOffset(SPARE);
  ring.slab.set(Uint8Array.from({ length: 325 }, (_, i) => i), source);
  const clients = [listener.port, single.port].map(connectDatagrams);
  for (const client of clients) {
    const none = new Int32Array(4);
    ring.sendMessage(client, AF_INET, none, 0, -1, -1, source, 325, 100, SEGMENTS, 1, 0);
  }
  const seen = collect(5);
  const [burst] = seen.filter(({ index }) => index === 0);
  assert.deepEqual([burst.result, burst.segmentBytes], [325, 100]);
  assert.equal(ring.slab[burst.payloadAt + 324], 324 & 255);
  const each = seen.filter(({ index }) => index === 1);
  assert.deepEqual(each.map(({ result }) => result), [100, 100, 100, 25]);
  assert.ok(each.every(({ segmentBytes }) => segmentBytes === 0));
  for (const fd of [listener.fd, single.fd]) ring.cancelAll(fd);
  collect(2);
  closeAll(listener.fd, single.fd, ...clients);
});

Deno.test("a datagram larger than any is refused, not cut", () => {
  const listener = bindDatagrams();
  const client = connectDatagrams(listener.port);
  ring.sendDatagram(client, bufferOffset(SPARE), 65_508, FORWARDED, 1, 0);
  const EMSGSIZE = 90;
  assert.equal(collect(1)[0].result, -EMSGSIZE);
  closeAll(listener.fd, client);
});
