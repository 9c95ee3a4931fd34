/**
 * The time of the simulated world, which passes only where the ring lets it, and the mark after
 * which nobody misbehaves any more.
 */
export class SimulatedClock {
  nowMs = 1000;
  readonly #startMs: number;
  readonly #calmAtMs: number;
  readonly #faults: boolean;

  constructor(calmAtMs: number, faults: boolean) {
    this.#startMs = this.nowMs;
    this.#calmAtMs = calmAtMs;
    this.#faults = faults;
  }

  get elapsedMs(): number {
    return this.nowMs - this.#startMs;
  }

  get isCalm(): boolean {
    return this.elapsedMs >= this.#calmAtMs;
  }

  get hasFaults(): boolean {
    return this.#faults && !this.isCalm;
  }

  /** Whatever was due before the calm is due now. */
  becomeCalm(): void {
    this.nowMs = Math.max(this.nowMs, this.#startMs + this.#calmAtMs);
  }
}
