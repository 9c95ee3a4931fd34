/** Turns the configuration and what the supervisor prepared into one worker's plan. */
import type { Config, ListenerConfig } from "../config/config.ts";
import type { ListenerPlan, Plan, SocketPlan } from "../upstream/plan.ts";
import type { CoreChoice } from "./cores.ts";
import type { ListeningSockets } from "./listening_sockets.ts";
import type { ServerAddresses } from "./server_addresses.ts";

export interface Prepared {
  readonly cores: CoreChoice;
  readonly sharedFd: number;
  readonly hashKey: readonly [number, number];
  /** By listener. */
  readonly sockets: readonly Pick<ListeningSockets, "byWorker">[];
  readonly addresses: Pick<ServerAddresses, "bytes">;
}

export function makePlan(config: Config, prepared: Prepared, worker: number): Plan {
  const { cores, sharedFd, hashKey, sockets, addresses } = prepared;
  let number = 0;
  return {
    worker,
    workers: cores.workers,
    cpu: cores.cpus[worker],
    sharedFd,
    hashKey,
    drainTimeoutMs: config.drain.timeoutMs,
    logLevel: config.log.level,
    connectionsMax: config.connectionsMax,
    listeners: config.listeners.map((listener, i) =>
      planListener(config, listener, sockets[i].byWorker[worker])
    ),
    backends: config.backends.map((backend) => ({
      name: backend.name,
      balance: backend.balance,
      hashOn: backend.hashOn,
      connectTimeoutMs: backend.connectTimeoutMs,
      retries: backend.retries,
      proxyProtocol: backend.proxyProtocol,
      isTransparent: backend.transparent,
      socket: backend.socket,
      servers: backend.servers.map((server) => ({
        name: server.name,
        weight: server.weight,
        backup: server.backup,
        address: addresses.bytes[number++],
      })),
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
    routes: listener.routes.map(({ sni, alpn, backend, allow, deny }) => ({
      ...{ sni, alpn, allow, deny },
      backend: numberOf(backend),
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
