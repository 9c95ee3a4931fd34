/**
 * Compares what workers count as open in shared memory with what is open, once a minute: servers
 * that fail, workers that die and connections that are moved must leave nothing behind.
 */
import * as metric from "../../../src/metrics/metric_names.ts";
import { serverOffset } from "../../../src/metrics/shared_state.ts";
import { promise } from "../promise.ts";
import { type BackendWorld, TICK_MS } from "./backend_world.ts";
import * as connection from "./connections.ts";
import type { Witness } from "./witness.ts";

const TICKS = 60_000 / TICK_MS;

export class AccountWitness implements Witness {
  readonly #open: Int32Array;
  #ticks = 0;

  constructor(serverCount: number) {
    this.#open = new Int32Array(serverCount);
  }

  ticked(world: BackendWorld): void {
    if (++this.#ticks % TICKS !== 0) return;
    const { capacity, state, server } = world.connections;
    const open = this.#open.fill(0);
    for (let slot = 0; slot < capacity; slot++) {
      if (state[slot] !== connection.FREE) open[server[slot]]++;
    }
    const shared = world.region.state;
    open.forEach((count, i) => {
      const counted = shared.sum(serverOffset(shared.shape, i) + metric.SERVER_OPEN);
      promise(counted === count, `server ${i} has ${count} open connections, counted ${counted}`);
    });
  }
}
