/**
 * All servers fail at once, so that every attempt does: what must not happen is that retries and
 * clients together become several times the load that brought the servers down. And when they are
 * back, everything is as before.
 */
import { Random } from "../../../src/base/random.ts";
import { type BackendScene, makeScene, MINUTE_MS } from "./backend_scene.ts";
import { BackendWorld } from "./backend_world.ts";
import { BreakerWitness } from "./breaker_witness.ts";
import { EjectionWitness } from "./ejection_witness.ts";
import type { FaultKind } from "./fault.ts";
import { RecoveryWitness } from "./recovery_witness.ts";
import { StormWitness } from "./storm_witness.ts";

const FAILS_AT_MS = 5 * MINUTE_MS;
const WORKS_AT_MS = 20 * MINUTE_MS;
const DURATION_MS = 30 * MINUTE_MS;

function drawScene(seed: number, hasBreaker: boolean): BackendScene {
  const random = new Random(seed);
  const count = 2 + random.below(5);
  // Whoever is well every other second closes a breaker every other second.
  const kinds: FaultKind[] = ["refuse", "hang", "gone", "crash"];
  if (!hasBreaker) kinds.push("flap");
  const one = kinds[random.below(kinds.length)];
  // The first one accepts and resets: probes find nothing wrong with it.
  const kindOf = (server: number): FaultKind =>
    !hasBreaker && seed % 3 === 0
      ? server === 0 ? "reset" : kinds[random.below(kinds.length)]
      : one;
  const config = makeScene(seed, {}).config;
  return makeScene(seed, {
    workers: 1 + random.below(4),
    weights: new Array(count).fill(1),
    backend: {
      balance: random.oneIn(2) ? "round_robin" : "least_conn",
      retries: 1 + random.below(10),
      healthCheck: random.oneIn(2) ? null : config.healthCheck,
      ejection: random.oneIn(4) ? null : config.ejection,
      panicThreshold: random.oneIn(3) ? 0 : 0.5,
      circuitBreaker: hasBreaker
        ? { errors: 0.5, windowMs: 10_000, connections: 20, openMs: 10_000, trials: 3 }
        : null,
    },
    clients: { perSecond: 20 + random.below(80) },
    faults: Array.from({ length: count }, (_, server) => ({
      server,
      kind: kindOf(server),
      startMs: FAILS_AT_MS,
      endMs: WORKS_AT_MS,
    })),
    durationMs: DURATION_MS,
  });
}

function describe({ config, faults }: BackendScene): string {
  const { servers, retries, healthCheck, ejection } = config;
  const kinds = faults.map(({ kind }) => kind).join(" ");
  return `${servers.length} servers: ${kinds}; ${retries} retries` +
    `${healthCheck === null ? ", no probes" : ""}${ejection === null ? ", no ejection" : ""}`;
}

export function runStorm(seed: number): string[] {
  const scene = drawScene(seed, false);
  const witnesses = [
    new StormWitness(DURATION_MS, 1.2),
    new EjectionWitness(scene.config.servers.length),
    new RecoveryWitness(WORKS_AT_MS, 6 * MINUTE_MS),
  ];
  new BackendWorld(scene, witnesses).run();
  return [describe(scene), ...witnesses.flatMap((witness) => witness.figures())];
}

export function runBreaker(seed: number): string[] {
  const scene = drawScene(seed, true);
  const witnesses = [
    new StormWitness(DURATION_MS, 1.2),
    new BreakerWitness(scene.config.circuitBreaker!, FAILS_AT_MS, WORKS_AT_MS),
    new RecoveryWitness(WORKS_AT_MS, 6 * MINUTE_MS),
  ];
  new BackendWorld(scene, witnesses).run();
  return [describe(scene), ...witnesses.flatMap((witness) => witness.figures())];
}
