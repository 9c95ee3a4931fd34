import assert from "node:assert/strict";
import * as metric from "../../src/metrics/metric_names.ts";
import { backendOffset, listenerOffset, serverOffset } from "../../src/metrics/shared_state.ts";
import { EVENTS } from "./balancing_witness.ts";
import { kindOf, SCENE_KINDS } from "./scene.ts";
import { type Report, runSeed, Simulation } from "./simulation.ts";

const SEEDS = 1000;

const reports: Report[] = [];

Deno.test(`whatever peers and the kernel do, every promise holds: ${SEEDS} seeds`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) reports.push(runSeed(seed));
  assert.equal(reports.length, SEEDS);
});

Deno.test("the seeds have met what they are there for", () => {
  const sum = (offset: number) => reports.reduce((all, { counters }) => all + counters[offset], 0);
  const listeners = (counter: number) => (isUdp: boolean) =>
    reports.reduce((all, { counters, protocols }) => {
      const rows = protocols.map((protocol, i) =>
        (protocol === "udp") === isUdp ? counters[listenerOffset(i) + counter] : 0
      );
      return all + rows.reduce((sum, count) => sum + count, 0);
    }, 0);
  const servers = (counter: number) =>
    reports.reduce((all, { counters, shape }) => {
      const row = (_: unknown, i: number) => counters[serverOffset(shape, i) + counter];
      return all +
        Array.from({ length: shape.servers }, row).reduce((sum, count) => sum + count, 0);
    }, 0);
  const ofWorker = {
    "dry buffer lanes": metric.RECEIVES_STARVED,
    "queues at their high mark": metric.RECEIVE_PAUSES,
    "accepting that rests": metric.ACCEPT_PAUSES,
    "connects that time out": metric.CONNECT_TIMEOUTS,
    "idle timeouts": metric.IDLE_TIMEOUTS,
    "half-close timeouts": metric.HALF_CLOSE_TIMEOUTS,
    "resets passed on": metric.RESETS,
    "tunnels cut by a drain": metric.TUNNELS_CUT,
    "flows that time out": metric.FLOW_TIMEOUTS,
  };
  for (const [what, counter] of Object.entries(ofWorker)) assert.ok(sum(counter) > 0, what);
  const ofBoth = {
    "clients without a server": metric.LISTENER_REFUSED,
    "clients that are denied": metric.LISTENER_DENIED,
    "clients that have their connections": metric.LISTENER_CLIENT_LIMIT,
    "listeners at their rate": metric.LISTENER_RATE_LIMITED,
    "clients at their rate": metric.LISTENER_CLIENT_RATE_LIMITED,
    "headers of strangers": metric.LISTENER_UNTRUSTED,
    "wrong headers": metric.LISTENER_PROXY_HEADER_ERRORS,
    "newcomers to an overloaded worker": metric.LISTENER_SHED,
  };
  for (const [what, counter] of Object.entries(ofBoth)) {
    for (const isUdp of [false, true]) {
      assert.ok(listeners(counter)(isUdp) > 0, `${what} of ${isUdp ? "UDP" : "TCP"}`);
    }
  }
  const ofTcp = {
    "waits for the listener's limit": metric.LISTENER_LIMIT_WAITS,
    "accepts that fail": metric.LISTENER_ACCEPT_ERRORS,
    "wrong hellos": metric.LISTENER_CLIENT_HELLO_ERRORS,
    "hellos without a route": metric.LISTENER_UNROUTED,
  };
  for (const [what, counter] of Object.entries(ofTcp)) {
    assert.ok(listeners(counter)(false) > 0, what);
  }
  const ofUdp = {
    "flows at a limit": metric.LISTENER_LIMITED,
    "datagrams that are dropped": metric.LISTENER_DATAGRAMS_DROPPED,
    "flows that give way": metric.LISTENER_FLOWS_EVICTED,
  };
  for (const [what, counter] of Object.entries(ofUdp)) {
    assert.ok(listeners(counter)(true) > 0, what);
  }
  assert.ok(servers(metric.SERVER_RETRIES) > 0, "retries");
  const kinds = new Set(reports.map(({ kind }) => kind));
  assert.equal(kinds.size, SCENE_KINDS.length, "scenes of every kind");
});

Deno.test("the seeds have met full servers, lines, panics, breakers and orders to close", () => {
  const backends = (counter: number) =>
    reports.reduce((all, { counters, shape }) => {
      for (let i = 0; i < shape.backends; i++) all += counters[backendOffset(shape, i) + counter];
      return all;
    }, 0);
  const ofBackends = {
    "clients that wait too long": metric.BACKEND_QUEUE_TIMEOUTS,
    "full lines": metric.BACKEND_PENDING_REFUSED,
    "open breakers": metric.BACKEND_BREAKER_REFUSED,
    "budgets that are used up": metric.BACKEND_RETRIES_REFUSED,
  };
  for (const [what, counter] of Object.entries(ofBackends)) assert.ok(backends(counter) > 0, what);
  for (const event of EVENTS) {
    const count = reports.reduce((sum, { events }) => sum + (events?.[event] ?? 0), 0);
    assert.ok(count > 0, event);
  }
});

Deno.test("datagrams go again, and bursts do not leave as one", () => {
  const sums = { resends: 0, withheld: 0, withheldReplies: 0, failed: 0 };
  for (const { datagrams } of reports) {
    if (datagrams === null) continue;
    sums.resends += datagrams.resendCount;
    sums.withheld += datagrams.withheldCount;
    sums.withheldReplies += datagrams.withheldReplies;
    sums.failed += datagrams.failedCount;
  }
  for (const [what, count] of Object.entries(sums)) assert.ok(count > 0, what);
});

Deno.test("the same seed is the same run", () => {
  for (const kind of SCENE_KINDS) {
    if (kind.endsWith("flood")) continue;
    let seed = 2;
    while (kindOf(seed) !== kind) seed++;
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
