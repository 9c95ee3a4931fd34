/**
 * Runs one seed: a worker as it is, on a simulated ring, with simulated peers, until everybody has
 * gone; checks the invariants after every turn, and in the end what each peer has seen.
 *
 * A run is a function of its seed and the code. What breaks a promise is thrown, with the turn.
 */
import { LEASED, SLAB_BYTES } from "../../src/buffer/buffer_pool.ts";
import type { Protocol } from "../../src/config/config.ts";
import type { SharedShape } from "../../src/metrics/shared_state.ts";
import type { ProxyLog } from "../../src/proxy/proxy_context.ts";
import { regionBytes, regionShape, SharedRegion } from "../../src/upstream/shared_region.ts";
import { addressSlotCount, DONE, SERVING, Worker } from "../../src/worker/worker.ts";
import { BalancingWitness, type Events } from "./balancing_witness.ts";
import type { DatagramLedger } from "./datagram_ledger.ts";
import { DatagramOutcome } from "./datagram_outcome.ts";
import { checkEmpty, Invariants } from "./invariants.ts";
import { OtherWorkers } from "./other_workers.ts";
import { promise } from "./promise.ts";
import { PublishedBoard } from "./published_board.ts";
import { drawScene, type Scene, type SceneKind } from "./scene.ts";
import { SimulatedRing } from "./simulated_ring.ts";
import { StreamOutcome } from "./stream_outcome.ts";
import { World } from "./world.ts";

const NO_INPUTS = { controlFd: -1, signalFd: -1, cpuMs: () => 0, parse: () => [] };
/** From the calm on, in the simulation's time and in turns: then something hangs. */
const ENDING_MS_MAX = 30_000;
const TURNS_MAX = 40_000;
/** Invariants of every buffer and endpoint take longer than a turn: not after each of a flood. */
const CHECKS_MAX = 3000;

export interface Report {
  readonly seed: number;
  readonly kind: SceneKind;
  readonly turns: number;
  readonly simulatedMs: number;
  readonly connections: number;
  /** Bytes that passed in connections, either way. */
  readonly bytes: number;
  /** Accounts of what passed of UDP; null without any. */
  readonly datagrams: DatagramLedger | null;
  /** The worker's counters at the end, for telling that faults were met. */
  readonly counters: Float64Array;
  readonly shape: SharedShape;
  /** By listener. */
  readonly protocols: readonly Protocol[];
  /** What was met of balancing; null in scenes that are not about it. */
  readonly events: Events | null;
}

let slab: Uint8Array | null = null;

export class Simulation {
  readonly scene: Scene;
  readonly world: World;
  readonly ring: SimulatedRing;
  readonly worker: Worker;
  readonly region: SharedRegion;
  /** By listener's name: clients that are said to have ended before they were understood. */
  readonly endedEarly = new Map<string, number>();
  readonly #invariants: Invariants;
  readonly #others: OtherWorkers;
  readonly #board: PublishedBoard;
  readonly #witness: BalancingWitness | null;

  constructor(seed: number) {
    const scene = drawScene(seed);
    const { plan, capacity } = scene;
    slab ??= new Uint8Array(SLAB_BYTES);
    const shape = regionShape(plan);
    this.scene = scene;
    this.world = new World(scene);
    this.ring = new SimulatedRing(scene, this.world, slab, addressSlotCount(plan));
    this.region = new SharedRegion(new ArrayBuffer(regionBytes(shape)), shape);
    const { ring, region } = this;
    const log = this.#makeLog();
    this.worker = new Worker(ring, slab, plan, region, capacity, seed, NO_INPUTS, log);
    if (ring.datagrams !== null) {
      ring.datagrams.isLeased = (buffer) => this.worker.pool.place[buffer] === LEASED;
    }
    const { world, worker } = this;
    this.#invariants = new Invariants(scene, worker, ring, region);
    const others = new OtherWorkers(scene, region, world.clock);
    const board = new PublishedBoard(scene, region, world.clock, (told) => worker.apply(told));
    this.#others = others;
    this.#board = board;
    this.#witness = scene.balanced
      ? new BalancingWitness(scene, world, worker, ring, region, board, others)
      : null;
    ring.witness = this.#witness;
  }

  #makeLog(): ProxyLog {
    return {
      connectFailed: (backend, server) => this.#witness?.onConnectFailed(backend, server),
      refused: (_, backend) => this.#witness?.onRefused(backend),
      acceptFailed() {},
      overloaded() {},
      misread: (listener, why) => {
        if (!why.includes("the client ended")) return;
        this.endedEarly.set(listener, (this.endedEarly.get(listener) ?? 0) + 1);
      },
    };
  }

  run(): Report {
    const { world, ring, worker, scene } = this;
    try {
      worker.start();
      while (worker.state !== DONE) this.#turn();
      // What the end of the process would do: hand over the last closes.
      ring.turn(0);
      while (ring.next());
      world.settle();
      checkEmpty(worker, ring);
      this.#checkOutcome();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
      throw new Error(
        `seed ${scene.seed}, turn ${ring.turns}: ${reason}\n` +
          `again: deno task simulate --seed ${scene.seed}`,
        { cause },
      );
    }
    return this.#report();
  }

  #turn(): void {
    const { world, ring, worker, scene } = this;
    this.#others.act();
    this.#board.act();
    this.#witness?.beginTurn();
    worker.turn();
    this.#witness?.endTurn();
    const { elapsedMs, isCalm } = world.clock;
    const isDrainDue = elapsedMs >= scene.drainAtMs || (isCalm && world.isOver);
    if (worker.state === SERVING && isDrainDue) worker.drain(scene.drainTimeoutMs);
    const every = scene.flood ? 50 : 1 + Math.floor(ring.turns / CHECKS_MAX);
    if (ring.turns % every === 0) this.#invariants.check();
    promise(
      elapsedMs < scene.calmAtMs + ENDING_MS_MAX && ring.turns < TURNS_MAX,
      `everybody comes to an end; left are ${worker.tcp.tunnels.openCount} tunnels and ` +
        `${worker.udp.flows.openCount} flows`,
    );
  }

  #checkOutcome(): void {
    const { scene, world, ring } = this;
    const { rows, shape } = this.region.state;
    const row = rows[scene.plan.worker];
    const { elapsedMs } = world.clock;
    if (world.streams !== null) {
      const { endedEarly } = this;
      const gone = this.#witness?.lines.gone ?? 0;
      new StreamOutcome(scene, world.streams, row, shape, elapsedMs, endedEarly, gone).check();
    }
    if (world.datagrams === null) return;
    const { ledger } = ring.datagrams!;
    new DatagramOutcome(scene, world.datagrams, ledger, row, shape, elapsedMs).check();
  }

  #report(): Report {
    const { scene, ring, world } = this;
    const clients = world.streams?.clients ?? [];
    const { rows, shape } = this.region.state;
    return {
      seed: scene.seed,
      kind: scene.kind,
      turns: ring.turns,
      simulatedMs: world.clock.elapsedMs,
      connections: clients.length,
      bytes: clients.reduce((sum, { peer }) => sum + peer.sent + peer.reader.received, 0),
      datagrams: ring.datagrams?.ledger ?? null,
      counters: rows[scene.plan.worker],
      shape,
      protocols: scene.plan.listeners.map(({ protocol }) => protocol),
      events: this.#witness?.events ?? null,
    };
  }
}

/** @throws Error that names the seed, the turn and the promise that was broken. */
export function runSeed(seed: number): Report {
  return new Simulation(seed).run();
}
