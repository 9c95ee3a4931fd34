/**
 * All who look at how a worker balances, in a scene that is about that: at each connect, at each
 * completion, and after each turn.
 */
import type { Backend } from "../../src/upstream/backend.ts";
import type { SharedRegion } from "../../src/upstream/shared_region.ts";
import type { Worker } from "../../src/worker/worker.ts";
import { ChoiceWitness } from "./choice_witness.ts";
import { LatencyWitness } from "./latency_witness.ts";
import { LineWitness } from "./line_witness.ts";
import { OrderWitness } from "./order_witness.ts";
import type { OtherWorkers } from "./other_workers.ts";
import type { PublishedBoard } from "./published_board.ts";
import type { Scene } from "./scene.ts";
import { ShedWitness } from "./shed_witness.ts";
import type { SimulatedRing } from "./simulated_ring.ts";
import type { World } from "./world.ts";

/** What was met; for telling that it was. */
export const EVENTS = [
  "served from a line",
  "served when they try again",
  "held back for other workers",
  "gone from a line",
  "picked in panic",
  "backups when the others were tried",
  "closed",
  "withdrawn",
  "moved",
  "measured",
] as const;
export type Events = Record<typeof EVENTS[number], number>;

export class BalancingWitness {
  readonly choices: ChoiceWitness;
  readonly lines: LineWitness;
  readonly #orders: OrderWitness;
  readonly #latencies: LatencyWitness;
  readonly #shed: ShedWitness;

  constructor(
    scene: Scene,
    world: World,
    worker: Worker,
    ring: SimulatedRing,
    region: SharedRegion,
    board: PublishedBoard,
    others: OtherWorkers,
  ) {
    this.choices = new ChoiceWitness(scene, worker, ring, region, board, others);
    this.lines = new LineWitness(scene, worker, ring, region, others, this.choices);
    this.#orders = new OrderWitness(worker, ring, board, this.choices);
    this.#latencies = new LatencyWitness(scene, worker, ring, region, board);
    this.#shed = new ShedWitness(scene, region, board, world.clock);
  }

  onConnect(tunnel: number, server: number): void {
    this.choices.onConnect(tunnel, server, this.lines.onConnect(tunnel));
  }

  onFlowConnect(server: number): void {
    this.choices.onFlowConnect(server);
  }

  onTold(): void {
    this.choices.onTold();
    this.#latencies.onTold();
  }

  onRefused(backend: Backend): void {
    this.lines.onRefused(backend);
    this.choices.onRefused(backend);
  }

  onConnectFailed(backend: Backend, server: number): void {
    this.choices.onConnectFailed(backend, server);
  }

  beginTurn(): void {
    this.choices.beginTurn();
    this.#orders.beginTurn();
    this.#latencies.beginTurn();
    this.#shed.beginTurn();
  }

  endTurn(): void {
    this.choices.endTurn();
    this.lines.endTurn();
    this.#orders.endTurn();
    this.#latencies.endTurn();
    this.#shed.endTurn();
  }

  get events(): Events {
    return {
      "served from a line": this.lines.served,
      "served when they try again": this.lines.servedAgain,
      "held back for other workers": this.lines.heldBack,
      "gone from a line": this.lines.gone,
      "picked in panic": this.choices.panics,
      "backups when the others were tried": this.choices.fallbacks,
      "closed": this.#orders.closed,
      "withdrawn": this.#orders.withdrawn,
      "moved": this.#orders.moved,
      "measured": this.#latencies.measured,
    };
  }
}
