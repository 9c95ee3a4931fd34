import assert from "node:assert/strict";
import { clientCountsFloats } from "../limit/client_counts.ts";
import { rateTableFloats } from "../limit/rate_table.ts";
import { QUIC_DIRECTORY_FLOATS, SHARED_CLIENTS } from "../limits.ts";
import { LISTENER_OPEN, TUNNELS_OPEN, TURNS } from "../metrics/metric_names.ts";
import { listenerOffset, sharedBytes } from "../metrics/shared_state.ts";
import type { BackendPlan, ListenerPlan } from "./plan.ts";
import { ServerBoard } from "./server_board.ts";
import { regionBytes, type RegionShape, regionShape, SharedRegion } from "./shared_region.ts";

const PLAIN: RegionShape = {
  workers: 2,
  listeners: 3,
  servers: 4,
  backends: 2,
  lines: 2,
  countsClients: false,
  ratesClients: [false, false, false],
  learnsQuic: false,
};
const FULL: RegionShape = {
  ...PLAIN,
  countsClients: true,
  ratesClients: [true, false, true],
  learnsQuic: true,
};

function makeRegion(shape: RegionShape, bytes = regionBytes(shape)): SharedRegion {
  return new SharedRegion(new ArrayBuffer(bytes), shape);
}

/** All that a region consists of. */
function viewsOf(region: SharedRegion): Float64Array[] {
  const { state, board, rateCells, clientTables, clientRateCells, quicTables } = region;
  const rates = clientRateCells.filter((cells) => cells !== null);
  return [...state.rows, board.cells, rateCells, ...clientTables, ...rates, ...quicTables];
}

Deno.test("the parts are apart from one another and fill the region", () => {
  for (const shape of [PLAIN, FULL, { ...FULL, countsClients: false }]) {
    const views = viewsOf(makeRegion(shape));
    let end = 0;
    for (const view of views) {
      assert.equal(view.byteOffset, end);
      end += view.byteLength;
    }
    assert.equal(end, regionBytes(shape));
  }
});

Deno.test("tables are there only where something asks for them", () => {
  const plain = makeRegion(PLAIN);
  assert.equal(regionBytes(PLAIN), sharedBytes(PLAIN) + 8 * (3 + ServerBoard.floats(PLAIN)));
  assert.deepEqual([plain.clientTables, plain.quicTables], [[], []]);
  assert.deepEqual(plain.clientRateCells, [null, null, null]);
  assert.equal(plain.rateCells.length, 3);

  const full = makeRegion(FULL);
  const lengths = (tables: readonly (Float64Array | null)[]) => tables.map((each) => each?.length);
  const clients = clientCountsFloats(SHARED_CLIENTS);
  const rates = rateTableFloats(SHARED_CLIENTS);
  assert.deepEqual(lengths(full.clientTables), [clients, clients]);
  assert.deepEqual(lengths(full.clientRateCells), [rates, undefined, rates]);
  assert.deepEqual(lengths(full.quicTables), [QUIC_DIRECTORY_FLOATS, QUIC_DIRECTORY_FLOATS]);
});

Deno.test("memory that is too small is noticed", () => {
  assert.throws(() => makeRegion(FULL, regionBytes(FULL) - 8), /holds everything/);
});

Deno.test("all processes see the same numbers", () => {
  const buffer = new ArrayBuffer(regionBytes(FULL));
  const one = viewsOf(new SharedRegion(buffer, FULL));
  const other = viewsOf(new SharedRegion(buffer, FULL));
  one.forEach((view, i) => {
    view[0] = i + 1;
    view[view.length - 1] = -i - 1;
  });
  other.forEach((view, i) => assert.deepEqual([view[0], view.at(-1)], [i + 1, -i - 1]));
});

Deno.test("of a dead worker what it held open is forgotten, of the others nothing", () => {
  const region = makeRegion(FULL);
  for (const view of viewsOf(region)) view.fill(7);
  region.clearWorker(1);
  const gauges = [TUNNELS_OPEN, listenerOffset(2) + LISTENER_OPEN];
  for (const at of gauges) {
    assert.deepEqual([region.state.rows[0][at], region.state.rows[1][at]], [7, 0]);
  }
  assert.equal(region.state.rows[1][TURNS], 7, "a total stays");
  assert.ok(region.clientTables[1].every((value) => value === 0));
  assert.ok(region.clientTables[0].every((value) => value === 7));
  // Rates go on, and what was learned of servers stays true.
  const kept = [region.rateCells, region.clientRateCells[0]!, ...region.quicTables];
  for (const view of kept) assert.ok(view.every((value) => value === 7));
  makeRegion(PLAIN).clearWorker(1);
});

Deno.test("the shape follows from the plan", () => {
  const listener = { connectionsPerIpMax: 0, connectionRatePerIp: null } as ListenerPlan;
  const backend = { hashOn: [], servers: [{}, {}], subsets: [[0, 1]] } as unknown as BackendPlan;
  const plan = { workers: 2, listeners: [listener, listener, listener] };
  assert.deepEqual(regionShape({ ...plan, backends: [backend, backend] }), PLAIN);
  const rated = { ...listener, connectionRatePerIp: { perSecond: 1, burst: 1 } };
  const limited = { ...rated, connectionsPerIpMax: 1 };
  const quic = { ...backend, hashOn: ["quic_connection_id"] } as const;
  assert.deepEqual(
    regionShape({ workers: 2, listeners: [rated, listener, limited], backends: [quic, backend] }),
    FULL,
  );
  const hashing = { ...backend, hashOn: ["source_ip"] } as const;
  assert.equal(regionShape({ ...plan, backends: [hashing] }).learnsQuic, false);
});
