/**
 * Counts what each server gets within a span of time in which nothing is wrong, and holds its share
 * to that of its weight. Of policies that go by turns or by chance these are shares of connections;
 * of those that go by load, of what is open: a server that happens to have more of the long ones
 * rightly gets fewer of the short ones.
 */
import { promise } from "../promise.ts";
import type { BackendWorld } from "./backend_world.ts";
import type { Witness } from "./witness.ts";

export interface SpreadBound {
  readonly of: "connections" | "open";
  /** By how much of its expected share a server's may differ. */
  readonly relative: number;
  /** And by how many connections on top, in standard deviations of a fair draw. */
  readonly deviations: number;
  /** And by how many whatever their number. */
  readonly connections: number;
}

export class SpreadWitness implements Witness {
  readonly #counts: Float64Array;
  #total = 0;
  #worst = 0;

  constructor(
    readonly weights: readonly number[],
    readonly startMs: number,
    readonly endMs: number,
    readonly bound: SpreadBound,
  ) {
    this.#counts = new Float64Array(weights.length);
  }

  #isWithin(world: BackendWorld): boolean {
    return world.nowMs >= this.startMs && world.nowMs < this.endMs;
  }

  connected(world: BackendWorld, _slot: number, server: number): void {
    if (this.bound.of !== "connections" || !this.#isWithin(world)) return;
    this.#counts[server]++;
    this.#total++;
  }

  ticked(world: BackendWorld): void {
    if (this.bound.of !== "open" || !this.#isWithin(world)) return;
    const { open } = world.servers;
    for (let i = 0; i < open.length; i++) {
      this.#counts[i] += open[i];
      this.#total += open[i];
    }
  }

  conclude(): void {
    const { weights, bound } = this;
    const sum = weights.reduce((all, weight) => all + weight, 0);
    promise(this.#total > 1000, `an hour has ${this.#total} connections`);
    weights.forEach((weight, server) => {
      const share = weight / sum;
      const expected = this.#total * share;
      const off = Math.abs(this.#counts[server] - expected);
      const deviation = Math.sqrt(this.#total * share * (1 - share));
      const allowed = expected * bound.relative + deviation * bound.deviations + bound.connections;
      this.#worst = Math.max(this.#worst, expected === 0 ? off : off / expected);
      const told = `${(100 * this.#counts[server] / this.#total).toFixed(2)} % of all ${bound.of}`;
      promise(
        off <= allowed,
        `server ${server} gets its share: ${told}, ${(100 * share).toFixed(2)} +- ` +
          `${(100 * allowed / this.#total).toFixed(2)} % expected`,
      );
    });
  }

  figures(): string[] {
    return [`shares of ${this.bound.of} within ${(this.#worst * 100).toFixed(2)} % of the weights`];
  }
}
