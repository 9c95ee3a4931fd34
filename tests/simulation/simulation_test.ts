import assert from "node:assert/strict";
import * as metric from "../../src/metrics/metric_names.ts";
import { listenerOffset, serverOffset } from "../../src/metrics/shared_state.ts";
import { type Report, runSeed, Simulation } from "./simulation.ts";

const SEEDS = 200;

const reports: Report[] = [];

Deno.test(`whatever peers and the kernel do, every promise holds: ${SEEDS} seeds`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) reports.push(runSeed(seed));
  assert.equal(reports.length, SEEDS);
});

Deno.test("the seeds have met what they are there for", () => {
  const sum = (offset: number) => reports.reduce((all, { counters }) => all + counters[offset], 0);
  const shape = { workers: 1, listeners: 1, servers: 1 };
  const met = {
    "dry buffer lanes": metric.RECEIVES_STARVED,
    "queues at their high mark": metric.RECEIVE_PAUSES,
    "accepting that rests": metric.ACCEPT_PAUSES,
    "connects that time out": metric.CONNECT_TIMEOUTS,
    "idle timeouts": metric.IDLE_TIMEOUTS,
    "half-close timeouts": metric.HALF_CLOSE_TIMEOUTS,
    "resets passed on": metric.RESETS,
    "tunnels cut by a drain": metric.TUNNELS_CUT,
    "clients refused": listenerOffset(0) + metric.LISTENER_REFUSED,
    "waits for the listener's limit": listenerOffset(0) + metric.LISTENER_LIMIT_WAITS,
    "accepts that fail": listenerOffset(0) + metric.LISTENER_ACCEPT_ERRORS,
    "retries": serverOffset(shape, 0) + metric.SERVER_RETRIES,
  };
  for (const [what, offset] of Object.entries(met)) assert.ok(sum(offset) > 0, what);
});

Deno.test("the same seed is the same run", () => {
  for (const seed of [2, 17, 31]) {
    const lines = [0, 1].map(() => {
      const simulation = new Simulation(seed);
      const told: string[] = [];
      simulation.ring.trace = (line) => told.push(line);
      simulation.run();
      return told;
    });
    assert.ok(lines[0].length > 50);
    assert.deepEqual(lines[0], lines[1]);
  }
});
