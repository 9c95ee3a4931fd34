/**
 * After everything has failed and works again: from when on is nobody refused any more?
 */
import { promise } from "../promise.ts";
import type { BackendWorld } from "./backend_world.ts";
import { REFUSALS, type Witness } from "./witness.ts";

export class RecoveryWitness implements Witness {
  #refused = 0;
  #lastMs = -Infinity;
  #lastWhy = 0;

  /** @param withinMs the time that is allowed for all to be well. */
  constructor(readonly worksAtMs: number, readonly withinMs: number) {}

  refused(world: BackendWorld, _slot: number, why: number): void {
    this.#refused++;
    this.#lastMs = world.nowMs;
    this.#lastWhy = why;
  }

  conclude(world: BackendWorld): void {
    promise(
      this.#lastMs <= this.worksAtMs + this.withinMs,
      `clients are refused (${REFUSALS[this.#lastWhy]}) long after all servers work again, the ` +
        `last at ${(this.#lastMs / 1000).toFixed(1)} s: ${world.supervisor.told()}`,
    );
  }

  figures(): string[] {
    const afterMs = Math.max(0, this.#lastMs - this.worksAtMs);
    return [`${this.#refused} refused, the last ${(afterMs / 1000).toFixed(1)} s after the end`];
  }
}
