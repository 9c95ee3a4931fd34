import assert from "node:assert/strict";
import fc from "fast-check";
import * as tunnel from "../../connection/tunnels.ts";
import { Tunnels } from "../../connection/tunnels.ts";
import { PENDING_STALLED_MS } from "../../limits.ts";
import { BACKEND_PENDING, HEARTBEAT, LINE_OLDEST } from "../../metrics/metric_names.ts";
import { lineOffset } from "../../metrics/shared_state.ts";
import { ADDRESS_SLOT_BYTES } from "../../ring/ring.ts";
import { makeBackends } from "../../upstream/backend.ts";
import type { BackendPlan } from "../../upstream/plan.ts";
import { regionBytes, regionShape, SharedRegion } from "../../upstream/shared_region.ts";
import { backendPlan, serverPlan, workerPlan } from "../../upstream/test_plan.ts";
import type { ProxyContext } from "../proxy_context.ts";
import { PendingQueue } from "./pending_queue.ts";

const NOON_MS = 1_000_000;
const SERVERS = [serverPlan("a"), serverPlan("b")];
/** Of a backend that two listeners use, one of them a part of its servers. */
const SUBSETS = [[0, 1], [1]];

/**
 * Workers with a queue each, on one clock, for a backend behind another one. All of them are alive
 * as of the start.
 */
function makeQueues(workers = 2, more: Partial<BackendPlan> = {}) {
  const backends = [
    backendPlan({ name: "other" }),
    backendPlan({ servers: SERVERS, subsets: SUBSETS, ...more }),
  ];
  const clock = { nowMs: NOON_MS, addresses: new Uint8Array(16 * ADDRESS_SLOT_BYTES) };
  const plans = Array.from(
    { length: workers },
    (_, worker) => workerPlan({ worker, workers, backends }),
  );
  const shape = regionShape(plans[0]);
  const region = new SharedRegion(new ArrayBuffer(regionBytes(shape)), shape);
  const queues = plans.map((plan, worker) => {
    const row = region.state.rows[worker];
    row[HEARTBEAT] = NOON_MS;
    const [, backend] = makeBackends(plan, 0, clock, region);
    const tunnels = new Tunnels(8);
    const context = { region, row, ring: clock, plan } as unknown as ProxyContext;
    const queue = new PendingQueue(context, tunnels);
    /** A client comes to this worker and joins the line of a subset: its slot, or -1. */
    const come = (subset = 0) => {
      const slot = tunnels.open(10);
      tunnels.subset[slot] = subset;
      if (queue.hasRoom(backend)) {
        queue.join(slot, backend);
        return slot;
      }
      tunnels.state[slot] = tunnel.CLOSING;
      tunnels.free(slot);
      return -1;
    };
    const leave = (slot: number) => {
      queue.leave(slot, backend);
      tunnels.state[slot] = tunnel.CLOSING;
      tunnels.free(slot);
    };
    return { queue, backend, tunnels, row, come, leave };
  });
  const line = (subset = 0) => queues[0].backend.firstLine + subset;
  const oldest = (worker: number, subset = 0) =>
    queues[worker].row[lineOffset(shape, line(subset)) + LINE_OLDEST];
  return { clock, region, queues, line, oldest };
}

// ---- Joining and leaving --------------------------------------------------------------------

Deno.test("who joins is queued from now on, and counted", () => {
  const { clock, queues: [{ queue, backend, tunnels, row, come }], line } = makeQueues();
  assert.deepEqual([queue.isEmpty, queue.first(line()), queue.hasWaiting(backend)], [
    true,
    -1,
    false,
  ]);
  clock.nowMs += 7;
  const slot = come();
  assert.deepEqual([tunnels.state[slot], tunnels.activeMs[slot]], [tunnel.QUEUED, NOON_MS + 7]);
  assert.equal(row[backend.at + BACKEND_PENDING], 1);
  assert.deepEqual([queue.isEmpty, queue.first(line()), queue.hasWaiting(backend)], [
    false,
    slot,
    true,
  ]);
});

Deno.test("first come, first served, also when others leave from the middle", () => {
  const { clock, queues: [{ queue, come, leave }], line, oldest } = makeQueues();
  const slots = [0, 1, 2, 3].map(() => {
    clock.nowMs += 10;
    return come();
  });
  leave(slots[1]);
  const order: number[] = [];
  const since: number[] = [];
  for (let first = queue.first(line()); first >= 0; first = queue.first(line())) {
    order.push(first);
    since.push(oldest(0));
    leave(first);
  }
  assert.deepEqual(order, [slots[0], slots[2], slots[3]]);
  assert.deepEqual(since, [NOON_MS + 10, NOON_MS + 30, NOON_MS + 40], "the others see since when");
  assert.equal(oldest(0), 0);
});

Deno.test("who leaves waits no more, and is counted no more", () => {
  const { queues: [{ queue, backend, row, come, leave }] } = makeQueues();
  leave(come());
  assert.deepEqual([queue.isEmpty, queue.hasWaiting(backend)], [true, false]);
  assert.equal(row[backend.at + BACKEND_PENDING], 0);
});

Deno.test("those who want other servers wait in a line of their own", () => {
  const { queues: [{ queue, come }], line } = makeQueues();
  const [all, some] = [come(0), come(1)];
  assert.deepEqual([queue.first(line(0)), queue.first(line(1))], [all, some]);
  assert.notEqual(line(0), 0, "the lines of other backends come first");
});

Deno.test("so many may wait for a backend, in all lines and workers together", () => {
  const { queues: [mine, other] } = makeQueues(2, { pendingMax: 3 });
  assert.ok(mine.come(0) >= 0);
  const slot = other.come(1);
  assert.ok(other.come(0) >= 0);
  assert.equal(mine.come(0), -1);
  assert.equal(other.come(1), -1);
  other.leave(slot);
  assert.ok(mine.come(1) >= 0);
});

Deno.test("where nobody may wait nobody does", () => {
  const { queues: [{ queue, come }] } = makeQueues(1, { pendingMax: 0 });
  assert.equal(come(), -1);
  assert.ok(queue.isEmpty);
});

// ---- Several workers ------------------------------------------------------------------------

Deno.test("somebody who waits in another worker is seen, too", () => {
  const { queues: [mine, other], line } = makeQueues();
  other.come();
  assert.equal(mine.queue.hasWaiting(mine.backend), true);
  assert.deepEqual([mine.queue.isEmpty, mine.queue.first(line())], [true, -1]);
});

Deno.test("a place is for the worker whose first has waited longest", () => {
  const { clock, queues: [mine, other], line } = makeQueues();
  const first = other.come();
  clock.nowMs += 5;
  mine.come();
  clock.nowMs += 5;
  other.come();
  const turn = () => [mine, other].map(({ queue }) => queue.isFirstOfAll(line()));
  assert.deepEqual(turn(), [false, true]);
  other.leave(first);
  assert.deepEqual(turn(), [true, false]);
});

Deno.test("of two who came in the same millisecond it is the turn of one", () => {
  const { queues, line } = makeQueues(3);
  for (const { come } of queues) come();
  const turn = queues.map(({ queue }) => queue.isFirstOfAll(line()));
  assert.deepEqual(turn, [true, false, false]);
});

Deno.test("a worker that stands still loses its turn, and has it back when it goes on", () => {
  const { clock, queues: [stuck, mine], line } = makeQueues();
  stuck.come();
  clock.nowMs += 1;
  mine.come();
  assert.equal(mine.queue.isFirstOfAll(line()), false);
  clock.nowMs = NOON_MS + PENDING_STALLED_MS;
  mine.row[HEARTBEAT] = clock.nowMs;
  assert.equal(mine.queue.isFirstOfAll(line()), false, "not yet");
  clock.nowMs += 1;
  assert.equal(mine.queue.isFirstOfAll(line()), true);
  stuck.row[HEARTBEAT] = clock.nowMs;
  assert.equal(mine.queue.isFirstOfAll(line()), false);
});

Deno.test("a worker that has died is waited for by nobody", () => {
  const { clock, region, queues: [dead, mine], line } = makeQueues();
  dead.come();
  clock.nowMs += 1;
  mine.come();
  region.clearWorker(0);
  assert.equal(mine.queue.isFirstOfAll(line()), true);
  mine.leave(mine.queue.first(line()));
  assert.equal(mine.queue.hasWaiting(mine.backend), false);
});

Deno.test("it is always the turn of exactly one worker, and the one who has waited longest", () => {
  const step = fc.record({
    worker: fc.nat(2),
    subset: fc.nat(1),
    isJoin: fc.boolean(),
    which: fc.nat(7),
    passedMs: fc.nat(2),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const { clock, queues, line, oldest } = makeQueues(3);
    /** Who waits: by coming, in each worker and subset. */
    const waiting = queues.map(() => [[], []] as number[][]);
    for (const { worker, subset, isJoin, which, passedMs } of steps) {
      clock.nowMs += passedMs;
      const { come, leave, tunnels } = queues[worker];
      const mine = waiting[worker][subset];
      if (isJoin && tunnels.freeCount > 0) mine.push(come(subset));
      else if (!isJoin && mine.length > 0) leave(mine.splice(which % mine.length, 1)[0]);

      for (const each of [0, 1]) {
        const firsts = waiting.map((lines) => lines[each][0] ?? -1);
        assert.deepEqual(queues.map(({ queue }) => queue.first(line(each))), firsts);
        const waits = firsts.flatMap((slot, i) => slot < 0 ? [] : [i]);
        if (waits.length > 0) assert.ok(queues[0].queue.hasWaiting(queues[0].backend));
        const turn = waits.filter((i) => queues[i].queue.isFirstOfAll(line(each)));
        assert.equal(turn.length, waits.length === 0 ? 0 : 1);
        for (const i of waits) assert.ok(oldest(turn[0], each) <= oldest(i, each));
      }
    }
  }));
});

// ---- Serving --------------------------------------------------------------------------------

Deno.test("of several lines that is served next whose first has waited longest", () => {
  const { clock, queues: [{ queue, backend, come, leave }], line } = makeQueues();
  const first = come(1);
  clock.nowMs += 5;
  come(0);
  queue.beginServing();
  assert.equal(queue.nextLine(backend), line(1));
  queue.passOver(line(1));
  assert.equal(queue.nextLine(backend), line(0), "the others do not wait for what it wants");
  queue.passOver(line(0));
  assert.equal(queue.nextLine(backend), -1);
  queue.beginServing();
  leave(first);
  assert.equal(queue.nextLine(backend), line(0));
});

Deno.test("who tries again stands apart: served first, and in nobody's way", () => {
  const { clock, queues: [mine, other], line, oldest } = makeQueues();
  const { queue, backend, tunnels, row } = mine;
  const slot = tunnels.open(10);
  tunnels.attempts[slot] = 1;
  queue.join(slot, backend);
  assert.deepEqual([queue.first(line()), oldest(0)], [-1, 0]);
  assert.equal(other.queue.hasWaiting(other.backend), false, "newcomers need not wait for it");
  assert.equal(row[backend.at + BACKEND_PENDING], 1, "but it takes a place among those who wait");
  clock.nowMs += 5;
  mine.come();
  queue.beginServing();
  const again = queue.nextLine(backend);
  assert.equal(queue.first(again), slot);
  assert.ok(queue.isFirstOfAll(again));
  queue.passOver(again);
  assert.equal(queue.nextLine(backend), line());
});

Deno.test("a worker that stands still keeps nobody from a place, nor from waiting", () => {
  const { clock, queues: [mine, other] } = makeQueues(2, { pendingMax: 1 });
  other.come();
  assert.deepEqual([mine.queue.hasWaiting(mine.backend), mine.queue.hasRoom(mine.backend)], [
    true,
    false,
  ]);
  clock.nowMs += PENDING_STALLED_MS + 1;
  assert.deepEqual([mine.queue.hasWaiting(mine.backend), mine.queue.hasRoom(mine.backend)], [
    false,
    true,
  ]);
});
