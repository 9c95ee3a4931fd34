import assert from "node:assert/strict";
import { OPEN, PAUSED, SENDING, SENDING_NOW, SETTLING, Tunnels } from "./tunnels.ts";
import { UnsettledSends } from "./unsettled_sends.ts";

function makeSends(after: (endpoint: number) => void = () => {}) {
  const tunnels = new Tunnels(4);
  for (let slot = 0; slot < 4; slot++) tunnels.state[tunnels.open(slot)] = OPEN;
  const settled: number[] = [];
  const sends = new UnsettledSends(tunnels, {
    onSettled(endpoint) {
      settled.push(endpoint);
      after(endpoint);
    },
  });
  return { tunnels, sends, settled };
}

/** What the relay does when such a send reports that it fell short. */
function fallShort(tunnels: Tunnels, endpoint: number): void {
  tunnels.flags[endpoint] &= ~(SENDING | SENDING_NOW | SETTLING);
}

Deno.test("a send is over after the turn that submits it, not the one it is asked in", () => {
  const { sends, settled, tunnels } = makeSends();
  sends.beginTurn();
  sends.add(3);
  sends.settle();
  assert.deepEqual(settled, []);
  assert.equal((tunnels.flags[3] & SENDING) !== 0, true);
  sends.beginTurn();
  sends.settle();
  assert.deepEqual(settled, [3]);
  assert.equal(tunnels.flags[3] & SENDING, 0);
});

Deno.test("a send that fell short is not over", () => {
  const { sends, settled, tunnels } = makeSends();
  sends.add(2);
  sends.beginTurn();
  fallShort(tunnels, 2);
  sends.settle();
  assert.deepEqual(settled, []);
});

Deno.test("what follows a send while settling is for the next turn", () => {
  let more = 2;
  const { sends, settled } = makeSends((endpoint) => {
    if (more-- > 0) sends.add(endpoint);
  });
  sends.add(1);
  for (const expected of [1, 2, 3, 3]) {
    sends.beginTurn();
    sends.settle();
    assert.equal(settled.length, expected);
  }
});

Deno.test("a send that was handed over early and failed may be asked for again", () => {
  const { sends, settled, tunnels } = makeSends();
  sends.add(0);
  sends.beginTurn();
  fallShort(tunnels, 0);
  sends.add(0);
  sends.settle();
  assert.deepEqual(settled, []);
  sends.beginTurn();
  sends.settle();
  assert.deepEqual(settled, [0]);
});

Deno.test("a turn must not wait when a send of it leaves something to do", () => {
  const { sends, tunnels } = makeSends();
  sends.add(4);
  assert.equal(sends.beginTurn(), false);
  sends.settle();
  tunnels.flags[5] |= PAUSED;
  sends.add(4);
  assert.equal(sends.beginTurn(), true);
  sends.settle();
  tunnels.flags[5] = 0;
  tunnels.queueHead[6] = 9;
  sends.add(6);
  assert.equal(sends.beginTurn(), true);
});

Deno.test("one send is in flight per endpoint", () => {
  const { sends } = makeSends();
  sends.add(1);
  assert.throws(() => sends.add(1), /one send in flight/);
});
