import assert from "node:assert/strict";
import fc from "fast-check";
import * as metric from "../metrics/metric_names.ts";
import { listenerOffset, rowLength, serverOffset } from "../metrics/shared_state.ts";
import { TunnelAccount } from "./tunnel_account.ts";
import { ASKED, CLOSING, ENDED, MEASURED, Tunnels } from "./tunnels.ts";

const SHAPE = { workers: 1, listeners: 2, servers: 3, backends: 1, lines: 1 };

/** A tunnel in the second slot, of the second listener and the third server. */
function makeAccount() {
  const clock = { nowMs: 500 };
  const tunnels = new Tunnels(4);
  tunnels.open(10);
  const slot = tunnels.open(11);
  const [client, server] = [slot * 2, slot * 2 + 1];
  tunnels.listenerAt[slot] = listenerOffset(1);
  tunnels.serverAt[slot] = serverOffset(SHAPE, 2);
  tunnels.flags[server] |= MEASURED;
  const row = new Float64Array(rowLength(SHAPE));
  const account = new TunnelAccount(clock, tunnels, row);
  const ofListener = (which: number) => row[listenerOffset(1) + which];
  const ofServer = (which: number) => row[serverOffset(SHAPE, 2) + which];
  return { clock, tunnels, slot, client, server, row, account, ofListener, ofServer };
}

// ---- Bytes ----------------------------------------------------------------------------------

Deno.test("bytes are counted by whose they are: the listener's clients, or the server", () => {
  const { account, client, server, ofListener, ofServer, row } = makeAccount();
  account.received(client, 1);
  account.received(server, 20);
  account.sent(client, 300);
  account.sent(server, 4000);
  const { LISTENER_RECEIVED_BYTES, LISTENER_SENT_BYTES } = metric;
  const { SERVER_RECEIVED_BYTES, SERVER_SENT_BYTES } = metric;
  assert.deepEqual([ofListener(LISTENER_RECEIVED_BYTES), ofListener(LISTENER_SENT_BYTES)], [
    1,
    300,
  ]);
  assert.deepEqual([ofServer(SERVER_RECEIVED_BYTES), ofServer(SERVER_SENT_BYTES)], [20, 4000]);
  assert.equal(row.reduce((sum, each) => sum + each), 4321, "and nowhere else");
});

Deno.test("bytes of any direction keep a tunnel from being idle", () => {
  const { account, clock, tunnels, slot, client, server } = makeAccount();
  const moves = [
    () => account.received(client, 1),
    () => account.received(server, 1),
    () => account.sent(client, 1),
    () => account.sent(server, 0),
    () => account.touch(slot),
  ];
  for (const move of moves) {
    clock.nowMs += 100;
    move();
    assert.equal(tunnels.activeMs[slot], clock.nowMs);
  }
  assert.equal(tunnels.activeMs[slot - 1], 0, "the tunnel that they belong to");
});

// ---- How long a server takes ----------------------------------------------------------------

Deno.test("what comes from a server that was asked nothing is no answer", () => {
  const { account, server } = makeAccount();
  assert.equal(account.measure(server), false, "a greeting");
});

Deno.test("the first bytes after a question are its answer, the others belong to it", () => {
  const { account, clock, tunnels, slot, client, server } = makeAccount();
  assert.equal(account.measure(client), false);
  clock.nowMs += 30;
  assert.equal(account.measure(server), true);
  assert.equal(tunnels.askedMs[slot], 500);
  assert.equal(account.measure(server), false);
});

Deno.test("a question that comes in pieces is asked with the last of them", () => {
  const { account, clock, tunnels, slot, client, server } = makeAccount();
  account.measure(client);
  clock.nowMs += 1000;
  account.measure(client);
  clock.nowMs += 5;
  assert.equal(account.measure(server), true);
  assert.equal(clock.nowMs - tunnels.askedMs[slot], 5);
});

Deno.test("each answer is to what was asked since the one before it", () => {
  const word = fc.record({ isClient: fc.boolean(), afterMs: fc.nat(50) });
  fc.assert(fc.property(fc.array(word), (words) => {
    const { account, clock, tunnels, slot, client, server } = makeAccount();
    let askedMs = NaN;
    for (const { isClient, afterMs } of words) {
      clock.nowMs += afterMs;
      const isAnswer = account.measure(isClient ? client : server);
      assert.equal(isAnswer, !isClient && !isNaN(askedMs));
      if (isAnswer) assert.equal(tunnels.askedMs[slot], askedMs);
      askedMs = isClient ? clock.nowMs : NaN;
      assert.equal((tunnels.flags[server] & ASKED) !== 0, isClient);
      assert.ok((tunnels.flags[server] & MEASURED) !== 0, "it goes on being measured");
    }
    assert.equal(tunnels.flags[client], 0);
  }));
});

// ---- Who breaks off -------------------------------------------------------------------------

Deno.test("a server that resets while its client wants something has broken off", () => {
  const { account, tunnels, slot, server, ofServer } = makeAccount();
  account.broken(server);
  assert.equal(ofServer(metric.SERVER_RESETS), 1);
  assert.equal(tunnels.isBroken[slot], 1);
  assert.equal(tunnels.isBroken[slot - 1], 0);
});

Deno.test("a reset after the client's end is counted, and how many servers hang up", () => {
  const { account, tunnels, slot, client, server, ofServer } = makeAccount();
  tunnels.flags[client] |= ENDED;
  account.broken(server);
  assert.equal(ofServer(metric.SERVER_RESETS), 1);
  assert.equal(tunnels.isBroken[slot], 0);
});

Deno.test("a slot that is used again begins unbroken", () => {
  const { account, tunnels, slot, server } = makeAccount();
  account.broken(server);
  tunnels.state[slot] = CLOSING;
  tunnels.free(slot);
  assert.equal(tunnels.isBroken[tunnels.open(12)], 0);
});
