/**
 * Measures by itself how long servers take to answer, from the completions that the worker sees,
 * and compares what the worker writes on the board.
 *
 * An answer is the first piece that comes from a server after the last one that came from its
 * client. A connect that takes too long counts with the time it was given, and a connection that
 * ends without an answer with the time that it lasted.
 */
import * as tunnel from "../../src/connection/tunnels.ts";
import { isGated } from "../../src/buffer/buffer_pool.ts";
import { ECANCELED } from "../../src/base/errno.ts";
import { LATENCY_MS_MAX } from "../../src/limits.ts";
import { CONNECT, RECEIVE } from "../../src/ring/ring.ts";
import type { SharedRegion } from "../../src/upstream/shared_region.ts";
import type { Worker } from "../../src/worker/worker.ts";
import { promise } from "./promise.ts";
import type { PublishedBoard } from "./published_board.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedRing } from "./simulated_ring.ts";

const DECAY_MS = 10_000;
const COST_MS_MIN = 0.001;

export class LatencyWitness {
  /** What was met; for telling that it was. */
  measured = 0;
  readonly #scene: Scene;
  readonly #worker: Worker;
  readonly #ring: SimulatedRing;
  readonly #region: SharedRegion;
  readonly #board: PublishedBoard;
  /** By server: what it costs, and since when. */
  readonly #costs: Float64Array;
  readonly #sinceMs: Float64Array;
  /** By tunnel: when its client spoke last and the server has not answered; 0: it has. */
  readonly #askedMs: Float64Array;

  constructor(
    scene: Scene,
    worker: Worker,
    ring: SimulatedRing,
    region: SharedRegion,
    board: PublishedBoard,
  ) {
    this.#scene = scene;
    this.#worker = worker;
    this.#ring = ring;
    this.#region = region;
    this.#board = board;
    this.#costs = new Float64Array(board.servers.length);
    this.#sinceMs = new Float64Array(board.servers.length);
    this.#askedMs = new Float64Array(worker.tcp.tunnels.capacity);
    const onClosed = worker.tcp.onClosed.bind(worker.tcp);
    worker.tcp.onClosed = (slot) => {
      this.#onClosed(slot);
      onClosed(slot);
    };
  }

  #isMeasured(slot: number): boolean {
    const { backend } = this.#worker.tcp.tunnels;
    return backend[slot] >= 0 &&
      this.#scene.plan.backends[backend[slot]].balance === "least_latency";
  }

  /** A completion is about to be handled. */
  onTold(): void {
    const { kind, index, generation, result, buffer, nowMs } = this.#ring;
    if (kind !== RECEIVE && kind !== CONNECT) return;
    const { tunnels } = this.#worker.tcp;
    const slot = index >> 1;
    if (tunnels.generation[slot] !== generation || !this.#isMeasured(slot)) return;
    const backend = tunnels.backend[slot];
    if (kind === CONNECT) {
      this.#askedMs[slot] = 0;
      const isOurs = (tunnels.flags[index] & tunnel.WITHDRAWN) !== 0;
      if (tunnels.state[slot] !== tunnel.CONNECTING || isOurs) return;
      const { connectTimeoutMs } = this.#scene.plan.backends[backend];
      if (result === -ECANCELED) this.#record(slot, connectTimeoutMs);
      return;
    }
    const isPassed = result > 0 && !isGated(buffer) && tunnels.state[slot] === tunnel.OPEN;
    if (!isPassed) return;
    if ((index & 1) === 0) this.#askedMs[slot] = nowMs;
    else if (this.#askedMs[slot] > 0) {
      this.#record(slot, nowMs - this.#askedMs[slot]);
      this.#askedMs[slot] = 0;
    }
  }

  #serverOf(slot: number): number {
    const { backend, server } = this.#worker.tcp.tunnels;
    return this.#board.numberOf(backend[slot], server[slot]);
  }

  /** A server that has not answered until then is so slow at the least. */
  #onClosed(slot: number): void {
    if (this.#askedMs[slot] === 0 || this.#worker.tcp.tunnels.server[slot] < 0) return;
    const silenceMs = this.#ring.nowMs - this.#askedMs[slot];
    if (silenceMs > this.#costs[this.#serverOf(slot)]) this.#record(slot, silenceMs);
    this.#askedMs[slot] = 0;
  }

  #record(slot: number, tookMs: number): void {
    const server = this.#serverOf(slot);
    const { nowMs } = this.#ring;
    const sample = Math.min(LATENCY_MS_MAX, Math.max(COST_MS_MIN, tookMs));
    const cost = this.#costs[server];
    const part = Math.exp(-(nowMs - this.#sinceMs[server]) / DECAY_MS);
    this.#costs[server] = sample >= cost ? sample : sample + (cost - sample) * part;
    this.#sinceMs[server] = nowMs;
    this.measured++;
  }

  beginTurn(): void {
    // What was measured at another address is of no use.
    for (const server of this.#board.readdressed) this.#costs[server] = 0;
  }

  endTurn(): void {
    const { board } = this.#region;
    for (let server = 0; server < this.#costs.length; server++) {
      const cost = board.cells[board.latencyAt(server)];
      const isClose = Math.abs(cost - this.#costs[server]) < 1e-6;
      promise(isClose, `server ${server} costs ${this.#costs[server]} ms, not ${cost}`);
    }
  }
}
