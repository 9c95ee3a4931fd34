import assert from "node:assert/strict";
import { parseConfig } from "../config/parse_config.ts";
import * as metric from "../metrics/metric_names.ts";
import { listenerOffset, serverOffset, sharedBytes, SharedState } from "../metrics/shared_state.ts";
import { backendSnapshots, listenerSnapshots, workerCounters } from "./snapshot.ts";

const SHAPE = { workers: 2, listeners: 3, servers: 3 };

function makeState() {
  const { config } = parseConfig(
    `
listeners:
  web: { bind: [":80", "unix:/run/web.sock"], backend: b }
  api: { bind: "127.0.0.1:0", backend: a }
  dns: { bind: "systemd:dns", protocol: udp, backend: a }
backends:
  a: [10.0.0.1:1]
  b: [{ address: "x:2", name: two, weight: 4, backup: true }, 10.0.0.3:3]
`,
    "f",
    {},
  );
  return { config: config!, shared: new SharedState(new ArrayBuffer(sharedBytes(SHAPE)), SHAPE) };
}

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
  const [a, b] = backendSnapshots(config, ["10.0.0.1:1", null, "10.0.0.3:3"], shared);
  assert.deepEqual([a.name, a.balance, a.servers.length], ["a", "round_robin", 1]);
  const none = {
    open: 0,
    total: 0,
    connect_failures: 0,
    retries: 0,
    resets: 0,
    sent_bytes: 0,
    received_bytes: 0,
    datagrams_sent: 0,
    datagrams_received: 0,
  };
  assert.deepEqual(b.servers, [
    { name: "two", address: null, weight: 4, backup: true, ...none },
    {
      name: "10.0.0.3:3",
      address: "10.0.0.3:3",
      weight: 1,
      backup: false,
      open: 11,
      total: 22,
      connect_failures: 33,
      retries: 44,
      resets: 55,
      sent_bytes: 66,
      received_bytes: 77,
      datagrams_sent: 88,
      datagrams_received: 99,
    },
  ]);
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
