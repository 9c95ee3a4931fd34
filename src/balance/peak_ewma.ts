/**
 * @hot
 * What an answer of each server costs, in milliseconds: a moving average that believes bad news at
 * once and good news slowly ("peak EWMA" of Twitter's Finagle, PeakEwma.scala).
 *
 * A sample above the cost replaces it; one below draws it down by as much as the time since the
 * last sample is worth. So a server that gets slow loses its load with the first answer that shows
 * it, and gets it back over some times DECAY_MS.
 *
 * A server that gets nothing is not measured, and would stay as bad as it was last seen. So its
 * cost decays while it rests, until it is no more than the smallest that a candidate was measured
 * at. No further: were it to approach zero, as in Finagle, then everybody would go there until the
 * first answer is back, which of a server that is still slow comes late.
 *
 * The cells are shared by all workers and written without locks: two floats per server, each whole
 * by itself. Two workers that write at once lose one sample, which the next makes good.
 *
 * What is measured is the caller's choice. It should record attempts that took long and failed as
 * well (with the time they took), and not those that failed fast, which would look like a fast
 * server.
 */
import { assert } from "../base/assert.ts";
import { isCandidate, type ServerSet } from "./server_set.ts";

/** Floats per server: its cost, and when that was last measured. */
export const LATENCY_CELLS = 2;

/** A difference between cost and samples shrinks to 1/e in this time. Finagle's figure. */
const DECAY_MS = 10_000;

/** So that a measured cost differs from 0, never measured, however coarse the clock is. */
const COST_MS_MIN = 0.001;

/** Milliseconds that mean the same in all workers, such as CLOCK_MONOTONIC. */
interface Clock {
  readonly nowMs: number;
}

export class PeakEwma {
  /** What `record` takes in, milliseconds. A field, as fractions given as arguments are garbage. */
  sampleMs = 0;
  readonly #cells: Float64Array;
  readonly #firstAt: number;

  /** @param firstAt where in `cells` the backend's first server begins; the others follow. */
  constructor(cells: Float64Array, firstAt: number) {
    assert(firstAt >= 0 && firstAt % LATENCY_CELLS === 0, "cells of a server stand together");
    this.#cells = cells;
    this.#firstAt = firstAt;
  }

  /** A server has answered within `sampleMs`. */
  record(server: number, clock: Clock): void {
    assert(this.sampleMs >= 0, "a latency is a span of time");
    const cells = this.#cells;
    const at = this.#at(server);
    const nowMs = clock.nowMs;
    const sampleMs = Math.max(this.sampleMs, COST_MS_MIN);
    const cost = cells[at];
    // Another worker's clock may have been read later than this one's.
    const restedMs = Math.max(0, nowMs - cells[at + 1]);
    cells[at] = sampleMs >= cost
      ? sampleMs
      : sampleMs + (cost - sampleMs) * Math.exp(-restedMs / DECAY_MS);
    cells[at + 1] = Math.max(nowMs, cells[at + 1]);
  }

  /** What was last written, in milliseconds; 0 is never. */
  costOf(server: number): number {
    return this.#cells[this.#at(server)];
  }

  /** What is known of a server no longer holds, as after a change of its address. */
  forget(server: number): void {
    this.#cells[this.#at(server)] = 0;
  }

  /**
   * Writes the costs of the candidates of this pick, as of now. To be called when it is known who
   * is eligible; costs of others are left as they are.
   */
  fillCosts(servers: ServerSet, clock: Clock): void {
    const cells = this.#cells;
    const nowMs = clock.nowMs;
    let smallest = Infinity;
    for (let server = 0; server < servers.count; server++) {
      if (!isCandidate(servers, server)) continue;
      const cost = cells[this.#at(server)];
      if (cost !== 0 && cost < smallest) smallest = cost;
    }
    for (let server = 0; server < servers.count; server++) {
      if (!isCandidate(servers, server)) continue;
      const at = this.#at(server);
      const restedMs = Math.max(0, nowMs - cells[at + 1]);
      servers.costs[server] = cells[at] === 0
        ? 0
        : Math.max(smallest, cells[at] * Math.exp(-restedMs / DECAY_MS));
    }
  }

  #at(server: number): number {
    const at = this.#firstAt + LATENCY_CELLS * server;
    assert(at + 1 < this.#cells.length, "each server has its cells");
    return at;
  }
}
