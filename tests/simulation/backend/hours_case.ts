/**
 * Hours of an ordinary backend: a calm one first, whose shares are counted, and then servers fail
 * in all ways there are. Everything is drawn: policy, workers, servers, weights, settings, faults.
 */
import { Random } from "../../../src/base/random.ts";
import type { PolicyName } from "../../../src/config/config.ts";
import { AccountWitness } from "./account_witness.ts";
import { type BackendScene, HOUR_MS, makeScene, MINUTE_MS, SECOND_MS } from "./backend_scene.ts";
import { BackendWorld } from "./backend_world.ts";
import { EjectionWitness } from "./ejection_witness.ts";
import { FailureWitness } from "./failure_witness.ts";
import { drawFaults } from "./fault.ts";
import { type SpreadBound, SpreadWitness } from "./spread_witness.ts";
import { StormWitness } from "./storm_witness.ts";
import { ATTEMPTS_USED, NO_BUDGET, NO_SERVER, type Witness } from "./witness.ts";

const POLICIES: readonly PolicyName[] = [
  "round_robin",
  "least_conn",
  "p2c",
  "random",
  "first",
  "least_latency",
  "consistent_hash",
];
/** Until everything has settled. */
const WARM_UP_MS = 10 * MINUTE_MS;
const CALM_END_MS = WARM_UP_MS + HOUR_MS;
const REST_MS = 20 * MINUTE_MS;
/**
 * Connections that a server may reset in one fault. That lasts some minutes, in which it comes back
 * after 10, 20, 30... seconds, and each time a few are reset in a row and until the next tick.
 */
const RESETS_MAX = 100;

/** Policies that look at load or time give equal servers equal shares, no more is promised. */
const PROPORTIONAL: readonly PolicyName[] = ["round_robin", "random", "consistent_hash"];

function boundOf(balance: PolicyName, workers: number, servers: number): SpreadBound {
  const of = "connections";
  switch (balance) {
    case "round_robin":
      // Each worker takes turns on its own, and is within one of each server's share.
      return { of, relative: 0, deviations: 0, connections: workers * servers };
    case "first":
      return { of, relative: 0, deviations: 0, connections: 0 };
    case "random":
      return { of, relative: 0, deviations: 5, connections: 0 };
    case "consistent_hash":
      // The table has 65537 slots.
      return { of, relative: 0.005, deviations: 5, connections: 0 };
    default:
      return { of: "open", relative: 0.05, deviations: 0, connections: 0 };
  }
}

interface Drawn {
  readonly scene: BackendScene;
  readonly togetherMax: number;
}

function drawScene(seed: number): Drawn {
  const random = new Random(seed);
  const balance = POLICIES[seed % POLICIES.length];
  const workers = 1 + random.below(4);
  const count = 3 + random.below(5);
  const isWeighted = PROPORTIONAL.includes(balance) && random.oneIn(2);
  const weights = Array.from({ length: count }, () => isWeighted ? 1 + random.below(8) : 1);
  const durationMs = 2 * HOUR_MS + random.below(2 * HOUR_MS);
  const togetherMax = random.oneIn(2) ? 1 : 1 + random.below(Math.ceil(count / 2));
  const faults = drawFaults(
    random,
    count,
    CALM_END_MS,
    durationMs - REST_MS,
    togetherMax,
    // Long enough for what was ejected for long to be back before the next one fails.
    togetherMax === 1 ? 6 * MINUTE_MS : 10 * SECOND_MS,
  );
  const scene = makeScene(seed, {
    workers,
    weights,
    backend: {
      balance,
      hashOn: balance === "consistent_hash" ? ["source_ip"] : [],
      retries: 1 + random.below(3),
      slowStartMs: random.oneIn(2) ? 0 : random.below(2 * MINUTE_MS),
    },
    clients: { perSecond: 16 + random.below(40) },
    faults,
    deaths: Array.from({ length: random.below(4) }, () => ({
      atMs: CALM_END_MS + random.below(durationMs - CALM_END_MS),
      worker: random.below(workers),
    })),
    durationMs,
  });
  return { scene, togetherMax };
}

export function runHours(seed: number): string[] {
  const { scene, togetherMax } = drawScene(seed);
  const { config, plan, durationMs } = scene;
  const { balance, servers } = config;
  const shares = balance === "first"
    ? servers.map((_, i) => i === 0 ? 1 : 0)
    : servers.map(({ weight }) => weight);
  const bound = boundOf(balance, plan.workers, servers.length);
  const isAlone = togetherMax === 1;
  const witnesses = [
    new AccountWitness(servers.length),
    new SpreadWitness(shares, WARM_UP_MS, CALM_END_MS, bound),
    new StormWitness(durationMs, 1.2),
    new EjectionWitness(servers.length, RESETS_MAX),
    new FailureWitness(
      isAlone ? [NO_BUDGET] : [NO_BUDGET, ATTEMPTS_USED, NO_SERVER],
      isAlone ? 0.001 : 0.01,
    ),
  ];
  new BackendWorld(scene, witnesses).run();
  const hours = (durationMs / HOUR_MS).toFixed(1);
  return [
    `${balance}, ${plan.workers} workers, weights ${
      servers.map(({ weight }) => weight).join(" ")
    },` +
    ` ${hours} h, ${scene.faults.length} faults, at most ${togetherMax} together`,
    ...witnesses.flatMap((witness: Witness) => witness.figures?.() ?? []),
  ];
}
