/**
 * Cases that are about one promise each: slow start, panic, keys, bounded load, latency, evenness.
 * What does not matter for the promise is drawn from the seed.
 */
import { Random } from "../../../src/base/random.ts";
import { promise } from "../promise.ts";
import { HOUR_MS, makeScene, MINUTE_MS, type Order, SECOND_MS } from "./backend_scene.ts";
import { AccountWitness } from "./account_witness.ts";
import { BackendWorld } from "./backend_world.ts";
import { EjectionWitness } from "./ejection_witness.ts";
import { drawFaults, type Fault, type FaultKind } from "./fault.ts";
import { KeyWitness } from "./key_witness.ts";
import { LatencyWitness } from "./latency_witness.ts";
import { BoundWitness, EvenWitness } from "./load_witness.ts";
import { MoveWitness } from "./move_witness.ts";
import { PanicWitness } from "./panic_witness.ts";
import { SlowStartWitness } from "./slow_start_witness.ts";
import { TierWitness } from "./tier_witness.ts";
import { WeightWitness } from "./weight_witness.ts";
import type { Witness } from "./witness.ts";

function figuresOf(witnesses: readonly Witness[]): string[] {
  return witnesses.flatMap((witness) => witness.figures?.() ?? []);
}

function draw<const T>(random: Random, choices: readonly T[]): T {
  return choices[random.below(choices.length)];
}

function weightsOf(count: number): number[] {
  return new Array(count).fill(1);
}

/** Faults that keep one server after the other out for a while, far enough apart. */
function inTurn(count: number, kinds: readonly FaultKind[], gapMs: number, times: number): Fault[] {
  return Array.from({ length: times }, (_, i) => ({
    server: i % count,
    kind: kinds[i % kinds.length],
    startMs: (i + 0.5) * gapMs,
    endMs: (i + 0.5) * gapMs + MINUTE_MS,
  }));
}

/** Servers fail one after the other, and come back into a slow start. */
export function runSlowStart(seed: number): string[] {
  const random = new Random(seed);
  const count = 3 + random.below(4);
  const workers = 1 + random.below(4);
  const slowStartMs = (2 + random.below(3)) * MINUTE_MS;
  const gapMs = 2 * slowStartMs + 4 * MINUTE_MS;
  const balance = draw(random, ["round_robin", "random", "consistent_hash"] as const);
  const witnesses = [new SlowStartWitness(count, workers, slowStartMs, balance)];
  const scene = makeScene(seed, {
    workers,
    weights: weightsOf(count),
    backend: { balance, slowStartMs, hashOn: balance === "consistent_hash" ? ["source_ip"] : [] },
    clients: { perSecond: 60 },
    faults: inTurn(count, ["refuse", "crash", "hang"], gapMs, 8),
    durationMs: 8 * gapMs,
  });
  new BackendWorld(scene, witnesses).run();
  return [
    `${balance}, ${count} servers, ${workers} workers, slow start ${slowStartMs / 1000} s`,
    ...figuresOf(witnesses),
  ];
}

/** More and more servers fail, until health is ignored, and come back one by one. */
export function runPanic(seed: number): string[] {
  const random = new Random(seed);
  const count = 4 + random.below(5);
  const threshold = draw(random, [0.3, 0.5, 0.7]);
  const faults: Fault[] = [];
  for (let round = 0; round < 3; round++) {
    const failing = Math.floor(count * (1 - threshold)) + 1 + random.below(2);
    for (let i = 0; i < Math.min(failing, count); i++) {
      const startMs = (4 + 20 * round) * MINUTE_MS + i * 20 * SECOND_MS;
      const endMs = (12 + 20 * round) * MINUTE_MS + i * 20 * SECOND_MS;
      faults.push({
        server: (i + round) % count,
        kind: draw(random, ["refuse", "gone"]),
        startMs,
        endMs,
      });
    }
  }
  const orders: Order[] = [
    { atMs: 30 * MINUTE_MS, server: count - 1, what: "drain" },
    { atMs: 50 * MINUTE_MS, server: count - 1, what: "ready" },
  ];
  const witnesses = [new PanicWitness(threshold), new EjectionWitness(count)];
  const scene = makeScene(seed, {
    workers: 1 + random.below(4),
    weights: weightsOf(count),
    backend: { panicThreshold: threshold, retries: random.below(3) },
    clients: { perSecond: 30 },
    faults,
    orders,
    durationMs: 75 * MINUTE_MS,
  });
  new BackendWorld(scene, witnesses).run();
  return [`${count} servers, threshold ${threshold}`, ...figuresOf(witnesses)];
}

/** Keys come again and again, while servers fail one after the other. */
export function runKeys(seed: number): string[] {
  const random = new Random(seed);
  const count = 3 + random.below(6);
  const gapMs = 10 * MINUTE_MS;
  const faults: readonly FaultKind[] = ["refuse", "gone", "hang", "flap"];
  const witnesses = [new KeyWitness(count), new EjectionWitness(count)];
  const scene = makeScene(seed, {
    workers: 1 + random.below(4),
    weights: weightsOf(count),
    backend: { balance: "consistent_hash", hashOn: ["source_ip"] },
    clients: { perSecond: 60, keys: 4000 },
    faults: inTurn(count, faults, gapMs, 9),
    durationMs: 9 * gapMs + 10 * MINUTE_MS,
  });
  new BackendWorld(scene, witnesses).run();
  return [`${count} servers`, ...figuresOf(witnesses)];
}

/** An operator changes weights, drains servers and lets them in again. */
export function runWeights(seed: number): string[] {
  const random = new Random(seed);
  const count = 3 + random.below(4);
  const workers = 1 + random.below(4);
  const balance = draw(random, ["round_robin", "random", "consistent_hash"]);
  const orders = Array.from({ length: 20 }, (_, i): Order => {
    const atMs = (i + 1) * 3 * MINUTE_MS;
    // The first one is left alone: somebody has to work.
    const server = 1 + random.below(count - 1);
    const what = draw(random, ["weight", "weight", "weight", "drain", "maint", "ready"]);
    const weight = draw(random, [0, 1, 2, 3, 10, 100, 256]);
    return { atMs, server, what, weight };
  });
  const witnesses = [new WeightWitness(count, workers, balance)];
  const scene = makeScene(seed, {
    workers,
    weights: Array.from({ length: count }, () => 1 + random.below(5)),
    backend: { balance, hashOn: balance === "consistent_hash" ? ["source_ip"] : [] },
    orders,
    durationMs: 70 * MINUTE_MS,
  });
  new BackendWorld(scene, witnesses).run();
  return [`${balance}, ${count} servers, ${workers} workers`, ...figuresOf(witnesses)];
}

/** Servers in groups of preference fail and come back; in the end only backups are left. */
export function runPriority(seed: number): string[] {
  const random = new Random(seed);
  const sizes = [2 + random.below(3), 2 + random.below(3), 1 + random.below(2)];
  const backups = random.below(3);
  const groups = sizes.flatMap((size, group) => new Array(size).fill(group));
  groups.push(...new Array(backups).fill(-1));
  const regular = groups.length - backups;
  const faults = drawFaults(random, regular, 5 * MINUTE_MS, 100 * MINUTE_MS, regular - 1, 0);
  for (let server = 0; server < regular; server++) {
    faults.push({ server, kind: "gone", startMs: 105 * MINUTE_MS, endMs: 115 * MINUTE_MS });
  }
  const witnesses = [
    new TierWitness(groups),
    new EjectionWitness(groups.length),
    new AccountWitness(groups.length),
  ];
  const scene = makeScene(seed, {
    workers: 1 + random.below(4),
    weights: weightsOf(groups.length),
    priorities: groups.map((group) => Math.max(0, group)),
    backups: groups.flatMap((group, i) => group < 0 ? [i] : []),
    backend: {
      balance: draw(random, ["round_robin", "least_conn", "random"]),
      retries: random.below(4),
    },
    clients: { perSecond: 30 },
    faults,
    durationMs: 2 * HOUR_MS,
  });
  new BackendWorld(scene, witnesses).run();
  return [`groups of ${sizes.join(" ")}, ${backups} backups`, ...figuresOf(witnesses)];
}

/** Long connections, and servers that come back empty. */
export function runRebalance(seed: number): string[] {
  const random = new Random(seed);
  const count = 3 + random.below(4);
  const balance = draw(random, ["least_conn", "round_robin", "consistent_hash"] as const);
  const perMinute = draw(random, [0.02, 0.05, 0.1]);
  const isHashing = balance === "consistent_hash";
  const fault: Fault = {
    server: random.below(count),
    kind: draw(random, ["gone", "crash", "refuse"]),
    startMs: HOUR_MS,
    endMs: HOUR_MS + 10 * MINUTE_MS,
  };
  const witnesses = [
    // With turns only a part of what is moved comes to the one that is short of connections.
    new MoveWitness(perMinute, fault.endMs + HOUR_MS, !isHashing),
    new AccountWitness(count),
  ];
  const scene = makeScene(seed, {
    workers: 1 + random.below(4),
    weights: weightsOf(count),
    backend: {
      balance,
      hashOn: isHashing ? ["source_ip"] : [],
      rebalancePerSecond: perMinute / 60,
      slowStartMs: draw(random, [0, MINUTE_MS]),
      onDown: draw(random, ["keep", "close"]),
    },
    // Few keys are uneven for good.
    clients: { perSecond: 1, keys: isHashing ? 30 : 0, longShare: 1, longStayMs: HOUR_MS / 2 },
    faults: [fault],
    durationMs: 3 * HOUR_MS,
  });
  new BackendWorld(scene, witnesses).run();
  return [
    `${balance}, ${count} servers, ${100 * perMinute} % a minute`,
    ...figuresOf(witnesses),
  ];
}

/** A few keys are much hotter than a server's share. */
export function runBound(seed: number): string[] {
  const random = new Random(seed);
  const count = 3 + random.below(6);
  const loadFactor = draw(random, [1.05, 1.25, 1.5, 2]);
  const keys = count * (1 + random.below(4));
  const witnesses = [new BoundWitness(count, loadFactor)];
  const scene = makeScene(seed, {
    workers: 1 + random.below(4),
    weights: weightsOf(count),
    backend: { balance: "consistent_hash", hashOn: ["source_ip"], loadFactor },
    clients: { perSecond: 40, keys, hotness: 3, longShare: 0.5, longStayMs: 10 * SECOND_MS },
    durationMs: HOUR_MS / 2,
  });
  new BackendWorld(scene, witnesses).run();
  return [`${count} servers, ${keys} keys, factor ${loadFactor}`, ...figuresOf(witnesses)];
}

/** One of four servers takes ten times as long: who notices? */
export function runLatency(seed: number): string[] {
  const random = new Random(seed);
  const slow: Fault = {
    server: random.below(4),
    kind: "slow",
    startMs: 5 * MINUTE_MS,
    endMs: HOUR_MS,
  };
  const [first, second] = (["round_robin", "least_latency"] as const).map((balance) => {
    const witness = new LatencyWitness(balance, 4);
    const scene = makeScene(seed, {
      workers: 2,
      backend: { balance },
      clients: { perSecond: 60, longShare: 0 },
      faults: [slow],
      durationMs: HOUR_MS / 2,
    });
    new BackendWorld(scene, [witness]).run();
    return witness;
  });
  const mean = second.meanMs / first.meanMs;
  const tail = second.percentileMs(0.99) / first.percentileMs(0.99);
  promise(mean <= 0.5, `least_latency's mean is ${mean.toFixed(2)} of round_robin's`);
  promise(tail <= 0.6, `least_latency's p99 is ${tail.toFixed(2)} of round_robin's`);
  return [
    ...first.figures(),
    ...second.figures(),
    `ratio: mean ${mean.toFixed(2)}, p99 ${tail.toFixed(2)}`,
  ];
}

/** Connections that come one by one, over four workers, and stay. */
export function runEven(seed: number): string[] {
  const random = new Random(seed);
  const count = 2 + random.below(7);
  const witnesses = [new EvenWitness(count)];
  const scene = makeScene(seed, {
    workers: 4,
    weights: weightsOf(count),
    backend: { balance: "least_conn" },
    clients: { perSecond: 20, longShare: 1, longStayMs: Infinity },
    durationMs: 10 * MINUTE_MS,
    traits: { openMax: Infinity },
  });
  new BackendWorld(scene, witnesses).run();
  return [`${count} servers`, ...figuresOf(witnesses)];
}
