/**
 * How long clients wait for their first answer, retries included.
 */
import type { BackendWorld } from "./backend_world.ts";
import type { Witness } from "./witness.ts";

const SAMPLES_MAX = 1 << 20;

export class LatencyWitness implements Witness {
  readonly #afterMs = new Float64Array(SAMPLES_MAX);
  readonly #byServer: Float64Array;
  #count = 0;

  constructor(readonly name: string, serverCount: number) {
    this.#byServer = new Float64Array(serverCount);
  }

  answered(_world: BackendWorld, _slot: number, server: number, afterMs: number): void {
    this.#byServer[server]++;
    if (this.#count < SAMPLES_MAX) this.#afterMs[this.#count++] = afterMs;
  }

  get meanMs(): number {
    let sum = 0;
    for (let i = 0; i < this.#count; i++) sum += this.#afterMs[i];
    return sum / this.#count;
  }

  /** @param share 0.99: who waits longer than 99 of 100 clients. */
  percentileMs(share: number): number {
    const sorted = this.#afterMs.slice(0, this.#count).sort();
    return sorted[Math.floor(share * (this.#count - 1))];
  }

  figures(): string[] {
    const shares = Array.from(this.#byServer, (count) => (count / this.#count * 100).toFixed(1));
    return [
      `${this.name}: mean ${this.meanMs.toFixed(1)} ms, p99 ${
        this.percentileMs(0.99).toFixed(1)
      } ms`,
      `shares ${shares.join(" ")} %`,
    ];
  }
}
