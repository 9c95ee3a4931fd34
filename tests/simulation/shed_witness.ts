/**
 * Looks whether a worker whose memory is nearly used up takes no new clients, soon after it is and
 * not long after it is not any more, and whether it refuses nobody otherwise.
 */
import { OVERLOAD_LOOK_MS, TURN_WAIT_MS_MAX } from "../../src/limits.ts";
import * as metric from "../../src/metrics/metric_names.ts";
import { listenerOffset, serverOffset } from "../../src/metrics/shared_state.ts";
import type { SharedRegion } from "../../src/upstream/shared_region.ts";
import { promise } from "./promise.ts";
import type { PublishedBoard } from "./published_board.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedClock } from "./simulated_clock.ts";

/** Looks that it takes at most to change one's mind, and one for the time between two of them. */
const LOOKS_MAX = 5;
const CHANGE_MS_MAX = LOOKS_MAX * (OVERLOAD_LOOK_MS + TURN_WAIT_MS_MAX);

export class ShedWitness {
  readonly #scene: Scene;
  readonly #board: PublishedBoard;
  readonly #clock: SimulatedClock;
  readonly #row: Float64Array;
  readonly #region: SharedRegion;
  #wasShedding = false;
  #before = { taken: 0, opened: 0, shed: 0, moved: 0 };

  constructor(scene: Scene, region: SharedRegion, board: PublishedBoard, clock: SimulatedClock) {
    this.#scene = scene;
    this.#board = board;
    this.#clock = clock;
    this.#region = region;
    this.#row = region.state.rows[scene.plan.worker];
  }

  /** Connections accepted and flows opened so far, and who was refused. */
  #count(): { taken: number; opened: number; shed: number; moved: number } {
    const sum = { taken: 0, opened: 0, shed: 0, moved: 0 };
    for (const [i, { udp }] of this.#scene.plan.listeners.entries()) {
      const at = listenerOffset(i);
      const count = this.#row[at + metric.LISTENER_CONNECTIONS];
      if (udp !== null) sum.opened += count;
      else {
        sum.taken += count;
        sum.shed += this.#row[at + metric.LISTENER_SHED];
      }
    }
    const { shape } = this.#region.state;
    for (let i = 0; i < shape.servers; i++) {
      sum.moved += this.#row[serverOffset(shape, i) + metric.SERVER_RETRIES];
    }
    return sum;
  }

  beginTurn(): void {
    this.#wasShedding = this.#row[metric.SHEDDING] === 1;
    this.#before = this.#count();
  }

  endTurn(): void {
    const before = this.#before;
    const after = this.#count();
    const taken = after.taken - before.taken;
    const shed = after.shed - before.shed;
    promise(
      shed === (this.#wasShedding ? taken : 0),
      `of ${taken} new clients ${shed} are refused`,
    );
    const opened = after.opened - before.opened;
    const isKept = !this.#wasShedding || opened <= after.moved - before.moved;
    promise(isKept, "no flow begins while newcomers are refused");
    const isShedding = this.#row[metric.SHEDDING] === 1;
    const isDue = this.#board.isOverloaded;
    const sinceMs = this.#clock.nowMs - this.#board.memorySinceMs;
    if (isDue === null) promise(!isShedding, "nothing is watched");
    else if (sinceMs > CHANGE_MS_MAX) {
      promise(isShedding === isDue, `for ${sinceMs} ms memory was ${isDue ? "short" : "free"}`);
    }
  }
}
