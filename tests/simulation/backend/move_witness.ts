/**
 * Follows connections that are moved to a server that has come back: never more of them than the
 * budget has, until what is open is spread by weight again, and then none.
 */
import { promise } from "../promise.ts";
import { type BackendWorld, TICK_MS } from "./backend_world.ts";
import type { Witness } from "./witness.ts";

const TICKS_PER_MINUTE = 60_000 / TICK_MS;

export class MoveWitness implements Witness {
  /** Of the last minute, by tick. */
  readonly #moved = new Float64Array(TICKS_PER_MINUTE);
  #tick = 0;
  #inMinute = 0;
  #worst = 0;
  #total = 0;
  #lastMs = 0;

  /** @param quietMs nobody is moved after that. */
  constructor(readonly perMinute: number, readonly quietMs: number, readonly evens: boolean) {}

  moved(world: BackendWorld): void {
    this.#moved[this.#tick]++;
    this.#inMinute++;
    this.#total++;
    this.#lastMs = world.nowMs;
  }

  ticked(world: BackendWorld): void {
    const open = world.servers.open.reduce((sum, count) => sum + count, 0);
    // What is saved up comes on top: one second's worth, or one connection.
    const most = Math.max(this.perMinute * open * 61 / 60, 1) + 1;
    this.#worst = Math.max(this.#worst, this.#inMinute / most);
    promise(
      this.#inMinute <= most,
      `${this.#inMinute} of ${open} connections were moved within a minute, at most ${most}`,
    );
    this.#tick = (this.#tick + 1) % TICKS_PER_MINUTE;
    this.#inMinute -= this.#moved[this.#tick];
    this.#moved[this.#tick] = 0;
  }

  conclude(world: BackendWorld): void {
    promise(this.#total > 0, "some connections are moved");
    promise(
      this.#lastMs <= this.quietMs,
      `connections are still moved at ${(this.#lastMs / 1000).toFixed(0)} s`,
    );
    if (!this.evens) return;
    const { open } = world.servers;
    const mean = open.reduce((sum, count) => sum + count, 0) / open.length;
    for (const count of open) {
      promise(
        Math.abs(count - mean) <= 0.15 * mean + 2,
        `what is open is spread again in the end: ${open}`,
      );
    }
  }

  figures(): string[] {
    return [
      `${this.#total} connections moved, at most ${(this.#worst * 100).toFixed(0)} % of the ` +
      `budget in any minute, the last at ${(this.#lastMs / 1000).toFixed(0)} s`,
    ];
  }
}
