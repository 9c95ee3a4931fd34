/**
 * Sees which servers are tried while how many are available: only those that are up, until too few
 * are; then all but those that somebody has taken out, though one that has shown that it does not
 * work only now and then; and only the others again when enough are back.
 */
import { promise } from "../promise.ts";
import type { BackendWorld } from "./backend_world.ts";
import type { Witness } from "./witness.ts";

export class PanicWitness implements Witness {
  /** While in panic, and while not: picks of servers that are up, and of others. */
  readonly #picks = { panicUp: 0, panicOther: 0, calmUp: 0, calmOther: 0 };
  #panics = 0;
  #isPanicking = false;
  #beganMs = 0;
  #panicMs = 0;

  constructor(readonly threshold: number) {}

  #shouldPanic(states: readonly string[]): boolean {
    const counted = states.filter((state) => state !== "drain" && state !== "maint");
    const available = counted.filter((state) => state === "up").length;
    return counted.length > 0 && available / counted.length < this.threshold;
  }

  ticked(world: BackendWorld): void {
    const panics = this.#shouldPanic(world.supervisor.states());
    if (panics && !this.#isPanicking) {
      this.#panics++;
      this.#beganMs = world.nowMs;
    }
    if (!panics && this.#isPanicking) this.#panicMs += world.nowMs - this.#beganMs;
    this.#isPanicking = panics;
  }

  tried(world: BackendWorld, slot: number, server: number): void {
    const states = world.supervisor.states();
    const state = states[server];
    const isOut = state === "drain" || state === "maint";
    promise(!isOut, `server ${server}, which is in ${state}, is tried`);
    if (this.#shouldPanic(states)) {
      if (state === "up") this.#picks.panicUp++;
      else this.#picks.panicOther++;
      return;
    }
    // Nobody else is left for one who tries again.
    const isLastResort = state === "ejected" && world.connections.attempts[slot] > 1;
    promise(
      state === "up" || isLastResort,
      `server ${server} is ${state}, tried without need: ${states}`,
    );
    this.#picks.calmUp++;
  }

  conclude(world: BackendWorld): void {
    promise(this.#panics > 0, "there was a panic");
    promise(!this.#isPanicking, `the panic is over: ${world.supervisor.told()}`);
    const { panicUp, panicOther } = this.#picks;
    promise(
      panicOther > (panicUp + panicOther) / 100,
      `in a panic all are tried: ${panicUp} picks of servers that are up, ${panicOther} of others`,
    );
  }

  figures(): string[] {
    const { panicUp, panicOther, calmUp } = this.#picks;
    return [
      `${this.#panics} panics, ${(this.#panicMs / 1000).toFixed(0)} s in all: ${panicOther} of ` +
      `${panicUp + panicOther} picks at servers that were not up; 0 of ${calmUp} outside`,
    ];
  }
}
