/**
 * What a seed makes of places, lines and preference at the backends of a scene: limits and how many
 * may wait for how long, priorities, zones, subsets, thresholds, budgets. Drawn by a generator of
 * its own and laid over the plan, so that the rest of a scene is the same with it and without.
 */
import type { Random } from "../../src/base/random.ts";
import type { HashOn } from "../../src/config/config.ts";
import type { BackendPlan, ListenerPlan, Plan, ServerPlan } from "../../src/upstream/plan.ts";

/** Share of memory at which a worker refuses newcomers, where it does. */
export const MEMORY_MARK = 0.9;

function drawSubsets(random: Random, count: number): readonly (readonly number[])[] {
  const all = Array.from({ length: count }, (_, i) => i);
  const more = count > 1 && random.oneIn(3) ? 1 + random.below(2) : 0;
  const subsets = Array.from({ length: more }, () => {
    const first = random.below(count);
    return all.filter((server) => server === first || random.oneIn(2));
  });
  return [all, ...subsets];
}

/** Priorities begin with 0 and leave none out. */
function drawPriorities(random: Random, count: number): number[] {
  let priority = 0;
  return Array.from({ length: count }, (_, i) => {
    if (i > 0 && random.oneIn(2)) priority++;
    return priority;
  });
}

function drawServers(random: Random, servers: readonly ServerPlan[]): ServerPlan[] {
  const isRanked = random.oneIn(3);
  const priorities = drawPriorities(random, servers.length);
  const isZoned = random.oneIn(3);
  const isLimited = !random.oneIn(3);
  const placesMax = random.oneIn(2) ? 2 : 4;
  return servers.map((server, i) => ({
    ...server,
    // Who has priorities has no backups besides.
    backup: server.backup && !isRanked,
    priority: isRanked ? priorities[i] : 0,
    isForeignZone: isZoned && random.oneIn(2),
    connectionsMax: isLimited && !random.oneIn(4) ? 1 + random.below(placesMax) : 0,
  }));
}

function drawHashOn(random: Random, { hashOn }: BackendPlan): readonly HashOn[] {
  if (hashOn[0] === "quic_connection_id" || !random.oneIn(2)) return hashOn;
  return random.oneIn(2) ? ["source_port"] : [...hashOn, "source_ip", "source_port"];
}

function drawBackend(random: Random, plan: BackendPlan): BackendPlan {
  const isQuic = plan.hashOn[0] === "quic_connection_id";
  const balance = !isQuic && random.oneIn(5) ? "least_latency" : plan.balance;
  const isHashing = balance === "consistent_hash";
  const servers = drawServers(random, plan.servers);
  return {
    ...plan,
    balance,
    hashOn: isHashing ? drawHashOn(random, plan) : [],
    loadFactor: isHashing && random.oneIn(2) ? 1.05 + random.below(4) / 4 : 0,
    retryBudget: random.below(3) / 2,
    connectionsMax: random.oneIn(3) ? 1 + random.below(5) : 0,
    pendingMax: random.below(9),
    queueTimeoutMs: 20 + random.below(481),
    panicThreshold: random.below(5) / 4,
    subsets: drawSubsets(random, servers.length),
    servers,
  };
}

/** Lays balancing over a plan. */
export function balance(random: Random, plan: Plan): Plan {
  const backends = plan.backends.map((backend) => drawBackend(random, backend));
  const subsetOf = (backend: number) =>
    backend < 0 ? 0 : random.below(backends[backend].subsets.length);
  const listeners = plan.listeners.map((listener): ListenerPlan => ({
    ...listener,
    subset: subsetOf(listener.backend),
    routes: listener.routes.map((route) => ({ ...route, subset: subsetOf(route.backend) })),
  }));
  const memory = random.oneIn(3) ? MEMORY_MARK : null;
  const overload = { busy: null, memory, files: null, buffers: null };
  return { ...plan, worker: random.below(plan.workers), overload, listeners, backends };
}
