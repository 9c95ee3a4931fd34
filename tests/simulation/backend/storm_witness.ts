/**
 * Counts clients and attempts by the second: whatever fails, retries must not become a storm that
 * keeps servers from recovering.
 */
import { promise } from "../promise.ts";
import type { BackendWorld } from "./backend_world.ts";
import type { Witness } from "./witness.ts";

const WINDOW_SECONDS = 10;
/** With fewer clients the fixed allowance of 3 retries a second counts. */
const CLIENTS_MIN = 150;

export class StormWitness implements Witness {
  readonly #clients: Float64Array;
  readonly #attempts: Float64Array;
  #worst = 0;
  #retries = 0;
  #windows = 0;

  constructor(durationMs: number, readonly ratioMax: number) {
    const seconds = Math.ceil(durationMs / 1000);
    this.#clients = new Float64Array(seconds);
    this.#attempts = new Float64Array(seconds);
  }

  came(world: BackendWorld): void {
    this.#clients[Math.floor(world.nowMs / 1000)]++;
  }

  tried(world: BackendWorld, slot: number): void {
    this.#attempts[Math.floor(world.nowMs / 1000)]++;
    if (world.connections.attempts[slot] > 1) this.#retries++;
  }

  conclude(): void {
    let clients = 0;
    let attempts = 0;
    for (let second = 0; second < this.#clients.length; second++) {
      clients += this.#clients[second];
      attempts += this.#attempts[second];
      const left = second - WINDOW_SECONDS;
      if (left >= 0) {
        clients -= this.#clients[left];
        attempts -= this.#attempts[left];
      }
      if (left < -1 || clients < CLIENTS_MIN) continue;
      this.#windows++;
      this.#worst = Math.max(this.#worst, attempts / clients);
      // A fifth of the clients of one such span are retried in another one, up to the time for a
      // connect later; each has its own chance number of them: five deviations of the difference.
      const noise = Math.sqrt(2 * clients);
      promise(
        attempts <= clients * this.ratioMax + noise,
        `retries stay few: ${attempts} attempts for ${clients} clients in the 10 s before ` +
          `second ${second + 1}, at most ${this.ratioMax} each`,
      );
    }
    promise(this.#windows > 0, "some window has enough clients");
  }

  figures(): string[] {
    return [
      `at most ${this.#worst.toFixed(3)} attempts per client in any of ${this.#windows} windows`,
      `${this.#retries} retries`,
    ];
  }
}
