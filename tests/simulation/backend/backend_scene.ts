/**
 * What a run of a simulated backend consists of: its configuration, its servers and their faults,
 * its clients, and how long to watch. Scenes start from `makeScene`, which gives what a
 * configuration that says nothing would give; what a case is about it says itself.
 */
import type { BackendConfig, ServerConfig } from "../../../src/config/config.ts";
import type { Plan } from "../../../src/upstream/plan.ts";
import { backendPlan, serverPlan, workerPlan } from "../../../src/upstream/test_plan.ts";
import type { Fault } from "./fault.ts";
import type { ServerTraits } from "./simulated_servers.ts";

export const SECOND_MS = 1000;
export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;

export interface Clients {
  /** How many come, on average: intervals are exponentially distributed. */
  readonly perSecond: number;
  /** Who comes back with the same key; 0: each has one of its own. */
  readonly keys: number;
  /** 1: all keys come equally often; with more, the first ones the more often. */
  readonly hotness: number;
  /** A share of 0..1 stays long. */
  readonly longShare: number;
  readonly shortStayMs: number;
  readonly longStayMs: number;
}

/** Something that an operator asks for while it runs. */
export interface Order {
  readonly atMs: number;
  readonly server: number;
  readonly what: "drain" | "maint" | "ready" | "weight";
  /** For `weight`. */
  readonly weight?: number;
}

/** A worker that ends by a fault of its own. */
export interface Death {
  readonly atMs: number;
  readonly worker: number;
}

export interface BackendScene {
  readonly seed: number;
  readonly config: BackendConfig;
  readonly plan: Plan;
  readonly traits: readonly ServerTraits[];
  readonly clients: Clients;
  readonly faults: readonly Fault[];
  readonly orders: readonly Order[];
  readonly deaths: readonly Death[];
  readonly durationMs: number;
}

export interface SceneWishes {
  readonly workers?: number;
  /** One server per weight. */
  readonly weights?: readonly number[];
  /** Of each server; all 0 otherwise. */
  readonly priorities?: readonly number[];
  /** Their numbers. */
  readonly backups?: readonly number[];
  readonly backend?: Partial<BackendConfig>;
  readonly traits?: Partial<ServerTraits>;
  readonly clients?: Partial<Clients>;
  readonly faults?: readonly Fault[];
  readonly orders?: readonly Order[];
  readonly deaths?: readonly Death[];
  readonly durationMs?: number;
}

const CLIENTS: Clients = {
  perSecond: 40,
  keys: 0,
  hotness: 1,
  longShare: 0.02,
  shortStayMs: 200,
  longStayMs: 2 * MINUTE_MS,
};
const TRAITS: ServerTraits = { serviceMs: 20, cores: 8, openMax: 4000 };

function serverConfig(
  index: number,
  weight: number,
  priority: number,
  backup: boolean,
): ServerConfig {
  return {
    name: `server-${index}`,
    host: `10.0.0.${index + 1}`,
    port: 80,
    unixPath: null,
    weight,
    backup,
    priority,
    zone: null,
    labels: {},
    connectionsMax: 0,
    demo: null,
  };
}

function backendConfig(servers: readonly ServerConfig[], more: Partial<BackendConfig>) {
  const config: BackendConfig = {
    name: "app",
    servers,
    balance: "round_robin",
    hashOn: [],
    loadFactor: 0,
    proxyProtocol: null,
    transparent: false,
    connectTimeoutMs: 2000,
    retries: 1,
    retryBudget: 0.2,
    connectionsMax: 0,
    pendingMax: 128,
    queueTimeoutMs: 5000,
    circuitBreaker: null,
    healthCheck: {
      probe: { kind: "tcp", send: null, expect: null },
      host: null,
      port: null,
      intervalMs: 5000,
      fastIntervalMs: 1000,
      timeoutMs: 2000,
      rise: 2,
      fall: 3,
      initial: "up",
    },
    agentCheck: null,
    ejection: {
      errors: 5,
      windowMs: 10_000,
      ejectMs: 10_000,
      ejectMsMax: 300_000,
      ejectedMax: 0.5,
    },
    slowStartMs: 0,
    panicThreshold: 0.5,
    onDown: "keep",
    rebalancePerSecond: 0,
    socket: {},
    ...more,
  };
  return config;
}

function planOf(config: BackendConfig, workers: number): Plan {
  const { name, balance, hashOn, loadFactor, connectTimeoutMs, retries, retryBudget } = config;
  const { connectionsMax, pendingMax, queueTimeoutMs, panicThreshold } = config;
  const servers = config.servers.map(({ name, weight, backup, priority, connectionsMax }) =>
    serverPlan(name, { weight, backup, priority, connectionsMax })
  );
  const limits = { connectionsMax, pendingMax, queueTimeoutMs };
  const more = { name, balance, hashOn, loadFactor, connectTimeoutMs, retries, retryBudget };
  return workerPlan({
    workers,
    backends: [backendPlan({ ...more, ...limits, panicThreshold, servers })],
  });
}

export function makeScene(seed: number, wishes: SceneWishes): BackendScene {
  const { workers = 2, weights = [1, 1, 1, 1], priorities = [], backups = [], backend = {} } =
    wishes;
  const servers = weights.map((weight, i) =>
    serverConfig(i, weight, priorities[i] ?? 0, backups.includes(i))
  );
  const config = backendConfig(servers, backend);
  return {
    seed,
    config,
    plan: planOf(config, workers),
    traits: servers.map(() => ({ ...TRAITS, ...wishes.traits })),
    clients: { ...CLIENTS, ...wishes.clients },
    faults: wishes.faults ?? [],
    orders: wishes.orders ?? [],
    deaths: wishes.deaths ?? [],
    durationMs: wishes.durationMs ?? HOUR_MS,
  };
}
