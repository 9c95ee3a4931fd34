/**
 * Snapshots for tests: of a program to which nothing has happened, with what a test names in place
 * of that. Only for tests; the real ones are made in supervisor/snapshot.ts.
 */
import type {
  BackendSnapshot,
  ListenerSnapshot,
  ServerSnapshot,
  Snapshot,
  WorkerSnapshot,
} from "../supervisor/snapshot.ts";

/** Since when everything in these snapshots is as it is. */
export const SINCE = "2026-03-01T12:00:00.000Z";

export const NO_REFUSALS: ListenerSnapshot["refusals"] = {
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

export function listenerSnapshot(
  name: string,
  more: Partial<ListenerSnapshot> = {},
): ListenerSnapshot {
  return {
    name,
    binds: [":8080"],
    port: 8080,
    protocol: "tcp",
    backend: "app",
    open: 0,
    total: 0,
    refused: 0,
    received_bytes: 0,
    sent_bytes: 0,
    refusals: NO_REFUSALS,
    datagrams: null,
    ...more,
  };
}

export function serverSnapshot(name: string, more: Partial<ServerSnapshot> = {}): ServerSnapshot {
  return {
    name,
    address: "10.0.0.1:80",
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
    open: 0,
    total: 0,
    connect_failures: 0,
    retries: 0,
    resets: 0,
    sent_bytes: 0,
    received_bytes: 0,
    datagrams_sent: 0,
    datagrams_received: 0,
    ...more,
  };
}

export function backendSnapshot(
  name: string,
  servers: readonly ServerSnapshot[],
  more: Partial<BackendSnapshot> = {},
): BackendSnapshot {
  return {
    name,
    balance: "round_robin",
    panic: false,
    available: true,
    breaker: null,
    pending: 0,
    queue_timeouts: 0,
    pending_refused: 0,
    breaker_refused: 0,
    retries_refused: 0,
    servers,
    ...more,
  };
}

export function workerSnapshot(index: number, more: Partial<WorkerSnapshot> = {}): WorkerSnapshot {
  return {
    index,
    pid: 78 + index,
    state: "serving",
    restarts: 0,
    io: "uring",
    tunnels: 0,
    flows: 0,
    buffers_leased: 0,
    busy: 0,
    shedding: false,
    hardening: [],
    counters: {},
    ...more,
  };
}

export function programSnapshot(more: Partial<Snapshot> = {}): Snapshot {
  return {
    version: "1.2.3",
    pid: 77,
    uptime_seconds: 12,
    state: "serving",
    overload: null,
    workers: [],
    listeners: [],
    backends: [],
    events: [],
    ...more,
  };
}
