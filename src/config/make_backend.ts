/**
 * From the values of one backend to its part of the `Config`, with its servers and with what keeps
 * it working when they do not. The checks are made in make_health.ts.
 */
import { assert } from "../base/assert.ts";
import { isUnixLike, parseServerAddress, parseUnixPath } from "../net/address.ts";
import type { BackendConfig, CircuitBreakerConfig, HashOn, ServerConfig } from "./config.ts";
import { makeAgentCheck, makeEjection, makeHealthCheck } from "./make_health.ts";
import { makeSocketOptions } from "./make_socket_options.ts";
import { read, readMs, readShare } from "./parsed_value.ts";
import type { ConfigFile } from "./schema.ts";
import { nameByAddress, parseDemoAddress } from "./server_name.ts";
import { parseShareRate } from "./share_rate.ts";

export type BackendValues = ConfigFile["backends"][string];

export function makeBackend(name: string, values: BackendValues): BackendConfig {
  const { servers, balance, timeouts, limits, rebalance } = values;
  return {
    name,
    servers: servers.map(makeServer),
    balance,
    hashOn: makeHashOn(values),
    loadFactor: values.load_factor ?? 0,
    proxyProtocol: values.proxy_protocol ?? null,
    transparent: values.transparent,
    connectTimeoutMs: readMs(timeouts.connect),
    retries: values.retries,
    retryBudget: readShare(values.retry_budget),
    connectionsMax: limits.connections ?? 0,
    pendingMax: limits.pending,
    queueTimeoutMs: readMs(limits.queue_timeout),
    circuitBreaker: makeCircuitBreaker(values.circuit_breaker),
    healthCheck: makeHealthCheck(values.health_check),
    agentCheck: makeAgentCheck(values.agent_check),
    ejection: makeEjection(values.outlier_detection),
    slowStartMs: readMs(values.slow_start),
    panicThreshold: readShare(values.panic_threshold),
    onDown: values.on_down,
    rebalancePerSecond: rebalance === undefined ? 0 : readShareRate(rebalance.budget),
    socket: makeSocketOptions(values.socket, "backend"),
  };
}

function makeHashOn({ balance, hash_on }: BackendValues): readonly HashOn[] {
  return balance === "consistent_hash" ? hash_on ?? ["source_ip"] : [];
}

function readShareRate(text: string): number {
  const share = parseShareRate(text);
  assert(share !== null, "the schema accepts percentages per unit of time only");
  return share;
}

function makeCircuitBreaker(values: BackendValues["circuit_breaker"]): CircuitBreakerConfig | null {
  if (values === null) return null;
  return {
    errors: readShare(values.errors),
    windowMs: readMs(values.window),
    connections: values.connections,
    openMs: readMs(values.open),
    trials: values.trials,
  };
}

function makeServer(values: BackendValues["servers"][number]): ServerConfig {
  const { address, name = nameByAddress(address), weight, backup, priority, zone = null } = values;
  const none = {
    ...{ name, host: "", port: 0, unixPath: null, weight, backup, priority, zone },
    labels: { ...values.labels },
    connectionsMax: values.connections ?? 0,
    demo: null,
  };
  const demo = parseDemoAddress(address);
  if (demo !== null) return { ...none, demo };
  if (isUnixLike(address)) return { ...none, unixPath: read(parseUnixPath(address)) };
  return { ...none, ...read(parseServerAddress(address)) };
}
