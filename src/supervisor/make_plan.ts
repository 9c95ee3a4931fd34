/** Turns the configuration and what the supervisor prepared into one worker's plan. */
import type { BackendConfig, Config, ListenerConfig, ServerConfig } from "../config/config.ts";
import type { BackendPlan, ListenerPlan, Plan, SocketPlan } from "../upstream/plan.ts";
import type { CoreChoice } from "./cores.ts";
import type { EngineName } from "./platform.ts";
import type { ListeningSockets } from "./listening_sockets.ts";
import type { ServerAddresses } from "./server_addresses.ts";

export interface Prepared {
  readonly cores: CoreChoice;
  readonly io: EngineName;
  readonly sharedFd: number;
  readonly hashKey: readonly [number, number];
  /** By listener. */
  readonly sockets: readonly Pick<ListeningSockets, "byWorker">[];
  readonly addresses: Pick<ServerAddresses, "bytes">;
}

export function makePlan(config: Config, prepared: Prepared, worker: number): Plan {
  const { cores, io, sharedFd, hashKey, sockets, addresses } = prepared;
  let number = 0;
  return {
    worker,
    workers: cores.workers,
    cpu: cores.cpus[worker],
    io,
    sharedFd,
    hashKey,
    drainTimeoutMs: config.drain.timeoutMs,
    logLevel: config.log.level,
    connectionsMax: config.connectionsMax,
    hardening: config.hardening,
    overload: {
      busy: finite(config.overload.busy),
      memory: finite(config.overload.memory),
      files: finite(config.overload.files),
      buffers: finite(config.overload.buffers),
    },
    listeners: config.listeners.map((listener, i) =>
      planListener(config, listener, sockets[i].byWorker[worker])
    ),
    backends: config.backends.map((backend) => {
      const first = number;
      number += backend.servers.length;
      return planBackend(config, backend, addresses.bytes.slice(first, number));
    }),
  };
}

function finite(mark: number): number | null {
  return mark === Infinity ? null : mark;
}

type Labels = Readonly<Record<string, string>>;

function hasLabels(server: ServerConfig, wanted: Labels): boolean {
  return Object.entries(wanted).every(([label, value]) => server.labels[label] === value);
}

/** What listeners and routes want of a backend, each once; the first wants nothing. */
function subsetsOf(config: Config, backend: BackendConfig): Labels[] {
  const all = config.listeners.flatMap((listener) => [listener, ...listener.routes]);
  const mine = all.filter((user) => user.backend === backend.name);
  const texts = new Map(mine.map(({ subset }) => [subsetText(subset), subset]));
  texts.delete(subsetText({}));
  return [{}, ...texts.values()];
}

function subsetText(subset: Labels): string {
  return JSON.stringify(Object.entries(subset).sort(([a], [b]) => a < b ? -1 : 1));
}

function subsetNumber(config: Config, name: string | null, subset: Labels): number {
  const backend = config.backends.find((backend) => backend.name === name);
  if (backend === undefined) return 0;
  const texts = subsetsOf(config, backend).map(subsetText);
  return texts.indexOf(subsetText(subset));
}

/** Whether this node stands in a zone, and a server in another one. */
export function isForeignZone({ zone }: Config, server: ServerConfig): boolean {
  return zone !== null && server.zone !== null && server.zone !== zone;
}

function planBackend(
  config: Config,
  backend: BackendConfig,
  addresses: readonly (readonly number[])[],
): BackendPlan {
  const { servers } = backend;
  return {
    name: backend.name,
    balance: backend.balance,
    hashOn: backend.hashOn,
    loadFactor: backend.loadFactor,
    connectTimeoutMs: backend.connectTimeoutMs,
    retries: backend.retries,
    retryBudget: backend.retryBudget,
    connectionsMax: backend.connectionsMax,
    pendingMax: backend.pendingMax,
    queueTimeoutMs: backend.queueTimeoutMs,
    panicThreshold: backend.panicThreshold,
    subsets: subsetsOf(config, backend).map((wanted) =>
      servers.flatMap((server, i) => hasLabels(server, wanted) ? [i] : [])
    ),
    proxyProtocol: backend.proxyProtocol,
    isTransparent: backend.transparent,
    socket: backend.socket,
    servers: servers.map((server, i) => ({
      name: server.name,
      weight: server.weight,
      backup: server.backup,
      priority: server.priority,
      isForeignZone: isForeignZone(config, server),
      connectionsMax: server.connectionsMax,
      address: addresses[i],
    })),
  };
}

function planListener(
  config: Config,
  listener: ListenerConfig,
  sockets: readonly SocketPlan[],
): ListenerPlan {
  const numberOf = (name: string) => config.backends.findIndex((backend) => backend.name === name);
  return {
    name: listener.name,
    protocol: listener.protocol,
    sockets,
    backend: listener.backend === null ? -1 : numberOf(listener.backend),
    subset: subsetNumber(config, listener.backend, listener.subset),
    routes: listener.routes.map(({ sni, alpn, backend, subset, allow, deny }) => ({
      ...{ sni, alpn, allow, deny },
      backend: numberOf(backend),
      subset: subsetNumber(config, backend, subset),
    })),
    trustedProxies: listener.trustedProxies,
    allow: listener.allow,
    deny: listener.deny,
    idleTimeoutMs: listener.idleTimeoutMs,
    halfCloseTimeoutMs: listener.halfCloseTimeoutMs,
    clientHelloTimeoutMs: listener.clientHelloTimeoutMs,
    proxyHeaderTimeoutMs: listener.proxyHeaderTimeoutMs,
    connectionsMax: listener.connectionsMax,
    connectionsPerIpMax: listener.connectionsPerIpMax,
    connectionRate: listener.connectionRate,
    connectionRatePerIp: listener.connectionRatePerIp,
    udp: listener.udp,
  };
}
