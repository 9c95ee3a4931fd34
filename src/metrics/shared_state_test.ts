import assert from "node:assert/strict";
import {
  BACKEND_METRICS,
  LINE_METRICS,
  LISTENER_METRICS,
  LISTENER_OPEN,
  LISTENER_RECEIVED_BYTES,
  SERVER_METRICS,
  SERVER_OPEN,
  SERVER_RECEIVED_BYTES,
  TUNNELS_OPEN,
  TURNS,
  WORKER_METRICS,
} from "./metric_names.ts";
import * as names from "./metric_names.ts";
import {
  backendOffset,
  lineOffset,
  listenerOffset,
  rowLength,
  serverOffset,
  sharedBytes,
  SharedState,
} from "./shared_state.ts";

const SHAPE = { workers: 3, listeners: 2, servers: 5, backends: 2, lines: 3 };

function makeState(): SharedState {
  return new SharedState(new ArrayBuffer(sharedBytes(SHAPE)), SHAPE);
}

Deno.test("every number of a row has a place of its own", () => {
  const places = new Set<number>();
  for (let i = 0; i < WORKER_METRICS.length; i++) places.add(i);
  for (let listener = 0; listener < SHAPE.listeners; listener++) {
    for (let i = 0; i < LISTENER_METRICS.length; i++) places.add(listenerOffset(listener) + i);
  }
  for (let server = 0; server < SHAPE.servers; server++) {
    for (let i = 0; i < SERVER_METRICS.length; i++) places.add(serverOffset(SHAPE, server) + i);
  }
  for (let backend = 0; backend < SHAPE.backends; backend++) {
    for (let i = 0; i < BACKEND_METRICS.length; i++) places.add(backendOffset(SHAPE, backend) + i);
  }
  for (let line = 0; line < SHAPE.lines; line++) {
    for (let i = 0; i < LINE_METRICS.length; i++) places.add(lineOffset(SHAPE, line) + i);
  }
  assert.equal(
    places.size,
    WORKER_METRICS.length + 2 * LISTENER_METRICS.length + 5 * SERVER_METRICS.length +
      2 * BACKEND_METRICS.length + 3 * LINE_METRICS.length,
  );
  assert.ok(Math.max(...places) < rowLength(SHAPE));
});

Deno.test("no cache line is written by two workers", () => {
  assert.equal((rowLength(SHAPE) * 8) % 64, 0);
});

Deno.test("a metric is summed over all workers", () => {
  const state = makeState();
  const at = serverOffset(SHAPE, 4) + SERVER_OPEN;
  state.rows[0][at] = 2;
  state.rows[2][at] = 3;
  assert.equal(state.sum(at), 5);
});

Deno.test("a listener's metric is summed over all listeners, and nothing else with it", () => {
  const state = makeState();
  for (const [worker, row] of state.rows.entries()) {
    row.fill(1000);
    for (let listener = 0; listener < SHAPE.listeners; listener++) {
      row[listenerOffset(listener) + LISTENER_OPEN] = 10 * worker + listener + 1;
    }
  }
  // 1 + 2 of the first worker, 11 + 12 of the second, 21 + 22 of the third.
  assert.equal(state.sumOverListeners(LISTENER_OPEN), 69);
});

Deno.test("of a dead worker the gauges are forgotten and the totals kept", () => {
  const state = makeState();
  const gauges = [TUNNELS_OPEN, listenerOffset(1) + LISTENER_OPEN, serverOffset(SHAPE, 2)];
  const totals = [
    TURNS,
    listenerOffset(0) + LISTENER_RECEIVED_BYTES,
    serverOffset(SHAPE, 4) + SERVER_RECEIVED_BYTES,
  ];
  for (const row of state.rows) row.fill(7);
  state.clearGauges(1);
  for (const at of gauges) assert.equal(state.rows[1][at], 0);
  for (const at of totals) assert.equal(state.rows[1][at], 7);
  assert.ok(state.rows[0].every((value) => value === 7));
});

Deno.test("metric names have the field's form, are unique, and each has help", () => {
  const all = [
    ...WORKER_METRICS,
    ...LISTENER_METRICS,
    ...SERVER_METRICS,
    ...BACKEND_METRICS,
    ...LINE_METRICS,
  ];
  for (const { name, kind, help } of all) {
    assert.match(name, /^ringway_(worker|listener|server|backend|line)_[a-z_]+$/);
    assert.equal(name.endsWith("_total"), kind === "counter", name);
    assert.ok(help.length > 10, name);
  }
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
});

Deno.test("the constants are the places of the metrics they are named after", () => {
  const groups = [
    { rows: WORKER_METRICS, prefix: "ringway_worker_", constant: "" },
    { rows: LISTENER_METRICS, prefix: "ringway_listener_", constant: "LISTENER_" },
    { rows: SERVER_METRICS, prefix: "ringway_server_", constant: "SERVER_" },
    { rows: BACKEND_METRICS, prefix: "ringway_backend_", constant: "BACKEND_" },
    { rows: LINE_METRICS, prefix: "ringway_line_", constant: "LINE_" },
  ];
  const constants = names as unknown as Record<string, unknown>;
  for (const { rows, prefix, constant } of groups) {
    rows.forEach(({ name }, place) => {
      const words = name.slice(prefix.length).replace(/_(total|milliseconds|ratio)$/, "")
        .toUpperCase();
      const word = constant + words.replace(/^CONNECTIONS_(OPEN|REFUSED)$/, "$1");
      assert.equal(constants[word], place, `${word} is the place of ${name}`);
    });
  }
});
