/**
 * The verdict on a server that is probed: up after `rise` good probes in a row, down after `fall`
 * bad ones.
 *
 * One probe says little: a packet is lost, a server collects garbage. So only probes in a row that
 * contradict the verdict turn it, and a single one that agrees with it starts the count anew.
 * Whoever probes should ask more often while such a row is running (`isMoving`), so that a server
 * that died is found out soon although one that works is seldom asked.
 *
 * When to probe, and what counts as good, is decided elsewhere (probe/).
 */
import { assert } from "../base/assert.ts";

export class RiseFall {
  readonly #rise: number;
  readonly #fall: number;
  #isUp: boolean;
  #streak = 0;

  /** @param initial the verdict before any probe; it is turned by as many as any other. */
  constructor(rise: number, fall: number, initial: "up" | "down") {
    assert(Number.isInteger(rise) && rise >= 1, "it takes at least one probe to rise");
    assert(Number.isInteger(fall) && fall >= 1, "it takes at least one probe to fall");
    this.#rise = rise;
    this.#fall = fall;
    this.#isUp = initial === "up";
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Probes in a row, up to the last one, that contradict the verdict. */
  get streak(): number {
    return this.#streak;
  }

  /** Whether the verdict is in doubt. */
  get isMoving(): boolean {
    return this.#streak > 0;
  }

  /** Takes in the result of a probe; true when the verdict has changed by it. */
  record(ok: boolean): boolean {
    if (ok === this.#isUp) {
      this.#streak = 0;
      return false;
    }
    this.#streak++;
    if (this.#streak < (ok ? this.#rise : this.#fall)) return false;
    this.#isUp = ok;
    this.#streak = 0;
    return true;
  }
}
