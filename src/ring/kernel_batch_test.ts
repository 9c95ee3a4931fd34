/**
 * Many operations in one turn: the engines may do them together, but each as if it were alone.
 */
import assert from "node:assert/strict";
import { ENOBUFS, EPIPE } from "../base/errno.ts";
import { bufferOffset } from "../buffer/buffer_pool.ts";
import { FAST_LANE, RECEIVE, REPLY, SEND } from "./ring.ts";
import { makeBenches, type RingBench, SPARE } from "./test_bench.ts";

const { onEachEngine } = makeBenches();

const EBADF = 9;

const offered = new Set<RingBench>();

function offerFast(bench: RingBench): void {
  if (offered.has(bench)) return;
  offered.add(bench);
  for (let buffer = 0; buffer < 24; buffer++) bench.ring.offerBuffer(FAST_LANE, buffer);
}

/** Queues one byte, which has a place of its own until the turn. */
function sendByte(bench: RingBench, fd: number, value: number, index = 0): void {
  bench.ring.slab[bufferOffset(SPARE) + value] = value;
  bench.ring.sendNow(fd, SPARE, value, 1, SEND, index, 0);
}

onEachEngine("of many that speak at once each is heard, with fewer buffers than that", (bench) => {
  const { ring } = bench;
  offerFast(bench);
  const pairs = Array.from({ length: 150 }, () => bench.connectPair());
  pairs.forEach(([near], i) => ring.receive(near, FAST_LANE, RECEIVE, i, 1));
  bench.expectSilence();
  const heard = new Map<number, number>();
  const ended = new Set<number>();
  for (let i = 0; i < pairs.length; i++) sendByte(bench, pairs[i][1], i);
  // Some end right behind their byte, in the same turn.
  for (let i = 0; i < pairs.length; i += 3) ring.close(pairs[i][1]);
  while (heard.size < pairs.length || ended.size < 50) {
    const seen = bench.collectSome();
    assert.ok(seen.length > 0, `${heard.size} heard, ${ended.size} ended`);
    for (const each of seen) {
      assert.equal(each.kind, RECEIVE);
      if (each.result > 0) {
        assert.equal(heard.has(each.index), false, "once");
        heard.set(each.index, bench.read(each.buffer, 1)[0]);
        ring.offerBuffer(FAST_LANE, each.buffer);
      } else if (each.result === 0) ended.add(each.index);
      else assert.equal(each.result, -ENOBUFS);
      const isOver = !each.more && each.result !== 0;
      if (isOver) ring.receive(pairs[each.index][0], FAST_LANE, RECEIVE, each.index, 1);
    }
  }
  for (const [index, value] of heard) assert.equal(value, index);
  assert.ok([...ended].every((index) => index % 3 === 0));
  for (let i = 0; i < pairs.length; i++) if (!ended.has(i)) ring.cancelAll(pairs[i][0]);
  bench.collectSome(100);
  bench.closeAll(...pairs.flatMap(([near, far], i) => i % 3 === 0 ? [near] : [near, far]));
});

onEachEngine("of many sends only those that fail say so", (bench) => {
  const { ring } = bench;
  offerFast(bench);
  const pairs = Array.from({ length: 10 }, () => bench.connectPair());
  ring.shutdownWrite(pairs[3][1]);
  bench.closeAll(pairs[6][1]);
  for (let i = 0; i < pairs.length; i++) sendByte(bench, pairs[i][1], 10 + i, i);
  const seen = bench.collect(2);
  assert.deepEqual(seen.map(({ kind, index, result }) => [kind, index, result]).sort(), [
    [SEND, 3, -EPIPE],
    [SEND, 6, -EBADF],
  ]);
  for (const [i, [near]] of pairs.entries()) {
    if (i === 3 || i === 6) continue;
    ring.receive(near, FAST_LANE, RECEIVE, i, 1);
    const [byte] = bench.collect(1);
    assert.deepEqual([...bench.read(byte.buffer, byte.result)], [10 + i]);
    ring.offerBuffer(FAST_LANE, byte.buffer);
    ring.cancelAll(near);
    bench.collectSome(byte.more ? 1 : 0);
  }
  bench.closeAll(...pairs.flatMap(([near, far], i) => i === 6 ? [near] : [near, far]));
});

onEachEngine("what is sent twice in a turn keeps its order, and the close comes last", (bench) => {
  const { ring } = bench;
  offerFast(bench);
  const pairs = Array.from({ length: 5 }, () => bench.connectPair());
  for (let round = 0; round < 4; round++) {
    for (const [i, [, far]] of pairs.entries()) sendByte(bench, far, 20 + i * 4 + round);
  }
  for (const [, far] of pairs) ring.close(far);
  ring.turn(0);
  assert.equal(ring.next(), false);
  for (const [i, [near]] of pairs.entries()) {
    const bytes: number[] = [];
    for (let isOpen = true; isOpen;) {
      ring.receive(near, FAST_LANE, RECEIVE, i, 1);
      for (let more = true; more;) {
        for (const seen of bench.collectSome()) {
          more = seen.more;
          isOpen = seen.result !== 0;
          if (seen.result <= 0) continue;
          bytes.push(...bench.read(seen.buffer, seen.result));
          ring.offerBuffer(FAST_LANE, seen.buffer);
        }
      }
    }
    assert.deepEqual(bytes, [0, 1, 2, 3].map((round) => 20 + i * 4 + round));
  }
  bench.closeAll(...pairs.map(([near]) => near));
});

onEachEngine("many servers answer at once, each on a socket of its own", (bench) => {
  const { ring, shim } = bench;
  bench.offerDatagrams(64);
  const server = bench.bindDatagrams();
  const flows = Array.from({ length: 40 }, () => bench.bindDatagrams());
  flows.forEach(({ fd }, i) => ring.receiveDatagrams(fd, true, REPLY, i, 0));
  bench.expectSilence();
  for (const [i, { port }] of flows.entries()) {
    const client = bench.connectDatagrams(port);
    shim.scratch.set([i]);
    assert.equal(shim.library.rw_send(client, 1), 1);
    ring.closeNow(client);
  }
  const seen = bench.collect(40);
  for (const { index, result, more, payloadAt } of seen) {
    assert.deepEqual([result, more, ring.slab[payloadAt]], [1, false, index]);
  }
  assert.equal(new Set(seen.map(({ index }) => index)).size, 40);
  bench.closeAll(server.fd, ...flows.map(({ fd }) => fd));
});
