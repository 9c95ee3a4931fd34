import assert from "node:assert/strict";
import { ECANCELED, ECONNREFUSED } from "../base/errno.ts";
import { bufferOffset } from "../buffer/buffer_pool.ts";
import { parseIpWords } from "../net/ip_words.ts";
import { AF_INET, AF_INET6 } from "../net/socket_address.ts";
import { DATAGRAM, FORWARDED, REPLIED, REPLY, SEGMENTS } from "./ring.ts";
import { makeBenches, type Seen, SPARE } from "./test_bench.ts";

const { onEachEngine } = makeBenches();

const SOL_UDP = 17;
const UDP_GRO = 104;

onEachEngine(
  "datagrams come whole, one buffer each, with who sent them; empty ones too",
  (bench) => {
    const { ring } = bench;
    const listener = bench.bindDatagrams();
    const client = bench.connectDatagrams(listener.port);
    const words = new Int32Array(4);
    const clientPort = ring.localName(client, words, 0);
    bench.offerDatagrams(4);
    ring.receiveMessages(listener.fd, DATAGRAM, 5, 0);
    const source = bufferOffset(SPARE);
    const large = Uint8Array.from({ length: 65_507 }, (_, i) => i % 251);
    ring.slab.set(large, source);
    bench.envelopes.length = 0;
    for (const bytes of [3, 0, 65_507]) ring.sendDatagram(client, source, bytes, FORWARDED, 1, 0);
    const seen: Seen[] = [];
    while (seen.length < 3) {
      seen.push(...bench.collectSome());
      // An empty one may end the operation (io_uring has it so); nothing is lost by that.
      if (!seen.at(-1)!.more) ring.receiveMessages(listener.fd, DATAGRAM, 5, 0);
    }
    assert.deepEqual(seen.map(({ result }) => result), [3, 0, 65_507]);
    assert.ok(seen.every(({ index, kind }) => index === 5 && kind === DATAGRAM));
    assert.deepEqual(ring.slab.slice(seen[2].payloadAt, seen[2].payloadAt + 65_507), large);
    const envelope = { client: "127.0.0.1", port: clientPort, local: "::" };
    assert.deepEqual(bench.envelopes, [envelope, envelope, envelope]);
    ring.cancelAll(listener.fd);
    assert.equal(bench.collect(1)[0].result, -ECANCELED);
    bench.closeAll(listener.fd, client);
  },
);

onEachEngine(
  "a reply leaves from the address that was spoken to, on a dual-stack socket",
  (bench) => {
    const { ring } = bench;
    const listener = bench.bindDatagrams(true);
    const client = bench.connectDatagrams(listener.port);
    bench.offerDatagrams(4);
    ring.receiveMessages(listener.fd, DATAGRAM, 0, 0);
    ring.sendDatagram(client, bufferOffset(SPARE), 5, FORWARDED, 1, 0);
    bench.envelopes.length = 0;
    bench.collect(1);
    assert.equal(bench.envelopes[0].local, "127.0.0.1");
    const words = Int32Array.of(...parseIpWords("127.0.0.1")!, ...parseIpWords("127.0.0.1")!);
    const { fd } = listener;
    const at = bufferOffset(SPARE);
    ring.receiveDatagrams(client, false, REPLY, 7, 1);
    ring.sendMessage(fd, AF_INET6, words, 0, bench.envelopes[0].port, 4, at, 9, 0, REPLIED, 1, 0);
    ring.sendMessage(fd, AF_INET6, words, 0, bench.envelopes[0].port, -1, at, 8, 0, REPLIED, 1, 0);
    // The client's socket takes datagrams from where it sends to, and from nowhere else.
    const seen = bench.collect(2);
    assert.deepEqual(seen.map(({ kind, index, result }) => [kind, index, result]), [
      [REPLY, 7, 9],
      [REPLY, 7, 8],
    ]);
    words.set(parseIpWords("127.0.0.9")!, 4);
    ring.sendMessage(fd, AF_INET6, words, 0, bench.envelopes[0].port, 4, at, 9, 0, REPLIED, 1, 0);
    bench.expectSilence();
    ring.cancelAll(fd);
    ring.cancelAll(client);
    bench.collect(2);
    bench.closeAll(fd, client);
  },
);

onEachEngine("a prefix goes in front of a datagram, in the same datagram", (bench) => {
  const { ring } = bench;
  const listener = bench.bindDatagrams();
  const client = bench.connectDatagrams(listener.port);
  bench.offerDatagrams(2);
  ring.receiveMessages(listener.fd, DATAGRAM, 0, 0);
  ring.slab.set([65, 66], bufferOffset(SPARE));
  const prefix = Uint8Array.of(1, 2, 3);
  ring.sendPrefixed(client, prefix, 3, bufferOffset(SPARE), 2, FORWARDED, 1, 0);
  const [{ result, payloadAt }] = bench.collect(1);
  assert.deepEqual([...ring.slab.slice(payloadAt, payloadAt + result)], [1, 2, 3, 65, 66]);
  ring.cancelAll(listener.fd);
  bench.collect(1);
  bench.closeAll(listener.fd, client);
});

onEachEngine("a closed port is told to who receives or sends next", (bench) => {
  const { ring } = bench;
  const closed = bench.bindDatagrams();
  const client = bench.connectDatagrams(closed.port);
  bench.closeAll(closed.fd);
  ring.receiveDatagrams(client, true, REPLY, 3, 4);
  ring.sendDatagram(client, bufferOffset(SPARE), 1, FORWARDED, 3, 4);
  const [first] = bench.collect(1);
  assert.deepEqual([first.kind, first.result, first.more], [REPLY, -ECONNREFUSED, false]);
  ring.sendDatagram(client, bufferOffset(SPARE), 1, FORWARDED, 3, 4);
  ring.sendDatagram(client, bufferOffset(SPARE), 1, FORWARDED, 3, 4);
  const [second] = bench.collect(1);
  assert.deepEqual([second.kind, second.index, second.result], [FORWARDED, 3, -ECONNREFUSED]);
  bench.closeAll(client);
});

onEachEngine("a burst is taken and given as one, and stays the datagrams that it is", (bench) => {
  const { ring } = bench;
  const listener = bench.bindDatagrams();
  assert.equal(ring.setOption(listener.fd, SOL_UDP, UDP_GRO, 1), 0);
  const single = bench.bindDatagrams();
  bench.offerDatagrams(8);
  ring.receiveMessages(listener.fd, DATAGRAM, 0, 0);
  ring.receiveMessages(single.fd, DATAGRAM, 1, 0);
  const source = bufferOffset(SPARE);
  ring.slab.set(Uint8Array.from({ length: 325 }, (_, i) => i), source);
  const clients = [listener.port, single.port].map((port) => bench.connectDatagrams(port));
  for (const client of clients) {
    const none = new Int32Array(4);
    ring.sendMessage(client, AF_INET, none, 0, -1, -1, source, 325, 100, SEGMENTS, 1, 0);
  }
  const seen = bench.collect(5);
  const [burst] = seen.filter(({ index }) => index === 0);
  assert.deepEqual([burst.result, burst.segmentBytes], [325, 100]);
  assert.equal(ring.slab[burst.payloadAt + 324], 324 & 255);
  const each = seen.filter(({ index }) => index === 1);
  assert.deepEqual(each.map(({ result }) => result), [100, 100, 100, 25]);
  assert.ok(each.every(({ segmentBytes }) => segmentBytes === 0));
  for (const fd of [listener.fd, single.fd]) ring.cancelAll(fd);
  bench.collect(2);
  bench.closeAll(listener.fd, single.fd, ...clients);
});

onEachEngine("a datagram larger than any is refused, not cut", (bench) => {
  const { ring } = bench;
  const listener = bench.bindDatagrams();
  const client = bench.connectDatagrams(listener.port);
  ring.sendDatagram(client, bufferOffset(SPARE), 65_508, FORWARDED, 1, 0);
  const EMSGSIZE = 90;
  assert.equal(bench.collect(1)[0].result, -EMSGSIZE);
  bench.closeAll(listener.fd, client);
});
