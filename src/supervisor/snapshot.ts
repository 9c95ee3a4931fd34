/**
 * What `status` shows: a copy of everything at one moment, made from shared memory. The admin API
 * serves it as JSON; there is no other source.
 */
import * as metric from "../metrics/metric_names.ts";
import { listenerOffset, serverOffset, type SharedState } from "../metrics/shared_state.ts";
import type { Config } from "../config/config.ts";
import type { ListeningSockets } from "./listening_sockets.ts";

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
  readonly tunnels: number;
  readonly flows: number;
  readonly buffers_leased: number;
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
  };
  /** Null unless the protocol is udp. */
  readonly datagrams: {
    readonly received: number;
    readonly sent: number;
    readonly dropped: number;
    readonly flows_evicted: number;
  } | null;
}

export interface ServerSnapshot {
  readonly name: string;
  /** IP and port in use; null while the name does not resolve. */
  readonly address: string | null;
  readonly weight: number;
  readonly backup: boolean;
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
  readonly servers: readonly ServerSnapshot[];
}

export interface Snapshot {
  readonly version: string;
  readonly pid: number;
  readonly uptime_seconds: number;
  readonly state: "serving" | "draining";
  readonly workers: readonly WorkerSnapshot[];
  readonly listeners: readonly ListenerSnapshot[];
  readonly backends: readonly BackendSnapshot[];
}

/** Counters of one worker by their public names. */
export function workerCounters(shared: SharedState, worker: number): Record<string, number> {
  const row = shared.rows[worker];
  return Object.fromEntries(
    metric.WORKER_METRICS.map((each, i) => [each.name, row[i]] as const)
      .filter((_, i) => metric.WORKER_METRICS[i].kind === "counter"),
  );
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

/** @param addresses by server, numbered through all backends; null: not resolved. */
export function backendSnapshots(
  config: Config,
  addresses: readonly (string | null)[],
  shared: SharedState,
): BackendSnapshot[] {
  let number = 0;
  return config.backends.map((backend) => ({
    name: backend.name,
    balance: backend.balance,
    servers: backend.servers.map((server) => {
      const at = serverOffset(shared.shape, number);
      const address = addresses[number++];
      const sum = (which: number) => shared.sum(at + which);
      return {
        name: server.name,
        address,
        weight: server.weight,
        backup: server.backup,
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
    }),
  }));
}
