/** Turns the configuration and what the supervisor prepared into one worker's plan. */
import type { Config } from "../config/config.ts";
import type { Plan } from "../upstream/plan.ts";
import type { CoreChoice } from "./cores.ts";
import type { ListeningSockets } from "./listening_sockets.ts";
import type { ServerAddresses } from "./server_addresses.ts";

export function makePlan(
  config: Config,
  cores: CoreChoice,
  worker: number,
  sharedFd: number,
  sockets: readonly ListeningSockets[],
  addresses: ServerAddresses,
): Plan {
  let number = 0;
  return {
    worker,
    workers: cores.workers,
    cpu: cores.cpus[worker],
    sharedFd,
    drainTimeoutMs: config.drain.timeoutMs,
    logLevel: config.log.level,
    listeners: config.listeners.map((listener, i) => ({
      name: listener.name,
      fd: sockets[i].fds[worker],
      backend: config.backends.findIndex((backend) => backend.name === listener.backend),
      idleTimeoutMs: listener.idleTimeoutMs,
      halfCloseTimeoutMs: listener.halfCloseTimeoutMs,
      connectionsMax: listener.connectionsMax,
    })),
    backends: config.backends.map((backend) => ({
      name: backend.name,
      balance: backend.balance,
      connectTimeoutMs: backend.connectTimeoutMs,
      retries: backend.retries,
      servers: backend.servers.map((server) => ({
        name: server.name,
        weight: server.weight,
        backup: server.backup,
        address: addresses.bytes[number++],
      })),
    })),
  };
}
