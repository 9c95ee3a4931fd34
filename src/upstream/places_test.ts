import assert from "node:assert/strict";
import fc from "fast-check";
import { SERVER_OPEN } from "../metrics/metric_names.ts";
import { serverOffset, sharedBytes, SharedState } from "../metrics/shared_state.ts";
import { Places } from "./places.ts";
import type { BackendPlan } from "./plan.ts";
import { backendPlan, serverPlan } from "./test_plan.ts";

const BEFORE = 2;

/** The servers' limits, and each worker's view of the places; two servers of others come first. */
function makePlaces(limits: readonly number[], workers = 2, more: Partial<BackendPlan> = {}) {
  const servers = BEFORE + limits.length;
  const shape = { workers, listeners: 1, servers, backends: 2, lines: 2 };
  const shared = new SharedState(new ArrayBuffer(sharedBytes(shape)), shape);
  const plan = backendPlan({
    servers: limits.map((connectionsMax, i) => serverPlan(`${i}`, { connectionsMax })),
    ...more,
  });
  const views = shared.rows.map((row) => {
    const open = new Int32Array(limits.length);
    return { open, row, places: new Places(plan, BEFORE, shared, row, open) };
  });
  const at = (server: number) => serverOffset(shape, BEFORE + server) + SERVER_OPEN;
  return { shared, views, at };
}

Deno.test("without any limit every claim is a place, and counts", () => {
  const { views: [{ places, row }], at } = makePlaces([0, 0]);
  assert.equal(places.isLimited, false);
  for (let i = 0; i < 5; i++) assert.ok(places.claim(1));
  assert.deepEqual([row[at(0)], row[at(1)]], [0, 5]);
});

Deno.test("a limit of one server, or of the backend, makes it a matter of places", () => {
  assert.equal(makePlaces([0, 7]).views[0].places.isLimited, true);
  assert.equal(makePlaces([0, 0], 2, { connectionsMax: 9 }).views[0].places.isLimited, true);
});

Deno.test("what is open is the sum over all workers, by server", () => {
  const { views: [mine, other], at } = makePlaces([0, 0, 0]);
  mine.row[at(0)] = 1;
  other.row[at(0)] = 2;
  other.row[at(2)] = 4;
  mine.places.sum();
  assert.deepEqual([...mine.open], [3, 0, 4]);
  assert.deepEqual([...other.open], [0, 0, 0], "each looks for itself");
});

Deno.test("a server is full at its limit, as of when it was last looked", () => {
  const { views: [mine, other], at } = makePlaces([2, 0]);
  mine.row[at(0)] = 1;
  other.row[at(0)] = 1;
  other.row[at(1)] = 1000;
  assert.equal(mine.places.isServerFull(0), false);
  mine.places.sum();
  assert.deepEqual([mine.places.isServerFull(0), mine.places.isServerFull(1)], [true, false]);
  assert.equal(mine.places.isBackendFull, false, "it has no limit of its own");
});

Deno.test("a backend is full when its servers have so many together", () => {
  const { views: [mine, other], at } = makePlaces([0, 0], 2, { connectionsMax: 3 });
  mine.row[at(0)] = 1;
  other.row[at(1)] = 1;
  mine.places.sum();
  assert.equal(mine.places.isBackendFull, false);
  assert.ok(mine.places.claim(0));
  assert.equal(mine.places.isBackendFull, true);
  assert.equal(mine.places.claim(1), false);
  assert.equal(mine.row[at(1)], 0);
});

Deno.test("connections to servers of other backends take no places", () => {
  const { shared, views: [{ places }] } = makePlaces([1], 2, { connectionsMax: 1 });
  for (const row of shared.rows) {
    for (let server = 0; server < BEFORE; server++) {
      row[serverOffset(shared.shape, server) + SERVER_OPEN] = 50;
    }
  }
  assert.ok(places.claim(0));
});

Deno.test("a claim that comes too late leaves nothing behind", () => {
  const { views: [mine, other], at } = makePlaces([1]);
  mine.places.sum();
  other.places.sum();
  assert.equal(mine.places.isServerFull(0) || other.places.isServerFull(0), false);
  assert.ok(other.places.claim(0));
  assert.equal(mine.places.claim(0), false);
  assert.deepEqual([mine.row[at(0)], other.row[at(0)]], [0, 1]);
});

Deno.test("of two who count at the same moment none keeps a place that is not there", () => {
  const { views: [mine, other], at } = makePlaces([1]);
  other.row[at(0)]++; // it has counted, and not looked yet
  assert.equal(mine.places.claim(0), false);
  assert.equal(mine.row[at(0)], 0, "and the other one may find that it is alone");
});

Deno.test("no limit is ever exceeded, and no place is refused that is free", () => {
  const step = fc.record({
    worker: fc.nat(2),
    server: fc.nat(2),
    isClaim: fc.boolean(),
  });
  const limit = fc.nat(4);
  const limits = fc.array(limit, { minLength: 3, maxLength: 3 });
  fc.assert(fc.property(limits, limit, fc.array(step), (maxima, connectionsMax, steps) => {
    const { shared, views, at } = makePlaces(maxima, 3, { connectionsMax });
    const openTo = (server: number) => shared.sum(at(server));
    const openToAll = () => openTo(0) + openTo(1) + openTo(2);
    for (const { worker, server, isClaim } of steps) {
      const { places, row } = views[worker];
      if (!isClaim) {
        if (row[at(server)] > 0) row[at(server)]--;
        continue;
      }
      const before = openToAll();
      const isFree = (maxima[server] === 0 || openTo(server) < maxima[server]) &&
        (connectionsMax === 0 || before < connectionsMax);
      assert.equal(places.claim(server), isFree);
      assert.equal(openToAll(), before + (isFree ? 1 : 0));
    }
  }));
});
