import assert from "node:assert/strict";
import { EAGAIN, ECONNREFUSED, EIO, EMSGSIZE } from "../../base/errno.ts";
import { FAST_BUFFERS_MAX, GATED_BUFFERS_MAX } from "../../limits.ts";
import { FORWARDED, REPLIED, type Ring, SEGMENTS } from "../../ring/ring.ts";
import { CLOSING } from "./flow_table.ts";
import { countDatagrams, SegmentedSends } from "./segmented_sends.ts";
import { SentBuffers } from "./sent_buffers.ts";
import { FlowStage, keyOf } from "./test_flows.ts";

const BUFFER = FAST_BUFFERS_MAX + GATED_BUFFERS_MAX + 3;
const AT = 1 << 20;

/** Its flow's server is fd 7, its client 10.0.0.1:5000. */
class Bursts extends FlowStage {
  /** fd, port, offset, bytes, segmentBytes, kind, index of each send. */
  readonly asked: number[][] = [];
  /** The same of each burst that was sent at once, without kind and index. */
  readonly tried: number[][] = [];
  /** What a burst that is sent at once comes to. */
  outcome = 1;
  readonly ring = { result: 0 };
  readonly sent: SentBuffers;
  readonly sends: SegmentedSends;
  readonly flow: number;

  constructor() {
    super({ listeners: [{}] });
    this.sent = new SentBuffers(this.context.pool);
    const ring = Object.assign(this.ring, {
      sendBurstNow: (...asked: unknown[]) => {
        const [fd, , , , port, , offset, bytes, segmentBytes] = asked as number[];
        this.tried.push([fd, port, offset, bytes, segmentBytes]);
        return this.outcome;
      },
      sendMessage: (...asked: unknown[]) => {
        const [fd, , , , port, , offset, bytes, segmentBytes, kind, index] = asked as number[];
        this.asked.push([fd, port, offset, bytes, segmentBytes, kind, index]);
      },
    });
    this.sends = new SegmentedSends(
      ring as unknown as Ring,
      this.flows,
      this.sockets,
      this.sent,
    );
    this.flow = this.flows.open(keyOf("10.0.0.1", 5000), 0);
    this.flows.fd[this.flow] = 7;
  }

  /** Sends the first bursts, which show that both paths take them. */
  prove(): this {
    this.sends.send(this.flow, false, BUFFER, AT, 250, 100);
    this.sends.send(this.flow, true, BUFFER, AT, 250, 100);
    assert.deepEqual(this.asked, []);
    return this;
  }

  fail(errno: number): number {
    this.asked.length = 0;
    this.ring.result = -errno;
    return this.sends.onFailed(BUFFER);
  }
}

const REST = [
  [7, -1, AT, 100, 0, FORWARDED, 0],
  [7, -1, AT + 100, 100, 0, FORWARDED, 0],
  [7, -1, AT + 200, 50, 0, FORWARDED, 0],
];

Deno.test("a payload is as many datagrams as segments begin in it", () => {
  assert.deepEqual([0, 1, 99, 100, 101, 200].map((bytes) => countDatagrams(bytes, 100)), [
    ...[0, 1, 1, 1, 2, 2],
  ]);
  assert.equal(countDatagrams(0, 0), 1);
});

Deno.test("the first burst of each direction is sent at once, to see if the path takes it", () => {
  const bursts = new Bursts().prove();
  assert.deepEqual(bursts.tried, [[7, -1, AT, 250, 100], [20, 5000, AT, 250, 100]]);
});

Deno.test("a first burst that the path does not take goes one by one, before what follows", () => {
  const bursts = new Bursts();
  bursts.outcome = -EMSGSIZE;
  assert.equal(bursts.sends.send(bursts.flow, false, BUFFER, AT, 250, 100), 0);
  assert.deepEqual(bursts.asked, REST);
  bursts.sends.send(bursts.flow, false, BUFFER, AT, 250, 100);
  assert.equal(bursts.tried.length, 1, "and none is tried again");
});

Deno.test("a first burst that a full socket or a closed port refuses is lost, and told", () => {
  const bursts = new Bursts();
  bursts.outcome = -ECONNREFUSED;
  assert.equal(bursts.sends.send(bursts.flow, false, BUFFER, AT, 250, 100), -ECONNREFUSED);
  bursts.outcome = -EAGAIN;
  assert.equal(bursts.sends.send(bursts.flow, false, BUFFER, AT, 250, 100), -EAGAIN);
  assert.equal(bursts.tried.length, 2, "nothing is known of the path yet");
  assert.deepEqual(bursts.asked, []);
});

Deno.test("then a burst leaves as one send, towards the server and back to the client", () => {
  const bursts = new Bursts().prove();
  bursts.sends.send(bursts.flow, false, BUFFER, AT, 250, 100);
  bursts.sends.send(bursts.flow, true, BUFFER, AT, 250, 100);
  assert.deepEqual(bursts.asked, [
    [7, -1, AT, 250, 100, SEGMENTS, BUFFER],
    [20, 5000, AT, 250, 100, SEGMENTS, BUFFER],
  ]);
});

Deno.test("what is left of a burst may be a single datagram", () => {
  const bursts = new Bursts();
  bursts.sends.send(bursts.flow, false, BUFFER, AT, 60, 100);
  assert.deepEqual(bursts.asked, [[7, -1, AT, 60, 0, FORWARDED, bursts.flow]]);
});

Deno.test("a path that takes no bursts gets each datagram, now and from then on", () => {
  for (const errno of [EMSGSIZE, EIO]) {
    const bursts = new Bursts().prove();
    bursts.sends.send(bursts.flow, false, BUFFER, AT, 250, 100);
    assert.equal(bursts.fail(errno), 0);
    assert.deepEqual(bursts.asked, REST);
    bursts.asked.length = 0;
    bursts.sends.send(bursts.flow, false, BUFFER, AT, 250, 100);
    assert.deepEqual(bursts.asked, REST);
    // The other direction is another path.
    bursts.asked.length = 0;
    bursts.sends.send(bursts.flow, true, BUFFER, AT, 250, 100);
    assert.equal(bursts.asked.length, 1);
  }
});

Deno.test("replies go one by one to the client's address", () => {
  const bursts = new Bursts().prove();
  bursts.sends.send(bursts.flow, true, BUFFER, AT, 150, 100);
  assert.equal(bursts.fail(EMSGSIZE), 0);
  assert.deepEqual(bursts.asked, [
    [20, 5000, AT, 100, 0, REPLIED, bursts.flow],
    [20, 5000, AT + 100, 50, 0, REPLIED, bursts.flow],
  ]);
});

Deno.test("what a full socket or a closed port refuses is lost, and how many is told", () => {
  const bursts = new Bursts().prove();
  for (const errno of [EAGAIN, ECONNREFUSED]) {
    bursts.sends.send(bursts.flow, false, BUFFER, AT, 250, 100);
    assert.equal(bursts.fail(errno), 3);
    assert.deepEqual(bursts.asked, []);
    assert.equal(bursts.sends.flowOf(BUFFER), bursts.flow);
    assert.equal(bursts.sends.isReply(BUFFER), false);
  }
});

Deno.test("the burst of a flow that has ended is lost, not sent from another's socket", () => {
  const bursts = new Bursts().prove();
  bursts.sends.send(bursts.flow, false, BUFFER, AT, 250, 100);
  bursts.flows.close(bursts.flow);
  assert.equal(bursts.flows.state[bursts.flow], CLOSING);
  bursts.flows.fd[bursts.flow] = -1;
  bursts.flows.free(bursts.flow);
  assert.equal(bursts.sends.flowOf(BUFFER), -1);
  assert.equal(bursts.fail(EMSGSIZE), 3);
  assert.deepEqual(bursts.asked, []);
});
