/**
 * Plans for tests: a test names what it is about, the rest is what a configuration that says
 * nothing else would give. Sockets and servers are made up, nothing is opened for them.
 */
import { AF_INET, encodeSocketAddress } from "../net/socket_address.ts";
import type { BackendPlan, ListenerPlan, Plan, ServerPlan, SocketPlan } from "./plan.ts";

export function serverPlan(name: string, more: Partial<ServerPlan> = {}): ServerPlan {
  const address = [...encodeSocketAddress(Uint8Array.of(10, 0, 0, 1), 80)];
  return {
    name,
    weight: 1,
    backup: false,
    priority: 0,
    isForeignZone: false,
    connectionsMax: 0,
    address,
    ...more,
  };
}

export function socketPlan(fd: number, more: Partial<SocketPlan> = {}): SocketPlan {
  return { fd, family: AF_INET, isWildcard: false, ...more };
}

export function backendPlan(more: Partial<BackendPlan> = {}): BackendPlan {
  return {
    name: "app",
    balance: "first",
    hashOn: [],
    loadFactor: 0,
    connectTimeoutMs: 2000,
    retries: 1,
    retryBudget: 0.2,
    connectionsMax: 0,
    pendingMax: 128,
    queueTimeoutMs: 5000,
    panicThreshold: 0.5,
    subsets: [(more.servers ?? [serverPlan("one")]).map((_, i) => i)],
    proxyProtocol: null,
    isTransparent: false,
    socket: {},
    servers: [serverPlan("one")],
    ...more,
  };
}

export function listenerPlan(more: Partial<ListenerPlan> = {}): ListenerPlan {
  return {
    name: "web",
    protocol: "tcp",
    sockets: [],
    backend: 0,
    subset: 0,
    routes: [],
    trustedProxies: null,
    allow: [],
    deny: [],
    idleTimeoutMs: 600_000,
    halfCloseTimeoutMs: 60_000,
    clientHelloTimeoutMs: 10_000,
    proxyHeaderTimeoutMs: 3000,
    connectionsMax: 0,
    connectionsPerIpMax: 0,
    connectionRate: null,
    connectionRatePerIp: null,
    udp: null,
    ...more,
  };
}

export function workerPlan(more: Partial<Plan> = {}): Plan {
  return {
    worker: 0,
    workers: 1,
    cpu: -1,
    io: "uring",
    hardening: false,
    sharedFd: -1,
    hashKey: [0x0123_4567, 0x89ab_cdef],
    drainTimeoutMs: 1000,
    logLevel: "info",
    connectionsMax: 0,
    overload: { busy: null, memory: null, files: null, buffers: null },
    listeners: [listenerPlan()],
    backends: [backendPlan()],
    ...more,
  };
}
