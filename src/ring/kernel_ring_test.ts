import assert from "node:assert/strict";
import { EAGAIN, ECANCELED, ECONNREFUSED, ECONNRESET, ENOBUFS } from "../base/errno.ts";
import { bufferCapacity } from "../buffer/buffer_pool.ts";
import { RECEIVE_ALLOWANCE_BYTES, SUBMISSIONS_MAX } from "../limits.ts";
import { AF_INET, portOf } from "../net/socket_address.ts";
import {
  ACCEPT,
  ADDRESS_SLOT_BYTES,
  CONNECT,
  FAST_LANE,
  GATED_LANE,
  PEER_ENDED,
  PEER_GONE,
  RECEIVE,
  SEND,
  WRITABLE,
} from "./ring.ts";
import { FIRST_GATED, makeBenches, type Seen, SPARE } from "./test_bench.ts";

const { onEachEngine } = makeBenches();

/** Fits a socket's buffer. */
const PIECE_BYTES = 32 * 1024;

onEachEngine("a turn without news waits as long as asked, and the clock goes on", (bench) => {
  const { ring } = bench;
  ring.turn(0);
  const before = ring.nowMs;
  assert.equal(ring.turn(20), 0);
  assert.ok(ring.nowMs - before >= 19, `${ring.nowMs - before}`);
});

onEachEngine("an accept brings the peer's address; a connect names its operation", (bench) => {
  const { ring, shim } = bench;
  const listener = bench.listen();
  ring.accept(listener.fd, 2, ACCEPT, 2, 0);
  const near = bench.startConnect(listener.port);
  const seen = bench.collect(2);
  const connected = seen.find(({ kind }) => kind === CONNECT)!;
  assert.deepEqual([connected.index, connected.generation, connected.result], [7, 3, 0]);
  const slot = ring.addresses.subarray(2 * ADDRESS_SLOT_BYTES);
  assert.equal(slot[0], AF_INET);
  assert.deepEqual([...slot.subarray(4, 8)], [127, 0, 0, 1]);
  shim.library.rw_socket_name(near);
  assert.equal(portOf(slot), portOf(shim.scratch));
  bench.closeAll(near, seen.find(({ kind }) => kind === ACCEPT)!.result, listener.fd);
});

onEachEngine("a connect that nobody answers to is refused", (bench) => {
  const { shim } = bench;
  const listener = bench.listen();
  shim.library.rw_close(listener.fd);
  const fd = bench.startConnect(listener.port);
  assert.equal(bench.collect(1)[0].result, -ECONNREFUSED);
  bench.closeAll(fd);
});

onEachEngine("a receive that finds its lane dry says so", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  bench.write(SPARE, Uint8Array.of(1));
  ring.sendNow(far, SPARE, 0, 1, SEND, 0, 0);
  ring.receive(near, GATED_LANE, RECEIVE, 5, 1);
  assert.equal(bench.collect(1)[0].result, -ENOBUFS);
  bench.closeAll(near, far);
});

onEachEngine(
  "what is sent at once has no completion, and arrives in an offered buffer",
  (bench) => {
    const { ring } = bench;
    const [near, far] = bench.connectPair();
    // One for the bytes, and one more: even an end is only seen by who has a buffer.
    ring.offerBuffer(FAST_LANE, 0);
    ring.offerBuffer(FAST_LANE, 1);
    ring.receive(near, FAST_LANE, RECEIVE, 5, 1);
    bench.expectSilence();
    bench.write(SPARE, new TextEncoder().encode("-hello-"));
    ring.sendNow(far, SPARE, 1, 5, SEND, 9, 2);
    const [seen] = bench.collect(1);
    assert.deepEqual([seen.kind, seen.index, seen.generation, seen.result], [RECEIVE, 5, 1, 5]);
    assert.equal(seen.buffer, 0);
    assert.equal(new TextDecoder().decode(bench.read(seen.buffer, 5)), "hello");
    ring.shutdownWrite(far);
    assert.equal(seen.more, ring.multishot);
    if (!ring.multishot) ring.receive(near, FAST_LANE, RECEIVE, 5, 1);
    const [end] = bench.collect(1);
    assert.deepEqual([end.result, end.more], [0, false]);
    bench.closeAll(near, far);
  },
);

onEachEngine("a multishot receive ends when its allowance is used up", (bench) => {
  const { ring } = bench;
  if (!ring.multishot) return; // this kernel has none: receives are single
  const [near, far] = bench.connectPair();
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
  bench.closeAll(near, far);
});

onEachEngine(
  "a full socket takes a part, then nothing; a send that waits gets through",
  (bench) => {
    const { ring } = bench;
    const [near, far] = bench.connectPair();
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
    assert.equal(bench.collect(1)[0].result, -EAGAIN);
    ring.pollWritable(far, WRITABLE, 4, 4);
    ring.send(far, SPARE, 0, bytes, SEND, 8, 2);
    bench.expectSilence();
    const seen: Seen[] = [];
    ring.offerBuffer(GATED_LANE, FIRST_GATED);
    for (let turn = 0; turn < 4000 && seen.length < 2; turn++) {
      ring.receive(near, GATED_LANE, RECEIVE, 5, 1);
      for (const each of bench.collectSome()) {
        if (each.kind === RECEIVE) {
          ring.offerBuffer(GATED_LANE, each.buffer);
          assert.equal(ring.discard(near, each.result), each.result);
        } else seen.push(each);
      }
    }
    const sent = seen.find(({ kind }) => kind === SEND)!;
    assert.deepEqual([sent.index, sent.result], [8, bytes]);
    assert.ok(seen.some(({ kind, index }) => kind === WRITABLE && index === 4));
    bench.closeAll(near, far);
  },
);

onEachEngine("a gated receive only looks; what is discarded is not seen again", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  bench.write(SPARE, new TextEncoder().encode("hello"));
  ring.sendNow(far, SPARE, 0, 5, SEND, 9, 2);
  const texts: string[] = [];
  for (const discard of [0, 2, 3]) {
    ring.offerBuffer(GATED_LANE, FIRST_GATED + 1);
    ring.receive(near, GATED_LANE, RECEIVE, 5, 1);
    const [seen] = bench.collect(1);
    texts.push(new TextDecoder().decode(bench.read(seen.buffer, seen.result)));
    assert.equal(ring.discard(near, discard), discard);
  }
  assert.deepEqual(texts, ["hello", "hello", "llo"]);
  assert.equal(ring.discard(near, 1), 0);
  bench.closeAll(near, far);
});

onEachEngine("whether a peer has ended is told at once; what is closed has none", (bench) => {
  const { ring, shim } = bench;
  const [near, far] = bench.connectPair();
  assert.deepEqual([ring.peerEnded(near), ring.peerEnded(9999)], [0, PEER_GONE]);
  shim.scratch.set([1]);
  assert.equal(shim.library.rw_send(far, 1), 1);
  ring.shutdownWrite(far);
  assert.deepEqual([ring.peerEnded(near), ring.peerEnded(far)], [PEER_ENDED, 0]);
  assert.equal(ring.discard(near, 1), 1);
  assert.equal(ring.peerEnded(near), PEER_GONE);
  bench.closeAll(near, far);
});

onEachEngine(
  "connections that wait at a listener are taken at once, with their address",
  (bench) => {
    const { ring, shim } = bench;
    const listener = bench.listen();
    assert.equal(ring.acceptNow(listener.fd, 2), -EAGAIN);
    const near = bench.startConnect(listener.port);
    assert.equal(bench.collect(1)[0].result, 0);
    const far = ring.acceptNow(listener.fd, 2);
    assert.ok(far >= 0);
    shim.library.rw_socket_name(near);
    assert.equal(portOf(ring.addresses.subarray(2 * ADDRESS_SLOT_BYTES)), portOf(shim.scratch));
    ring.closeNow(listener.fd);
    bench.closeAll(near, far);
  },
);

onEachEngine("a close that resets is seen as a reset", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  ring.receive(near, GATED_LANE, RECEIVE, 5, 1);
  bench.expectSilence();
  ring.resetOnClose(far);
  ring.close(far);
  assert.equal(bench.collect(1)[0].result, -ECONNRESET);
  bench.closeAll(near);
});

onEachEngine("a cancelled operation completes as cancelled, one or all of an fd", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  ring.receive(near, GATED_LANE, RECEIVE, 5, 1);
  ring.receive(far, GATED_LANE, RECEIVE, 6, 1);
  bench.expectSilence();
  ring.cancel(RECEIVE, 5, 1);
  const [first] = bench.collect(1);
  assert.deepEqual([first.index, first.result], [5, -ECANCELED]);
  ring.cancelAll(far);
  const [second] = bench.collect(1);
  assert.deepEqual([second.index, second.result], [6, -ECANCELED]);
  bench.closeAll(near, far);
});

onEachEngine("more operations than the submission queue holds are handed over early", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  const count = SUBMISSIONS_MAX * 2 + 5;
  for (let i = 0; i < count; i++) ring.pollWritable(near, WRITABLE, i, 0);
  const seen = bench.collect(count);
  assert.equal(new Set(seen.map(({ index }) => index)).size, count);
  bench.closeAll(near, far);
});

onEachEngine(
  "more completions than the completion queue holds are all seen in one turn",
  (bench) => {
    const { ring } = bench;
    const [near, far] = bench.connectPair();
    const count = SUBMISSIONS_MAX * 8 + 1000;
    const before = ring.overflowCount;
    for (let i = 0; i < count; i++) ring.pollWritable(near, WRITABLE, i, 0);
    ring.turn(50);
    const seen = new Set<number>();
    while (ring.next()) seen.add(ring.index);
    assert.equal(seen.size, count);
    assert.ok(ring.overflowCount > before, "the queue was too small for them");
    bench.closeAll(near, far);
  },
);
