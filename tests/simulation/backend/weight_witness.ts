/**
 * Counts connections between two changes of weight by an operator: each span by itself has to be
 * spread by the weights of that span, whatever was before it.
 */
import type { PolicyName } from "../../../src/config/config.ts";
import { promise } from "../promise.ts";
import type { BackendWorld } from "./backend_world.ts";
import type { Witness } from "./witness.ts";

export class WeightWitness implements Witness {
  readonly #counts: Float64Array;
  #weights: number[] = [];
  #spans = 0;
  #worst = 0;

  constructor(
    readonly serverCount: number,
    readonly workers: number,
    readonly balance: PolicyName,
  ) {
    this.#counts = new Float64Array(serverCount);
  }

  connected(world: BackendWorld, _slot: number, server: number): void {
    const { health } = world.supervisor.watch;
    let isSame = this.#weights.length > 0;
    for (let i = 0; isSame && i < this.serverCount; i++) {
      isSame = this.#weights[i] === (health.state(i) === "up" ? health.weight(i) : 0);
    }
    if (!isSame) this.#begin(world);
    this.#counts[server]++;
  }

  #begin(world: BackendWorld): void {
    if (this.#weights.length > 0) this.#check();
    const { health } = world.supervisor.watch;
    this.#weights = Array.from(
      { length: this.serverCount },
      (_, i) => health.state(i) === "up" ? health.weight(i) : 0,
    );
    this.#counts.fill(0);
  }

  #check(): void {
    const { workers, serverCount, balance } = this;
    const total = this.#counts.reduce((sum, count) => sum + count, 0);
    const sum = this.#weights.reduce((all, weight) => all + weight, 0);
    this.#spans++;
    this.#weights.forEach((weight, server) => {
      const share = weight / sum;
      const noise = 5 * Math.sqrt(total * share * (1 - share));
      // By turns: each worker owes some from before, when a turn may have been worth more.
      const owed = balance === "round_robin" ? workers * serverCount ** 2 : noise + 10;
      const allowed = owed + (balance === "consistent_hash" ? 0.01 * total * share : 0);
      const off = Math.abs(this.#counts[server] - total * share);
      this.#worst = Math.max(this.#worst, off / allowed);
      promise(
        off <= allowed,
        `server ${server} of weight ${weight} got ${this.#counts[server]} of ${total}, ` +
          `${(total * share).toFixed(0)} +- ${allowed.toFixed(0)} expected; ${this.#weights}`,
      );
    });
  }

  conclude(): void {
    promise(this.#spans > 2, `only ${this.#spans} spans of other weights`);
  }

  figures(): string[] {
    return [`${this.#spans} spans, at most ${(this.#worst * 100).toFixed(0)} % of the bound off`];
  }
}
