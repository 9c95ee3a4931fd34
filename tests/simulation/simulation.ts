/**
 * Runs one seed: a worker as it is, on a simulated ring, with simulated peers, until everybody has
 * gone; checks the invariants after every turn, and in the end what each peer has seen.
 *
 * A run is a function of its seed and the code. What breaks a promise is thrown, with the turn.
 */
import { Random } from "../../src/base/random.ts";
import { SLAB_BYTES } from "../../src/buffer/buffer_pool.ts";
import * as metric from "../../src/metrics/metric_names.ts";
import { listenerOffset, sharedBytes, SharedState } from "../../src/metrics/shared_state.ts";
import { addressSlotCount, DONE, SERVING, Worker } from "../../src/worker/worker.ts";
import { checkEmpty, checkInvariants } from "./invariants.ts";
import type { Peer } from "./peer.ts";
import { drawScene, type Scene } from "./scene.ts";
import { SimulatedNetwork } from "./simulated_network.ts";
import { promise, SimulatedRing } from "./simulated_ring.ts";

const NO_INPUTS = { controlFd: -1, signalFd: -1, parse: () => [] };
const SILENT = { connectFailed() {}, refused() {}, acceptFailed() {} };
/** From the calm on, in the simulation's time and in turns: then something hangs. */
const ENDING_MS_MAX = 20_000;
const TURNS_MAX = 30_000;
/** Invariants of every buffer and endpoint take longer than a turn: not after each of a flood. */
const CHECKS_MAX = 3000;

export interface Report {
  readonly seed: number;
  readonly turns: number;
  readonly simulatedMs: number;
  readonly connections: number;
  readonly bytes: number;
  /** The worker's counters at the end, for telling that faults were met. */
  readonly counters: Float64Array;
}

let slab: Uint8Array | null = null;

export class Simulation {
  readonly scene: Scene;
  readonly network: SimulatedNetwork;
  readonly ring: SimulatedRing;
  readonly worker: Worker;
  readonly shared: SharedState;
  readonly #random: Random;

  constructor(seed: number) {
    const scene = drawScene(seed);
    slab ??= new Uint8Array(SLAB_BYTES);
    const shape = {
      workers: scene.plan.workers,
      listeners: scene.plan.listeners.length,
      servers: scene.plan.backends[0].servers.length,
    };
    this.scene = scene;
    this.#random = new Random(seed ^ 0x07e5);
    this.network = new SimulatedNetwork(scene);
    this.ring = new SimulatedRing(scene, this.network, slab, addressSlotCount(scene.plan));
    this.shared = new SharedState(new ArrayBuffer(sharedBytes(shape)), shape);
    this.worker = new Worker(
      this.ring,
      slab,
      scene.plan,
      this.shared,
      scene.capacity,
      seed,
      NO_INPUTS,
      SILENT,
    );
  }

  run(): Report {
    const { network, ring, worker, scene } = this;
    try {
      worker.start();
      while (worker.state !== DONE) this.#turn();
      // What the end of the process would do: hand over the last closes.
      ring.turn(0);
      network.settle();
      checkEmpty(worker, ring);
      for (const client of network.clients) this.#checkClient(client);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
      throw new Error(
        `seed ${scene.seed}, turn ${ring.turns}: ${reason}\n` +
          `again: deno task simulate --seed ${scene.seed}`,
        { cause },
      );
    }
    const [counters] = this.shared.rows;
    return {
      seed: scene.seed,
      turns: ring.turns,
      simulatedMs: network.elapsedMs,
      connections: network.clients.length,
      bytes: network.clients.reduce((sum, peer) => sum + peer.sent + peer.received, 0),
      counters,
    };
  }

  #turn(): void {
    const { network, ring, worker, scene } = this;
    this.#actForOthers();
    worker.turn();
    const { elapsedMs } = network;
    const isDrainDue = elapsedMs >= scene.drainAtMs || (network.isCalm && network.isOver);
    if (worker.state === SERVING && isDrainDue) worker.drain(scene.drainTimeoutMs);
    const every = scene.flood ? 50 : 1 + Math.floor(ring.turns / CHECKS_MAX);
    if (ring.turns % every === 0) checkInvariants(worker, ring, this.shared);
    const left = worker.proxy.tunnels.openCount;
    promise(
      elapsedMs < scene.calmAtMs + ENDING_MS_MAX && ring.turns < TURNS_MAX,
      `everybody comes to an end; left are ${left} tunnels of ${network.clients.length} clients`,
    );
  }

  /** The row of another worker, which takes and leaves places under the listener's limit. */
  #actForOthers(): void {
    const { plan } = this.scene;
    if (plan.workers === 1) return;
    const at = listenerOffset(0) + metric.LISTENER_OPEN;
    const { connectionsMax } = plan.listeners[0];
    if (!this.network.hasFaults) this.shared.rows[1][at] = 0;
    else if (this.#random.oneIn(10)) {
      this.shared.rows[1][at] = this.#random.below(connectionsMax + 1);
    }
  }

  /** What a client has seen is what its server did, or a visible error. */
  #checkClient(client: Peer): void {
    const [row] = this.shared.rows;
    const cut = row[metric.TUNNELS_CUT] > 0;
    const timedOut = row[metric.IDLE_TIMEOUTS] + row[metric.HALF_CLOSE_TIMEOUTS] > 0;
    promise(client.isDone || cut, `client ${client.id} has come to an end`);
    const server = this.network.servers.find((peer) => peer.id === client.partner);
    if (server === undefined) {
      promise(client.received < 4, `client ${client.id} knows who its server is`);
      return;
    }
    const mutual = server.partner === -1 || server.partner === client.id;
    promise(mutual, `server ${server.id} and client ${client.id} are each other's partner`);
    this.#checkDirection(server, client, cut || timedOut);
    this.#checkDirection(client, server, cut || timedOut);
    const harmed = [client, server].some((peer) => peer.hasReset || peer.hasVanished);
    if (harmed || cut || timedOut) return;
    promise(client.sawEnd && server.sawEnd, `clients and servers that end well see it`);
    promise(client.received === server.sent, `client ${client.id} has everything`);
    promise(server.received === client.sent, `server ${server.id} has everything`);
  }

  #checkDirection(from: Peer, to: Peer, mayBeEarly: boolean): void {
    promise(to.received <= from.sent, `${to.id} has no more than ${from.id} sent`);
    if (!to.sawEnd || mayBeEarly) return;
    promise(from.hasEnded, `the end that ${to.id} saw is one that ${from.id} made`);
    promise(to.received === from.sent, `${to.id} has every byte that came before the end`);
  }
}

/** @throws Error that names the seed, the turn and the promise that was broken. */
export function runSeed(seed: number): Report {
  return new Simulation(seed).run();
}
