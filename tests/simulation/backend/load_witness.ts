/**
 * Compares what is open to each server at every pick: for policies that promise something about
 * load itself and not only about shares.
 */
import { promise } from "../promise.ts";
import type { BackendWorld } from "./backend_world.ts";
import type { Witness } from "./witness.ts";

/** Connecting ones included, over all workers. */
class OpenCounts {
  readonly open: Int32Array;
  total = 0;

  constructor(serverCount: number) {
    this.open = new Int32Array(serverCount);
  }

  add(server: number, count: number): void {
    this.open[server] += count;
    this.total += count;
  }
}

/** With consistent_hash and a load factor: no server above factor x mean + 1, however hot a key. */
export class BoundWitness implements Witness {
  readonly #counts: OpenCounts;
  #worst = 0;
  #spilled = 0;
  readonly #home = new Map<number, number>();

  constructor(serverCount: number, readonly factor: number) {
    this.#counts = new OpenCounts(serverCount);
  }

  tried(world: BackendWorld, slot: number, server: number): void {
    const counts = this.#counts;
    counts.add(server, 1);
    const mean = counts.total / counts.open.length;
    this.#worst = Math.max(this.#worst, counts.open[server] / (this.factor * mean + 1));
    const hash = world.connections.hash[slot];
    const home = this.#home.get(hash);
    if (home === undefined) this.#home.set(hash, server);
    else if (home !== server) this.#spilled++;
    promise(
      counts.open[server] <= this.factor * mean + 1,
      `no server has more than ${this.factor} times its share: ${counts.open}`,
    );
  }

  failed(_world: BackendWorld, _slot: number, server: number): void {
    this.#counts.add(server, -1);
  }

  ended(_world: BackendWorld, _slot: number, server: number): void {
    this.#counts.add(server, -1);
  }

  conclude(): void {
    promise(this.#spilled > 0, "a hot key does spill over");
  }

  figures(): string[] {
    return [`at most ${this.#worst.toFixed(3)} of the bound; ${this.#spilled} picks spilled over`];
  }
}

/** With least_conn, while connections only come: equal servers within 1 of each other. */
export class EvenWitness implements Witness {
  readonly #counts: OpenCounts;
  #worst = 0;

  constructor(serverCount: number) {
    this.#counts = new OpenCounts(serverCount);
  }

  tried(_world: BackendWorld, _slot: number, server: number): void {
    const { open } = this.#counts;
    this.#counts.add(server, 1);
    let most = 0;
    let least = Infinity;
    for (let i = 0; i < open.length; i++) {
      most = Math.max(most, open[i]);
      least = Math.min(least, open[i]);
    }
    this.#worst = Math.max(this.#worst, most - least);
    promise(most - least <= 1, `equal servers are even: ${open}`);
  }

  figures(): string[] {
    return [`${this.#counts.total} connections, never more than ${this.#worst} apart`];
  }
}
