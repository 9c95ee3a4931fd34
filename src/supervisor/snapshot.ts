/**
 * What `status` shows: a copy of everything at one moment, made from shared memory and from what
 * the supervisor knows of the health of servers. The admin API serves it as JSON; there is no other
 * source. Times are texts in ISO 8601, UTC, because people read them there, too.
 */
import * as metric from "../metrics/metric_names.ts";
import {
  backendOffset,
  listenerOffset,
  serverOffset,
  type SharedState,
} from "../metrics/shared_state.ts";
import type { BackendConfig, Config, ServerConfig } from "../config/config.ts";
import type { ServerState } from "../health/server_state.ts";
import type { CheckReport } from "../probe/check_report.ts";
import type { BackendHealthReport, HealthEvent, ServerHealth } from "./health_report.ts";
import type { ListeningSockets } from "./listening_sockets.ts";
import type { EngineName } from "./platform.ts";

/** Changes of state that are kept to be shown. */
export const EVENTS_KEPT_MAX = 256;

export type WorkerStateName = "starting" | "serving" | "draining" | "done" | "down";
export const WORKER_STATES: readonly WorkerStateName[] = [
  "starting",
  "serving",
  "draining",
  "done",
];

export interface WorkerSnapshot {
  readonly index: number;
  readonly pid: number;
  readonly state: WorkerStateName;
  readonly restarts: number;
  /** What completes its operations. */
  readonly io: EngineName;
  readonly tunnels: number;
  readonly flows: number;
  readonly buffers_leased: number;
  /** Share of a core that it uses, 0..1. */
  readonly busy: number;
  /** It takes no new clients, because it is overloaded. */
  readonly shedding: boolean;
  /** What it has given up since it is set up; see worker/hardening.ts. */
  readonly hardening: readonly string[];
  /** The worker's counters by metric name. */
  readonly counters: Readonly<Record<string, number>>;
}

export interface ListenerSnapshot {
  readonly name: string;
  /** Each address as it is written; in place of port 0 stands the one that was picked. */
  readonly binds: readonly string[];
  /** The first port bound; 0 when it has none. */
  readonly port: number;
  readonly protocol: string;
  /** Where what no route takes goes; null when that is refused. */
  readonly backend: string | null;
  readonly open: number;
  readonly total: number;
  readonly refused: number;
  readonly received_bytes: number;
  readonly sent_bytes: number;
  /** Clients that were not let in, by reason. */
  readonly refusals: {
    readonly denied: number;
    readonly client_limit: number;
    readonly limit: number;
    readonly rate: number;
    readonly client_rate: number;
    readonly untrusted: number;
    readonly proxy_header: number;
    readonly client_hello: number;
    readonly no_route: number;
    readonly overload: number;
  };
  /** Null unless the protocol is udp. */
  readonly datagrams: {
    readonly received: number;
    readonly sent: number;
    readonly dropped: number;
    readonly flows_evicted: number;
  } | null;
}

/** What came of the last check of one kind. */
export interface CheckSnapshot {
  readonly ok: boolean;
  readonly text: string;
  /** When it ended. */
  readonly at: string;
  readonly duration_ms: number;
}

export interface ServerSnapshot {
  readonly name: string;
  /** IP and port in use; null while the name does not resolve. */
  readonly address: string | null;
  readonly state: ServerState;
  /** "" while it has been so from the start. */
  readonly state_reason: string;
  readonly state_since: string;
  /** In force; and as the configuration has it. */
  readonly weight: number;
  readonly configured_weight: number;
  /** What slow start and agent leave of the weight, 0..1. */
  readonly share: number;
  /** An operator has changed state or weight. */
  readonly overridden: boolean;
  readonly backup: boolean;
  readonly priority: number;
  readonly zone: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** How often it has been ejected. */
  readonly ejections: number;
  /** The last health check, the last agent check; null: there is none, or none has ended yet. */
  readonly check: CheckSnapshot | null;
  readonly agent: CheckSnapshot | null;
  readonly open: number;
  readonly total: number;
  readonly connect_failures: number;
  readonly retries: number;
  readonly resets: number;
  readonly sent_bytes: number;
  readonly received_bytes: number;
  /** Of UDP; 0 where no UDP listener uses the backend. */
  readonly datagrams_sent: number;
  readonly datagrams_received: number;
}

export interface BackendSnapshot {
  readonly name: string;
  readonly balance: string;
  /** Too few servers are available: all are used. */
  readonly panic: boolean;
  /** Somebody can get a connection. */
  readonly available: boolean;
  /** Null: it has none. */
  readonly breaker: BackendHealthReport["breaker"];
  /** Connections that wait for a place at a server now. */
  readonly pending: number;
  /** Refused: waited too long; found too many waiting; found the breaker open. */
  readonly queue_timeouts: number;
  readonly pending_refused: number;
  readonly breaker_refused: number;
  /** Not tried at another server, because the budget for that was used up. */
  readonly retries_refused: number;
  readonly servers: readonly ServerSnapshot[];
}

/** A change of a server's state, or of its backend's. */
export interface EventSnapshot {
  readonly at: string;
  readonly backend: string;
  /** "" when it is about the backend as a whole. */
  readonly server: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

export interface Snapshot {
  readonly version: string;
  readonly pid: number;
  readonly uptime_seconds: number;
  readonly state: "serving" | "draining";
  /** Which workers refuse new clients because they are overloaded; null: none does. */
  readonly overload: string | null;
  readonly workers: readonly WorkerSnapshot[];
  readonly listeners: readonly ListenerSnapshot[];
  readonly backends: readonly BackendSnapshot[];
  /** The last of them, the newest at the end. */
  readonly events: readonly EventSnapshot[];
}

/** Counters of one worker by their public names. */
export function workerCounters(shared: SharedState, worker: number): Record<string, number> {
  const row = shared.rows[worker];
  return Object.fromEntries(
    metric.WORKER_METRICS.map((each, i) => [each.name, row[i]] as const)
      .filter((_, i) => metric.WORKER_METRICS[i].kind === "counter"),
  );
}

/** @param slots processes by worker; pid 0 is none. */
export function workerSnapshots(
  slots: readonly {
    readonly pid: number;
    readonly restarts: number;
    readonly hardening: readonly string[];
  }[],
  shared: SharedState,
): WorkerSnapshot[] {
  return slots.map(({ pid, restarts, hardening }, worker) => {
    const row = shared.rows[worker];
    return {
      index: worker,
      pid,
      state: pid === 0 ? "down" : WORKER_STATES[row[metric.STATE]],
      restarts,
      io: row[metric.IO_URING] > 0 ? "uring" : "epoll",
      tunnels: row[metric.TUNNELS_OPEN],
      flows: row[metric.FLOWS_OPEN],
      buffers_leased: row[metric.BUFFERS_LEASED],
      busy: row[metric.BUSY],
      shedding: row[metric.SHEDDING] > 0,
      hardening,
      counters: workerCounters(shared, worker),
    };
  });
}

export function listenerSnapshots(
  config: Config,
  sockets: readonly Pick<ListeningSockets, "binds" | "port">[],
  shared: SharedState,
): ListenerSnapshot[] {
  return config.listeners.map((listener, i) => {
    const sum = (which: number) => shared.sum(listenerOffset(i) + which);
    return {
      name: listener.name,
      binds: [...sockets[i].binds],
      port: sockets[i].port,
      protocol: listener.protocol,
      backend: listener.backend,
      open: sum(metric.LISTENER_OPEN),
      total: sum(metric.LISTENER_CONNECTIONS),
      refused: sum(metric.LISTENER_REFUSED),
      received_bytes: sum(metric.LISTENER_RECEIVED_BYTES),
      sent_bytes: sum(metric.LISTENER_SENT_BYTES),
      refusals: {
        denied: sum(metric.LISTENER_DENIED),
        client_limit: sum(metric.LISTENER_CLIENT_LIMIT),
        limit: sum(metric.LISTENER_LIMITED),
        rate: sum(metric.LISTENER_RATE_LIMITED),
        client_rate: sum(metric.LISTENER_CLIENT_RATE_LIMITED),
        untrusted: sum(metric.LISTENER_UNTRUSTED),
        proxy_header: sum(metric.LISTENER_PROXY_HEADER_ERRORS),
        client_hello: sum(metric.LISTENER_CLIENT_HELLO_ERRORS),
        no_route: sum(metric.LISTENER_UNROUTED),
        overload: sum(metric.LISTENER_SHED),
      },
      datagrams: listener.protocol !== "udp" ? null : {
        received: sum(metric.LISTENER_DATAGRAMS_RECEIVED),
        sent: sum(metric.LISTENER_DATAGRAMS_SENT),
        dropped: sum(metric.LISTENER_DATAGRAMS_DROPPED),
        flows_evicted: sum(metric.LISTENER_FLOWS_EVICTED),
      },
    };
  });
}

/**
 * @param addresses by server, numbered through all backends; null: not resolved.
 * @param health by backend, each with all of its servers.
 */
export function backendSnapshots(
  config: Config,
  addresses: readonly (string | null)[],
  shared: SharedState,
  health: readonly BackendHealthReport[],
): BackendSnapshot[] {
  let first = 0;
  return config.backends.map((backend, i) => {
    const numbers = backendNumbers(shared, i);
    const servers = serverSnapshots(backend, first, addresses, shared, health[i].servers);
    first += servers.length;
    const { isPanicking: panic, isAvailable: available, breaker } = health[i];
    return {
      name: backend.name,
      balance: backend.balance,
      panic,
      available,
      breaker,
      ...numbers,
      servers,
    };
  });
}

function backendNumbers(shared: SharedState, backend: number) {
  const at = backendOffset(shared.shape, backend);
  return {
    pending: shared.sum(at + metric.BACKEND_PENDING),
    queue_timeouts: shared.sum(at + metric.BACKEND_QUEUE_TIMEOUTS),
    pending_refused: shared.sum(at + metric.BACKEND_PENDING_REFUSED),
    breaker_refused: shared.sum(at + metric.BACKEND_BREAKER_REFUSED),
    retries_refused: shared.sum(at + metric.BACKEND_RETRIES_REFUSED),
  };
}

/** @param first of them, as servers are numbered through all backends. */
function serverSnapshots(
  { servers }: BackendConfig,
  first: number,
  addresses: readonly (string | null)[],
  shared: SharedState,
  health: readonly ServerHealth[],
): ServerSnapshot[] {
  return servers.map((server, i) => ({
    name: server.name,
    address: addresses[first + i],
    ...healthOf(health[i]),
    ...placeOf(server),
    ...serverNumbers(shared, first + i),
  }));
}

function healthOf(health: ServerHealth) {
  return {
    state: health.state,
    state_reason: health.reason,
    state_since: timeText(health.sinceMs),
    weight: health.weight,
    share: health.share,
    overridden: health.isOverridden,
    ejections: health.ejections,
    check: checkSnapshot(health.probe),
    agent: checkSnapshot(health.agent),
  };
}

/** What the configuration says of where and for what a server is. */
function placeOf({ weight, backup, priority, zone, labels }: ServerConfig) {
  return { configured_weight: weight, backup, priority, zone, labels };
}

function serverNumbers(shared: SharedState, server: number) {
  const at = serverOffset(shared.shape, server);
  const sum = (which: number) => shared.sum(at + which);
  return {
    open: sum(metric.SERVER_OPEN),
    total: sum(metric.SERVER_CONNECTIONS),
    connect_failures: sum(metric.SERVER_CONNECT_FAILURES),
    retries: sum(metric.SERVER_RETRIES),
    resets: sum(metric.SERVER_RESETS),
    sent_bytes: sum(metric.SERVER_SENT_BYTES),
    received_bytes: sum(metric.SERVER_RECEIVED_BYTES),
    datagrams_sent: sum(metric.SERVER_DATAGRAMS_SENT),
    datagrams_received: sum(metric.SERVER_DATAGRAMS_RECEIVED),
  };
}

function checkSnapshot(report: CheckReport | null): CheckSnapshot | null {
  if (report === null) return null;
  const { isOk: ok, text, atMs, durationMs } = report;
  // A clock of fractions tells no more than noise here.
  return { ok, text, at: timeText(atMs), duration_ms: Math.round(durationMs * 10) / 10 };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** @param events the newest at the end; what is too much of them is left out. */
export function eventSnapshots(events: readonly HealthEvent[]): EventSnapshot[] {
  return events.slice(-EVENTS_KEPT_MAX).map(({ atMs, backend, server, from, to, reason }) => {
    return { at: timeText(atMs), backend, server, from, to, reason };
  });
}
