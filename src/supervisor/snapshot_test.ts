import assert from "node:assert/strict";
import { parseConfig } from "../config/parse_config.ts";
import * as metric from "../metrics/metric_names.ts";
import {
  backendOffset,
  listenerOffset,
  serverOffset,
  sharedBytes,
  SharedState,
} from "../metrics/shared_state.ts";
import type { BackendHealthReport, HealthEvent, ServerHealth } from "./health_report.ts";
import {
  backendSnapshots,
  EVENTS_KEPT_MAX,
  eventSnapshots,
  listenerSnapshots,
  workerCounters,
  workerSnapshots,
} from "./snapshot.ts";

const SHAPE = { workers: 2, listeners: 3, servers: 3, backends: 2, lines: 2 };
const SINCE_MS = Date.UTC(2026, 2, 1, 12, 30, 0, 250);
const SINCE = "2026-03-01T12:30:00.250Z";

function makeState() {
  const { config } = parseConfig(
    `
listeners:
  web: { bind: [":80", "unix:/run/web.sock"], backend: b }
  api: { bind: "127.0.0.1:0", backend: a }
  dns: { bind: "systemd:dns", protocol: udp, backend: a }
backends:
  a: [10.0.0.1:1]
  b:
    - { address: "x:2", name: two, weight: 4, backup: true, zone: east, labels: { disk: ssd } }
    - 10.0.0.3:3
`,
    "f",
    {},
  );
  return { config: config!, shared: new SharedState(new ArrayBuffer(sharedBytes(SHAPE)), SHAPE) };
}

function serverHealth(more: Partial<ServerHealth> = {}): ServerHealth {
  return {
    state: "up",
    reason: "",
    sinceMs: SINCE_MS,
    weight: 1,
    share: 1,
    isOverridden: false,
    probe: null,
    agent: null,
    ejections: 0,
    ...more,
  };
}

/** Nothing is wrong with the backends of that, but for what is said of the servers of `b`. */
function health(
  b: readonly ServerHealth[] = [serverHealth(), serverHealth()],
  more: Partial<BackendHealthReport> = {},
): BackendHealthReport[] {
  return [
    { isPanicking: false, isAvailable: true, breaker: null, servers: [serverHealth()] },
    { isPanicking: false, isAvailable: true, breaker: null, servers: b, ...more },
  ];
}

const ADDRESSES = ["10.0.0.1:1", null, "10.0.0.3:3"];

/** What the listeners of that are bound to. */
const SOCKETS = [
  { binds: [":80", "unix:/run/web.sock"], port: 80 },
  { binds: ["127.0.0.1:40000"], port: 40_000 },
  { binds: ["systemd:dns"], port: 53 },
];

/** Gives every metric of a listener a number of its own, in both workers. */
function fillListener(shared: SharedState, listener: number): void {
  metric.LISTENER_METRICS.forEach((_, i) => {
    shared.rows[0][listenerOffset(listener) + i] = i + 1;
    shared.rows[1][listenerOffset(listener) + i] = 100 * (i + 1);
  });
}

/** What the two workers have together of a metric. */
function both(which: number): number {
  return 101 * (which + 1);
}

const NO_REFUSALS = {
  denied: 0,
  client_limit: 0,
  limit: 0,
  rate: 0,
  client_rate: 0,
  untrusted: 0,
  proxy_header: 0,
  client_hello: 0,
  no_route: 0,
  overload: 0,
};

Deno.test("a listener's numbers are those of all workers together", () => {
  const { config, shared } = makeState();
  fillListener(shared, 1);
  const [web, api] = listenerSnapshots(config, SOCKETS, shared);
  assert.deepEqual(web, {
    name: "web",
    binds: [":80", "unix:/run/web.sock"],
    port: 80,
    protocol: "tcp",
    backend: "b",
    open: 0,
    total: 0,
    refused: 0,
    received_bytes: 0,
    sent_bytes: 0,
    refusals: NO_REFUSALS,
    datagrams: null,
  });
  assert.deepEqual(api, {
    name: "api",
    binds: ["127.0.0.1:40000"],
    port: 40_000,
    protocol: "tcp",
    backend: "a",
    open: both(metric.LISTENER_OPEN),
    total: both(metric.LISTENER_CONNECTIONS),
    refused: both(metric.LISTENER_REFUSED),
    received_bytes: both(metric.LISTENER_RECEIVED_BYTES),
    sent_bytes: both(metric.LISTENER_SENT_BYTES),
    refusals: {
      denied: both(metric.LISTENER_DENIED),
      client_limit: both(metric.LISTENER_CLIENT_LIMIT),
      limit: both(metric.LISTENER_LIMITED),
      rate: both(metric.LISTENER_RATE_LIMITED),
      client_rate: both(metric.LISTENER_CLIENT_RATE_LIMITED),
      untrusted: both(metric.LISTENER_UNTRUSTED),
      proxy_header: both(metric.LISTENER_PROXY_HEADER_ERRORS),
      client_hello: both(metric.LISTENER_CLIENT_HELLO_ERRORS),
      no_route: both(metric.LISTENER_UNROUTED),
      overload: both(metric.LISTENER_SHED),
    },
    datagrams: null,
  });
});

Deno.test("a UDP listener counts datagrams besides", () => {
  const { config, shared } = makeState();
  fillListener(shared, 2);
  const dns = listenerSnapshots(config, SOCKETS, shared)[2];
  assert.deepEqual([dns.binds, dns.port, dns.protocol], [["systemd:dns"], 53, "udp"]);
  assert.deepEqual(dns.datagrams, {
    received: both(metric.LISTENER_DATAGRAMS_RECEIVED),
    sent: both(metric.LISTENER_DATAGRAMS_SENT),
    dropped: both(metric.LISTENER_DATAGRAMS_DROPPED),
    flows_evicted: both(metric.LISTENER_FLOWS_EVICTED),
  });
});

Deno.test("servers are numbered through all backends, and have their addresses in use", () => {
  const { config, shared } = makeState();
  const at = serverOffset(SHAPE, 2);
  for (const [worker, factor] of [[0, 1], [1, 10]]) {
    const row = shared.rows[worker];
    row[at + metric.SERVER_OPEN] = factor;
    row[at + metric.SERVER_CONNECTIONS] = 2 * factor;
    row[at + metric.SERVER_CONNECT_FAILURES] = 3 * factor;
    row[at + metric.SERVER_RETRIES] = 4 * factor;
    row[at + metric.SERVER_RESETS] = 5 * factor;
    row[at + metric.SERVER_SENT_BYTES] = 6 * factor;
    row[at + metric.SERVER_RECEIVED_BYTES] = 7 * factor;
    row[at + metric.SERVER_DATAGRAMS_SENT] = 8 * factor;
    row[at + metric.SERVER_DATAGRAMS_RECEIVED] = 9 * factor;
  }
  const [a, b] = backendSnapshots(config, ADDRESSES, shared, health());
  assert.deepEqual([a.name, a.balance, a.servers.length], ["a", "round_robin", 1]);
  const [two, three] = b.servers;
  assert.deepEqual([two.name, two.address, two.open, two.total], ["two", null, 0, 0]);
  assert.deepEqual(three, {
    name: "10.0.0.3:3",
    address: "10.0.0.3:3",
    state: "up",
    state_reason: "",
    state_since: SINCE,
    weight: 1,
    configured_weight: 1,
    share: 1,
    overridden: false,
    backup: false,
    priority: 0,
    zone: null,
    labels: {},
    ejections: 0,
    check: null,
    agent: null,
    open: 11,
    total: 22,
    connect_failures: 33,
    retries: 44,
    resets: 55,
    sent_bytes: 66,
    received_bytes: 77,
    datagrams_sent: 88,
    datagrams_received: 99,
  });
});

Deno.test("a server has its health besides, with times as text", () => {
  const { config, shared } = makeState();
  const down = serverHealth({
    state: "down",
    reason: "agent says down",
    weight: 9,
    share: 0.35,
    isOverridden: true,
    ejections: 2,
    probe: { isOk: false, text: "status 503", atMs: SINCE_MS, durationMs: 3.14159 },
    agent: { isOk: true, text: "down", atMs: SINCE_MS + 750, durationMs: 2 },
  });
  const [two] = backendSnapshots(config, ADDRESSES, shared, health([down, serverHealth()]))[1]
    .servers;
  assert.deepEqual(
    [two.state, two.state_reason, two.state_since],
    ["down", "agent says down", SINCE],
  );
  assert.deepEqual([two.weight, two.configured_weight, two.share, two.overridden], [
    9,
    4,
    0.35,
    true,
  ]);
  assert.deepEqual([two.backup, two.priority, two.zone, two.labels], [
    true,
    0,
    "east",
    { disk: "ssd" },
  ]);
  assert.equal(two.ejections, 2);
  assert.deepEqual(two.check, { ok: false, text: "status 503", at: SINCE, duration_ms: 3.1 });
  assert.deepEqual(two.agent, {
    ok: true,
    text: "down",
    at: "2026-03-01T12:30:01.000Z",
    duration_ms: 2,
  });
});

Deno.test("a backend has its condition, and the numbers of all workers together", () => {
  const { config, shared } = makeState();
  metric.BACKEND_METRICS.forEach((_, i) => {
    shared.rows[0][backendOffset(SHAPE, 1) + i] = i + 1;
    shared.rows[1][backendOffset(SHAPE, 1) + i] = 100 * (i + 1);
  });
  const reports = health(undefined, { isPanicking: true, isAvailable: true, breaker: "half_open" });
  const [a, b] = backendSnapshots(config, ADDRESSES, shared, reports);
  const { servers: _, ...ofB } = b;
  assert.deepEqual(ofB, {
    name: "b",
    balance: "round_robin",
    panic: true,
    available: true,
    breaker: "half_open",
    pending: both(metric.BACKEND_PENDING),
    queue_timeouts: both(metric.BACKEND_QUEUE_TIMEOUTS),
    pending_refused: both(metric.BACKEND_PENDING_REFUSED),
    breaker_refused: both(metric.BACKEND_BREAKER_REFUSED),
    retries_refused: both(metric.BACKEND_RETRIES_REFUSED),
  });
  assert.deepEqual([a.panic, a.breaker, a.pending, a.queue_timeouts], [false, null, 0, 0]);
});

Deno.test("a worker is down while it has no process, whatever its row still says", () => {
  const { shared } = makeState();
  for (const row of shared.rows) {
    row[metric.STATE] = 1;
    row[metric.TUNNELS_OPEN] = 5;
    row[metric.FLOWS_OPEN] = 6;
    row[metric.BUFFERS_LEASED] = 7;
    row[metric.BUSY] = 0.25;
  }
  shared.rows[1][metric.SHEDDING] = 1;
  const slots = [
    { pid: 0, restarts: 3, hardening: [] },
    { pid: 42, restarts: 0, hardening: ["seccomp"] },
  ];
  const [down, serving] = workerSnapshots(slots, shared);
  assert.deepEqual([down.state, down.restarts, down.shedding], ["down", 3, false]);
  const { counters, ...rest } = serving;
  assert.deepEqual(rest, {
    index: 1,
    pid: 42,
    state: "serving",
    restarts: 0,
    io: "epoll",
    tunnels: 5,
    flows: 6,
    buffers_leased: 7,
    busy: 0.25,
    shedding: true,
    hardening: ["seccomp"],
  });
  assert.deepEqual(counters, workerCounters(shared, 1));
});

Deno.test("of events the newest are kept, in their order", () => {
  const events = Array.from({ length: EVENTS_KEPT_MAX + 3 }, (_, i): HealthEvent => ({
    atMs: SINCE_MS + i,
    backend: "b",
    server: "two",
    from: "up",
    to: "down",
    reason: `${i}`,
  }));
  const kept = eventSnapshots(events);
  assert.equal(kept.length, EVENTS_KEPT_MAX);
  assert.deepEqual([kept[0].reason, kept.at(-1)!.reason], ["3", `${EVENTS_KEPT_MAX + 2}`]);
  assert.deepEqual(eventSnapshots(events.slice(0, 1)), [
    { at: SINCE, backend: "b", server: "two", from: "up", to: "down", reason: "0" },
  ]);
  assert.deepEqual(eventSnapshots([]), []);
});

Deno.test("a worker's counters have their public names; gauges are not among them", () => {
  const { shared } = makeState();
  metric.WORKER_METRICS.forEach((_, i) => shared.rows[1][i] = i + 1);
  const counters = workerCounters(shared, 1);
  const expected = metric.WORKER_METRICS
    .map(({ name, kind }, i) => ({ name, kind, value: i + 1 }))
    .filter(({ kind }) => kind === "counter")
    .map(({ name, value }) => [name, value]);
  assert.deepEqual(Object.entries(counters), expected);
  assert.ok(expected.length > 5 && expected.length < metric.WORKER_METRICS.length);
});
