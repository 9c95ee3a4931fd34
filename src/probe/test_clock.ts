/**
 * A clock for tests, which stands still unless it is told to go on. Chance is a number, too: 0.5
 * makes every jitter nothing.
 */
import type { ProbeClock } from "./probe_clock.ts";

export class TestClock implements ProbeClock {
  chance = 0.5;
  #ms = 0;
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();

  nowMs(): number {
    return this.#ms;
  }

  dateMs(): number {
    return 1_000_000 + this.#ms;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#ms + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  random(): number {
    return this.chance;
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Lets `ms` pass; what is due is called in order of time, and promises are kept in between. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#ms + ms;
    await settled();
    for (let next = this.#next(); next !== undefined && next.atMs <= endMs; next = this.#next()) {
      this.#timers.delete(next);
      this.#ms = Math.max(this.#ms, next.atMs);
      next.callback();
      await settled();
    }
    this.#ms = endMs;
  }

  /** Time goes by, and nobody is called back until it is advanced again. */
  standStill(ms: number): void {
    this.#ms += ms;
  }

  #next() {
    return [...this.#timers].sort((one, other) => one.atMs - other.atMs).at(0);
  }
}

/** Every promise that could be kept has been. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => resolve()));
}
