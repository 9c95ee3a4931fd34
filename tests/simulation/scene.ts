/**
 * What a seed stands for: the configuration, who takes part and how they behave, what room the
 * worker has, which faults happen and until when. TCP, UDP, or both in one worker.
 */
import { Random } from "../../src/base/random.ts";
import { AF_INET, AF_INET6 } from "../../src/net/socket_address.ts";
import type { Capacity } from "../../src/limits.ts";
import type { Plan } from "../../src/upstream/plan.ts";
import { balance } from "./balancing.ts";
import { type DatagramScene, drawDatagramScene } from "./datagram_scene.ts";
import { drawStreamScene, type StreamScene, type Traits } from "./stream_scene.ts";

export const SCENE_KINDS = [
  "streams",
  "stream flood",
  "datagrams",
  "datagram flood",
  "both",
] as const;
export type SceneKind = typeof SCENE_KINDS[number];

export interface Scene extends Traits {
  readonly seed: number;
  readonly kind: SceneKind;
  readonly plan: Plan;
  readonly streams: StreamScene | null;
  readonly datagrams: DatagramScene | null;
  /** What the worker has room for. */
  readonly capacity: Capacity;
  /** Asked to drain then; Infinity: only when everybody is through. */
  readonly drainAtMs: number;
  readonly drainTimeoutMs: number;
  /** The kernel ends multishot receives by a byte limit (Linux 6.17). */
  readonly multishot: boolean;
  /** A family that this machine has no sockets for; 0: it has all. */
  readonly missingFamily: number;
  /** Servers have limits, priorities and so on. */
  readonly balanced: boolean;
  /** And other workers take places there, while a supervisor changes things as it likes. */
  readonly supervised: boolean;
}

/** Standard streams have the others. */
const FIRST_FD = 3;
/** So many scenes are about places, lines and preference. */
const BALANCED_ONE_IN = 3;

function drawKind(random: Random): SceneKind {
  const number = random.below(40);
  if (number === 0) return "stream flood";
  if (number === 1) return "datagram flood";
  if (number < 17) return "datagrams";
  return number < 21 ? "both" : "streams";
}

function drawCapacity(
  random: Random,
  { flood, limited }: Traits,
  streams: StreamScene | null,
  datagrams: DatagramScene | null,
): Capacity {
  const flows = limited ? 1 + random.below(random.oneIn(2) ? 12 : 200) : 200;
  return {
    // Each socket keeps an accept armed, which has a slot.
    tunnels: streams === null ? 0 : flood ? 96 : streams.places.length + random.below(64),
    flows: datagrams === null ? 0 : flood ? 400 : flows,
  };
}

/** The kind of a seed's scene, without drawing the rest. */
export function kindOf(seed: number): SceneKind {
  return drawKind(new Random(seed));
}

export function drawScene(seed: number): Scene {
  const random = new Random(seed);
  const kind = drawKind(random);
  const flood = kind.endsWith("flood");
  const faults = flood || !random.oneIn(4);
  const patient = random.oneIn(2);
  const calmAtMs = 200 + random.below(3000);
  const limited = faults || random.oneIn(2);
  const traits: Traits = { faults, patient, flood, limited, calmAtMs };
  const none = { fds: FIRST_FD, backends: 0, servers: 0 };
  const streams = kind.startsWith("datagram") ? null : drawStreamScene(random, traits, none);
  const taken = streams === null ? none : {
    fds: FIRST_FD + streams.places.length,
    backends: streams.backends.length,
    servers: streams.servers.length,
  };
  const firstListener = streams?.listeners.length ?? 0;
  const datagrams = kind.startsWith("stream")
    ? null
    : drawDatagramScene(random, traits, taken, firstListener);
  const plan: Plan = {
    worker: 0,
    workers: 1 + random.below(3),
    cpu: -1,
    io: "uring",
    hardening: false,
    sharedFd: -1,
    hashKey: [seed, 0x5eed],
    drainTimeoutMs: 1000,
    logLevel: "error",
    connectionsMax: limited && !flood && random.oneIn(8) ? 1 + random.below(16) : 0,
    overload: { busy: null, memory: null, files: null, buffers: null },
    listeners: [...streams?.listeners ?? [], ...datagrams?.listeners ?? []],
    backends: [...streams?.backends ?? [], ...datagrams?.backends ?? []],
  };
  // Chance of its own: the rest of a scene is the same with it and without.
  const other = new Random(seed ^ 0xba1a);
  const balanced = !flood && other.oneIn(BALANCED_ONE_IN);
  // Somebody may be in line when all are cut.
  const isHurried = balanced && limited && other.oneIn(5);
  return {
    ...traits,
    seed,
    kind,
    plan: balanced ? balance(other, plan) : plan,
    balanced,
    supervised: balanced && faults && !other.oneIn(4),
    streams,
    datagrams,
    capacity: drawCapacity(random, traits, streams, datagrams),
    drainAtMs: limited && random.oneIn(3) ? random.below(calmAtMs) : Infinity,
    drainTimeoutMs: random.oneIn(2) ? random.below(500) : Infinity,
    multishot: !random.oneIn(4),
    missingFamily: faults && !flood && random.oneIn(5) ? random.oneIn(2) ? AF_INET : AF_INET6 : 0,
    ...(isHurried ? { drainAtMs: other.below(calmAtMs), drainTimeoutMs: other.below(50) } : {}),
  };
}
