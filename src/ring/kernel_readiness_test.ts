/**
 * What is easily lost between "there is something" and "it was taken": both engines have to tell
 * of everything exactly once, however much comes at which moment.
 */
import assert from "node:assert/strict";
import { ECANCELED, ECONNRESET, ENOBUFS, ENOENT } from "../base/errno.ts";
import { bufferCapacity } from "../buffer/buffer_pool.ts";
import { FAST_BUFFERS_MAX, RECEIVE_ALLOWANCE_BYTES, SUBMISSIONS_MAX } from "../limits.ts";
import { AF_UNIX, encodeUnixAddress } from "../net/socket_address.ts";
import {
  ACCEPT,
  ADDRESS_SLOT_BYTES,
  CONNECT,
  CONTROL,
  DATAGRAM,
  EPOLL,
  FAST_LANE,
  GATED_LANE,
  IGNORED,
  RECEIVE,
  REPLY,
  SEND,
  STREAM,
  WRITABLE,
} from "./ring.ts";
import { FIRST_GATED, makeBenches, type RingBench, SPARE } from "./test_bench.ts";

const { benchOf, onEachEngine } = makeBenches();

const MSG_OOB = 1;
const SOL_SOCKET = 1;
const SO_RCVLOWAT = 18;

/** Receives from the fast lane until the end, and gives every buffer back. */
function receiveAll(bench: RingBench, fd: number): { text: string; bytes: number } {
  const { ring } = bench;
  let text = "";
  let bytes = 0;
  ring.receive(fd, FAST_LANE, RECEIVE, 1, 1);
  for (;;) {
    for (const seen of bench.collectSome()) {
      assert.equal(seen.kind, RECEIVE);
      if (seen.result === 0) return { text, bytes };
      if (seen.result > 0) {
        bytes += seen.result;
        if (seen.result < 100) text += bench.text(seen);
        ring.offerBuffer(FAST_LANE, seen.buffer);
      } else assert.equal(seen.result, -ENOBUFS);
      if (!seen.more) ring.receive(fd, FAST_LANE, RECEIVE, 1, 1);
    }
  }
}

/** So many bytes of the receive that is in flight, which goes on. */
function receiveText(bench: RingBench, fd: number, count: number): string {
  const { ring } = bench;
  let text = "";
  while (text.length < count) {
    const seen = bench.collectSome();
    assert.ok(seen.length > 0, `after "${text}" nothing comes any more`);
    for (const each of seen) {
      text += bench.text(each);
      ring.offerBuffer(FAST_LANE, each.buffer);
      if (!each.more) ring.receive(fd, FAST_LANE, RECEIVE, 1, 1);
    }
  }
  return text;
}

function offerFast(bench: RingBench): void {
  for (let buffer = 0; buffer < 4; buffer++) bench.ring.offerBuffer(FAST_LANE, buffer);
}

onEachEngine("a receive finds a lane that is dry, and nothing of what came is lost", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  bench.send(far, "one");
  ring.receive(near, FAST_LANE, RECEIVE, 1, 1);
  assert.deepEqual(bench.collect(1).map(({ result, more, buffer }) => [result, more, buffer]), [
    [-ENOBUFS, false, -1],
  ]);
  bench.send(far, "two");
  ring.shutdownWrite(far);
  offerFast(bench);
  assert.deepEqual(receiveAll(bench, near), { text: "onetwo", bytes: 6 });
  bench.closeAll(near, far);
});

onEachEngine("what came while nobody received is there for who asks, with the end", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  ring.receive(near, FAST_LANE, RECEIVE, 5, 1);
  bench.expectSilence();
  ring.cancel(RECEIVE, 5, 1);
  assert.equal(bench.collect(1)[0].result, -ECANCELED);
  bench.send(far, "early");
  ring.turn(0);
  ring.shutdownWrite(far);
  ring.turn(0);
  assert.deepEqual(receiveAll(bench, near), { text: "early", bytes: 5 });
  bench.closeAll(near, far);
});

onEachEngine("each of many messages is told, whether a receive waits for it or not", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  ring.receive(near, FAST_LANE, RECEIVE, 1, 1);
  for (let round = 0; round < 50; round++) {
    bench.send(far, `${round % 10}`);
    const [seen] = bench.collect(1);
    assert.equal(bench.text(seen), `${round % 10}`);
    ring.offerBuffer(FAST_LANE, seen.buffer);
    if (seen.more) continue;
    // Half of the time the next message comes before the receive.
    if (round % 4 < 2) ring.receive(near, FAST_LANE, RECEIVE, 1, 1);
    else {
      bench.send(far, `${++round % 10}`);
      ring.receive(near, FAST_LANE, RECEIVE, 1, 1);
      const [late] = bench.collect(1);
      assert.equal(bench.text(late), `${round % 10}`);
      ring.offerBuffer(FAST_LANE, late.buffer);
      if (!late.more) ring.receive(near, FAST_LANE, RECEIVE, 1, 1);
    }
  }
  ring.cancelAll(near);
  bench.collect(1);
  bench.closeAll(near, far);
});

onEachEngine("a limit of bytes leaves the rest to the receive that follows", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  // More than an allowance, and all there before anybody asks.
  const piece = bufferCapacity(SPARE);
  let sent = 0;
  for (let i = 0; i < 8; i++) {
    ring.sendNow(far, SPARE, 0, piece, SEND, 9, 9);
    ring.turn(0);
    sent += piece;
    if (ring.next()) {
      sent -= piece - Math.max(0, ring.result);
      break;
    }
  }
  assert.ok(sent > RECEIVE_ALLOWANCE_BYTES, `${sent}`);
  ring.shutdownWrite(far);
  assert.equal(receiveAll(bench, near).bytes, sent);
  bench.closeAll(near, far);
});

onEachEngine("urgent bytes stop no receive for good", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  ring.receive(near, FAST_LANE, RECEIVE, 1, 1);
  bench.expectSilence();
  bench.write(SPARE, new TextEncoder().encode("abXcdYef"));
  for (const [at, count, flags] of [[0, 2, 0], [2, 1, MSG_OOB], [3, 2, 0], [6, 2, 0]]) {
    ring.sendNow(far, SPARE, at, count, SEND, 9, 9);
    if (flags !== 0) ring.flagLast(flags);
  }
  assert.equal(receiveText(bench, near, 6), "abcdef");
  ring.cancelAll(near);
  bench.collect(1);
  bench.closeAll(near, far);
});

onEachEngine("a look waits for as many bytes as the socket is told to", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  const look = (count: number) => {
    ring.offerBuffer(GATED_LANE, FIRST_GATED + count);
    ring.receive(near, GATED_LANE, RECEIVE, 5, 1);
  };
  bench.send(far, "abc");
  look(0);
  assert.equal(bench.text(bench.collect(1)[0]), "abc");
  ring.setOption(near, SOL_SOCKET, SO_RCVLOWAT, 5);
  look(1);
  bench.expectSilence();
  bench.send(far, "d");
  bench.expectSilence();
  bench.send(far, "e");
  assert.equal(bench.text(bench.collect(1)[0]), "abcde");
  ring.setOption(near, SOL_SOCKET, SO_RCVLOWAT, 1);
  assert.equal(ring.discard(near, 2), 2);
  look(2);
  assert.equal(bench.text(bench.collect(1)[0]), "cde");
  ring.shutdownWrite(far);
  assert.deepEqual(receiveAll(bench, near), { text: "cde", bytes: 3 });
  bench.closeAll(near, far);
});

onEachEngine("a reset ends all that waits for a connection, behind what came before", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  bench.send(far, "last words");
  ring.receive(near, FAST_LANE, RECEIVE, 1, 1);
  const [words] = bench.collect(1);
  assert.equal(bench.text(words), "last words");
  ring.offerBuffer(FAST_LANE, words.buffer);
  if (!words.more) ring.receive(near, FAST_LANE, RECEIVE, 1, 1);
  bench.expectSilence();
  ring.resetOnClose(far);
  ring.closeNow(far);
  const [end] = bench.collect(1);
  assert.deepEqual([end.result, end.more], [-ECONNRESET, false]);
  ring.pollWritable(near, WRITABLE, 4, 4);
  assert.equal(bench.collect(1)[0].kind, WRITABLE);
  bench.closeAll(near);
});

// ---- Accepting ------------------------------------------------------------------------------

onEachEngine("more connections than accepts: who is left is taken by the next", (bench) => {
  const { ring } = bench;
  const listener = bench.listen();
  for (let i = 0; i < 2; i++) ring.accept(listener.fd, 2 + i, ACCEPT, i, 0);
  bench.expectSilence();
  const clients = [0, 1, 2, 3, 4, 5, 6].map((index) => bench.startConnect(listener.port, index));
  const seen = bench.collect(9);
  for (let i = 0; i < 2; i++) ring.accept(listener.fd, 2 + i, ACCEPT, i, 0);
  seen.push(...bench.collect(2));
  for (let i = 0; i < 5; i++) ring.accept(listener.fd, 2 + i, ACCEPT, i, 0);
  seen.push(...bench.collect(3));
  bench.expectSilence();
  const last = bench.startConnect(listener.port);
  seen.push(...bench.collect(2));
  const accepted = seen.filter(({ kind }) => kind === ACCEPT).map(({ result }) => result);
  assert.equal(new Set(accepted).size, 8);
  assert.ok(accepted.every((fd) => fd >= 0));
  ring.cancelAll(listener.fd);
  assert.deepEqual(bench.collect(1).map(({ kind, result }) => [kind, result]), [
    [ACCEPT, -ECANCELED],
  ]);
  bench.closeAll(listener.fd, last, ...clients, ...accepted);
});

// ---- Unix sockets ---------------------------------------------------------------------------

interface UnixListener {
  readonly fd: number;
  connect(index: number): number;
}

function listenUnix(bench: RingBench, backlog: number): UnixListener {
  const { ring } = bench;
  const path = Deno.makeTempFileSync();
  Deno.removeSync(path);
  const address = encodeUnixAddress(path);
  const { fd } = bench.listen(address, backlog);
  ring.addresses.set(address, ADDRESS_SLOT_BYTES);
  return {
    fd,
    connect(index: number): number {
      const made = ring.openSocket(AF_UNIX, STREAM);
      ring.connect(made, 1, CONNECT, index, 0);
      return made;
    },
  };
}

onEachEngine("a unix socket brings all that was written before its end", (bench) => {
  const { ring } = bench;
  const listener = listenUnix(bench, 4);
  ring.accept(listener.fd, 2, ACCEPT, 0, 0);
  const near = listener.connect(0);
  const far = bench.collect(2).find(({ kind }) => kind === ACCEPT)!.result;
  for (const text of ["a", "bc", "def"]) bench.send(far, text);
  ring.receive(near, FAST_LANE, RECEIVE, 1, 1);
  assert.equal(receiveText(bench, near, 6), "abcdef");
  bench.send(far, "end");
  bench.closeAll(far);
  const seen = bench.collectSome(2);
  if (seen.length < 2 || seen[1].result !== 0) seen.push(...bench.collectSome());
  assert.deepEqual(seen.map(({ result }) => result), [3, 0]);
  ring.offerBuffer(FAST_LANE, seen[0].buffer);
  bench.closeAll(near, listener.fd);
});

onEachEngine("a connect waits for room in the accept queue of a unix socket", (bench) => {
  const { ring } = bench;
  const listener = listenUnix(bench, 1);
  const clients = [0, 1, 2, 3].map((index) => listener.connect(index));
  const connected = bench.collect(2);
  assert.deepEqual(connected.map(({ index, result }) => [index, result]), [[0, 0], [1, 0]]);
  ring.turn(10);
  assert.equal(ring.next(), false);
  for (let i = 0; i < 4; i++) ring.accept(listener.fd, 2 + i, ACCEPT, i, 0);
  const seen = bench.collect(6);
  const late = seen.filter(({ kind }) => kind === CONNECT);
  assert.deepEqual(late.map(({ index, result }) => [index, result]).sort(), [[2, 0], [3, 0]]);
  const accepted = seen.filter(({ kind }) => kind === ACCEPT).map(({ result }) => result);
  bench.closeAll(listener.fd, ...clients, ...accepted);
});

// io_uring gives it to a thread of its own, which a cancel does not reach.
Deno.test("epoll: a connect that waits so is cancelled like any other", () => {
  const bench = benchOf(EPOLL);
  const listener = listenUnix(bench, 1);
  const clients = [0, 1, 2].map((index) => listener.connect(index));
  bench.collect(2);
  bench.ring.cancel(CONNECT, 2, 0);
  const [seen] = bench.collect(1);
  assert.deepEqual([seen.kind, seen.index, seen.result], [CONNECT, 2, -ECANCELED]);
  bench.closeAll(listener.fd, ...clients);
});

// ---- Cancelling, and the queues -------------------------------------------------------------

onEachEngine("a cancel that finds nothing says so, to nobody in particular", (bench) => {
  const { ring } = bench;
  ring.cancel(RECEIVE, 77, 7);
  const [seen] = bench.collect(1);
  assert.deepEqual([seen.kind, seen.result], [IGNORED, -ENOENT]);
});

onEachEngine("everything of an fd is cancelled, and nothing of another", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  ring.receive(near, GATED_LANE, RECEIVE, 1, 1);
  ring.receive(far, GATED_LANE, RECEIVE, 2, 1);
  const bytes = bufferCapacity(SPARE);
  for (let i = 0; i < 400; i++) {
    ring.sendNow(near, SPARE, 0, bytes, SEND, 9, 2);
    ring.turn(0);
    if (ring.next() && ring.kind === SEND) break;
  }
  // What arrives there is not taken, so its receive is over.
  bench.collectSome(0);
  ring.send(near, SPARE, 0, bytes, SEND, 3, 1);
  ring.pollWritable(near, WRITABLE, 4, 1);
  ring.cancelAll(near);
  const seen = bench.collectSome(3).filter(({ index }) => index !== 2);
  assert.deepEqual(seen.map(({ index, result }) => [index, result]).sort(), [
    [1, -ECANCELED],
    [3, -ECANCELED],
    [4, -ECANCELED],
  ]);
  bench.closeAll(near, far);
});

onEachEngine("news that find the completion queue full are told later, once", (bench) => {
  const { ring } = bench;
  const pairs = Array.from({ length: 4 }, () => bench.connectPair());
  pairs.forEach(([near], i) => ring.receive(near, FAST_LANE, RECEIVE, i, 1));
  bench.expectSilence();
  pairs.forEach(([, far], i) => {
    bench.shim.scratch.set([65 + i]);
    assert.equal(bench.shim.library.rw_send(far, 1), 1);
  });
  const count = SUBMISSIONS_MAX * 8 + 300;
  for (let i = 0; i < count; i++) ring.pollWritable(pairs[0][1], WRITABLE, i, 0);
  const seen = bench.collectSome(count + 4);
  assert.equal(seen.filter(({ kind }) => kind === WRITABLE).length, count);
  const texts = seen.filter(({ kind }) => kind === RECEIVE).map((each) => bench.text(each));
  assert.deepEqual(texts.sort(), ["A", "B", "C", "D"]);
  for (const { buffer } of seen) if (buffer >= 0) ring.offerBuffer(FAST_LANE, buffer);
  for (const [near] of pairs) ring.cancelAll(near);
  bench.collectSome(seen.filter(({ more }) => more).length);
  bench.closeAll(...pairs.flat());
});

onEachEngine("bytes of the control pipe are read when they come, and its end", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  ring.readControl(near, CONTROL);
  bench.expectSilence();
  bench.send(far, "drain");
  assert.equal(bench.collect(1)[0].result, 5);
  assert.equal(new TextDecoder().decode(ring.controlBytes.slice(0, 5)), "drain");
  ring.readControl(near, CONTROL);
  bench.expectSilence();
  ring.shutdownWrite(far);
  assert.equal(bench.collect(1)[0].result, 0);
  bench.closeAll(near, far);
});

// ---- Datagrams ------------------------------------------------------------------------------

onEachEngine("datagrams that waited come in their order, as far as there are buffers", (bench) => {
  const { ring, shim } = bench;
  const listener = bench.bindDatagrams();
  const client = bench.connectDatagrams(listener.port);
  for (let i = 0; i < 20; i++) {
    shim.scratch.set([i]);
    assert.equal(shim.library.rw_send(client, 1), 1);
  }
  const values: number[] = [];
  ring.receiveMessages(listener.fd, DATAGRAM, 0, 0);
  while (values.length < 20) {
    for (const { result, payloadAt, more } of bench.collectSome()) {
      if (result > 0) values.push(ring.slab[payloadAt]);
      else assert.equal(result, -ENOBUFS);
      if (more) continue;
      bench.offerDatagrams(11);
      ring.receiveMessages(listener.fd, DATAGRAM, 0, 0);
    }
  }
  assert.deepEqual(values, Array.from({ length: 20 }, (_, i) => i));
  ring.cancelAll(listener.fd);
  bench.collect(1);
  bench.closeAll(listener.fd, client);
});

onEachEngine("one datagram is received of several, and the next ones by who asks", (bench) => {
  const { ring, shim } = bench;
  const server = bench.bindDatagrams();
  const client = bench.connectDatagrams(server.port);
  for (let i = 0; i < 3; i++) {
    shim.scratch.set([i]);
    shim.library.rw_send(client, 1);
  }
  bench.offerDatagrams(8);
  ring.receiveDatagrams(server.fd, true, REPLY, 0, 0);
  const [first] = bench.collect(1);
  assert.deepEqual([first.more, ring.slab[first.payloadAt]], [false, 0]);
  ring.receiveDatagrams(server.fd, false, REPLY, 1, 0);
  const rest = bench.collect(2);
  assert.deepEqual(rest.map(({ payloadAt }) => ring.slab[payloadAt]), [1, 2]);
  shim.library.rw_send(client, 0);
  const [empty] = bench.collect(1);
  assert.deepEqual([empty.result, empty.buffer], [0, -1]);
  if (empty.more) ring.cancelAll(server.fd);
  bench.collectSome(empty.more ? 1 : 0);
  bench.closeAll(server.fd, client);
});

onEachEngine("the fast lane has as many buffers as were offered, in their order", (bench) => {
  const { ring } = bench;
  const [near, far] = bench.connectPair();
  // Once around the lane and a bit, so that its end is passed.
  for (let round = 0; round < FAST_BUFFERS_MAX + 5; round++) {
    bench.send(far, "x");
    ring.receive(near, FAST_LANE, RECEIVE, 1, 1);
    const [seen] = bench.collect(1);
    assert.equal(seen.result, 1);
    ring.offerBuffer(FAST_LANE, seen.buffer);
    if (seen.more) ring.cancelAll(near);
    bench.collectSome(seen.more ? 1 : 0);
  }
  bench.closeAll(near, far);
});
