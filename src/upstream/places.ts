/**
 * Places at the servers of a backend: how many connections are open over all workers, and whether
 * there is room for one more.
 *
 * No lock: a worker counts its connection first and sums after that. Of two workers who take the
 * last place at the same moment both may see too many and step back, and try again; never do both
 * keep it. For that a worker's own count must be seen by the others before it reads theirs, which
 * takes a fence.
 *
 * @hot
 */
import { fence } from "../base/fence.ts";
import { SERVER_OPEN } from "../metrics/metric_names.ts";
import { serverOffset, type SharedState } from "../metrics/shared_state.ts";
import type { BackendPlan } from "./plan.ts";

export class Places {
  /** Whether any number of connections is limited. */
  readonly isLimited: boolean;
  readonly #shared: SharedState;
  readonly #row: Float64Array;
  readonly #firstServer: number;
  readonly #open: Int32Array;
  readonly #max: Int32Array;
  /** Of the whole backend; 0 is no limit. */
  readonly #backendMax: number;
  #total = 0;

  /** @param open by server; `sum` fills it. */
  constructor(
    plan: BackendPlan,
    firstServer: number,
    shared: SharedState,
    row: Float64Array,
    open: Int32Array,
  ) {
    this.#shared = shared;
    this.#row = row;
    this.#firstServer = firstServer;
    this.#open = open;
    this.#max = new Int32Array(plan.servers.length);
    for (let i = 0; i < this.#max.length; i++) this.#max[i] = plan.servers[i].connectionsMax;
    this.#backendMax = plan.connectionsMax;
    let isLimited = this.#backendMax > 0;
    for (let i = 0; i < this.#max.length; i++) isLimited ||= this.#max[i] > 0;
    this.isLimited = isLimited;
  }

  /** Index in a row of the server's counters. */
  at(server: number): number {
    return serverOffset(this.#shared.shape, this.#firstServer + server);
  }

  /** Counts what is open over all workers. */
  sum(): void {
    this.#total = 0;
    for (let i = 0; i < this.#open.length; i++) {
      this.#open[i] = this.#shared.sum(this.at(i) + SERVER_OPEN);
      this.#total += this.#open[i];
    }
  }

  /** As of the last `sum`. */
  isServerFull(server: number): boolean {
    const max = this.#max[server];
    return max > 0 && this.#open[server] >= max;
  }

  /** As of the last `sum`. */
  get isBackendFull(): boolean {
    return this.#backendMax > 0 && this.#total >= this.#backendMax;
  }

  /** Counts a connection to the server; false when there was no place for it after all. */
  claim(server: number): boolean {
    const at = this.at(server) + SERVER_OPEN;
    this.#row[at]++;
    if (!this.isLimited) return true;
    fence();
    this.sum();
    const isOver = (this.#max[server] > 0 && this.#open[server] > this.#max[server]) ||
      (this.#backendMax > 0 && this.#total > this.#backendMax);
    if (isOver) this.#row[at]--;
    return !isOver;
  }

  /** A place that was claimed is not needed after all. */
  giveBack(server: number): void {
    this.#row[this.at(server) + SERVER_OPEN]--;
  }
}
