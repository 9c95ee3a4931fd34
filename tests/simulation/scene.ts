/**
 * What a seed stands for: the configuration, the servers and how they behave, the clients and when
 * they come, which faults happen and until when.
 */
import { POLICY_NAMES } from "../../src/balance/policy.ts";
import { Random } from "../../src/base/random.ts";
import { encodeSocketAddress } from "../../src/net/socket_address.ts";
import type { Plan } from "../../src/upstream/plan.ts";

/** What a server does with a connect; `flaky` draws one of the others each time. */
export const SERVER_MANNERS = ["accept", "refuse", "hang", "flaky"] as const;
export type ServerManner = typeof SERVER_MANNERS[number];

export interface Scene {
  readonly seed: number;
  readonly plan: Plan;
  readonly manners: readonly ServerManner[];
  /** Tunnels that the worker has room for. */
  readonly capacity: number;
  readonly clients: number;
  /** They come within this time. */
  readonly arrivalMs: number;
  /** Faults and bad manners end then. */
  readonly calmAtMs: number;
  /** Asked to drain then; Infinity: only when all clients are gone. */
  readonly drainAtMs: number;
  readonly drainTimeoutMs: number;
  /** Largest stream of a peer. */
  readonly streamBytes: number;
  /** Of a socket's buffer. */
  readonly pipeBytes: number;
  /** Peers and the kernel misbehave. */
  readonly faults: boolean;
  /** The kernel ends multishot receives by a byte limit (Linux 6.17). */
  readonly multishot: boolean;
  /** Timeouts are too long to matter. */
  readonly patient: boolean;
  /** All servers write much, and clients read nothing before the world is calm. */
  readonly flood: boolean;
}

export const FIRST_PORT = 9000;

export function drawScene(seed: number): Scene {
  const random = new Random(seed);
  const flood = random.oneIn(40);
  const faults = flood || !random.oneIn(4);
  const servers = 1 + random.below(4);
  const patient = random.oneIn(2);
  const manners = Array.from(
    { length: servers },
    () => faults && !flood ? SERVER_MANNERS[random.below(SERVER_MANNERS.length)] : "accept",
  );
  const pipeBytes = flood ? 65_536 : 1 + random.below(1 << (3 + random.below(16)));
  const calmAtMs = 200 + random.below(3000);
  const plan: Plan = {
    worker: 0,
    workers: 1 + random.below(3),
    cpu: -1,
    sharedFd: -1,
    drainTimeoutMs: 1000,
    logLevel: "error",
    listeners: [{
      name: "web",
      fd: 3,
      backend: 0,
      idleTimeoutMs: patient ? 600_000 : 50 + random.below(2000),
      halfCloseTimeoutMs: patient ? 600_000 : 50 + random.below(2000),
      connectionsMax: random.oneIn(3) ? 1 + random.below(8) : 0,
    }],
    backends: [{
      name: "app",
      balance: POLICY_NAMES[random.below(POLICY_NAMES.length)],
      connectTimeoutMs: 20 + random.below(300),
      retries: random.below(5),
      servers: Array.from({ length: servers }, (_, i) => ({
        name: `s${i}`,
        weight: 1 + random.below(3),
        backup: i > 0 && random.oneIn(4),
        address: [...encodeSocketAddress(Uint8Array.of(127, 0, 0, 1), FIRST_PORT + i)],
      })),
    }],
  };
  return {
    seed,
    plan,
    manners,
    capacity: flood ? 96 : 1 + random.below(64),
    clients: flood ? 80 : 1 + random.below(50),
    arrivalMs: 1 + random.below(calmAtMs),
    calmAtMs,
    drainAtMs: random.oneIn(3) ? random.below(calmAtMs) : Infinity,
    drainTimeoutMs: random.oneIn(2) ? random.below(500) : Infinity,
    // No more than some hundred fillings of a socket's buffer, or a run takes minutes.
    streamBytes: flood ? 1_500_000 : Math.min(1 << random.below(19), pipeBytes * 200),
    pipeBytes,
    faults,
    multishot: !random.oneIn(4),
    patient,
    flood,
  };
}
