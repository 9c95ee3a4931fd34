/**
 * The rows of the other workers in shared memory, which change as if those were running: they take
 * and leave places at listeners and servers, have clients of their own in line, show by their
 * heartbeats that they live or do not. They keep to the rules: nobody takes a place that is not
 * there. So what is over a limit is the doing of the worker under test.
 *
 * They act between its turns and, as they would, between any two of its looks.
 */
import { Random } from "../../src/base/random.ts";
import { PENDING_STALLED_MS } from "../../src/limits.ts";
import * as metric from "../../src/metrics/metric_names.ts";
import {
  backendOffset,
  lineOffset,
  listenerOffset,
  serverOffset,
} from "../../src/metrics/shared_state.ts";
import type { SharedRegion } from "../../src/upstream/shared_region.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedClock } from "./simulated_clock.ts";

/** Places that one takes at a server without a limit. */
const OPEN_MAX = 6;
/** One look in so many at what is open at servers finds that it has just changed. */
const WITHIN_ONE_IN = 15;

export class OtherWorkers {
  /** Something has changed since the turn began. */
  actedWithin = false;
  readonly #scene: Scene;
  readonly #region: SharedRegion;
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  readonly #rows: readonly Float64Array[];
  /** Of each of them: whether it has stopped turning. */
  readonly #isStalled: boolean[];
  /** By server: its backend, and all servers of a backend. */
  readonly #backendOf: readonly number[];
  #wasLoud = true;

  constructor(scene: Scene, region: SharedRegion, clock: SimulatedClock) {
    this.#scene = scene;
    this.#region = region;
    this.#clock = clock;
    this.#random = new Random(scene.seed ^ 0x07e5);
    const { worker, backends } = scene.plan;
    this.#rows = region.state.rows.filter((_, i) => i !== worker);
    this.#isStalled = this.#rows.map(() => false);
    this.#backendOf = backends.flatMap(({ servers }, backend) => servers.map(() => backend));
    if (scene.supervised && this.#rows.length > 0) this.#interruptSums();
  }

  /** What is summed over all workers may have changed the moment before. */
  #interruptSums(): void {
    const { state } = this.#region;
    const sum = state.sum.bind(state);
    const [first, end] = [serverOffset(state.shape, 0), backendOffset(state.shape, 0)];
    state.sum = (offset: number) => {
      const isOfServer = offset >= first && offset < end;
      if (isOfServer && this.#clock.hasFaults && this.#random.oneIn(WITHIN_ONE_IN)) {
        this.actedWithin = true;
        this.#moveAtServer();
      }
      return sum(offset);
    };
  }

  /** Between two turns. */
  act(): void {
    this.actedWithin = false;
    if (this.#rows.length === 0) return;
    if (this.#clock.hasFaults) this.#actLoud();
    else if (this.#wasLoud) this.#leaveAll();
    for (const [i, row] of this.#rows.entries()) {
      if (!this.#isStalled[i]) row[metric.HEARTBEAT] = this.#clock.nowMs;
    }
  }

  #actLoud(): void {
    const random = this.#random;
    this.#scene.plan.listeners.forEach(({ connectionsMax }, listener) => {
      const at = listenerOffset(listener) + metric.LISTENER_OPEN;
      if (random.oneIn(10)) this.#rows[0][at] = random.below(connectionsMax + 1);
    });
    if (!this.#scene.supervised) return;
    for (let count = random.below(3); count > 0; count--) this.#moveAtServer();
    if (random.oneIn(10)) this.#moveInLine();
    if (random.oneIn(30)) {
      const one = random.below(this.#rows.length);
      this.#isStalled[one] = !this.#isStalled[one] && random.oneIn(2);
    }
  }

  #sum(offset: number): number {
    return this.#region.state.rows.reduce((sum, row) => sum + row[offset], 0);
  }

  #pick<T>(all: readonly T[]): T {
    return all[this.#random.below(all.length)];
  }

  /** One of them takes a place at a server, or leaves one. */
  #moveAtServer(): void {
    const { backends } = this.#scene.plan;
    const { shape } = this.#region.state;
    const random = this.#random;
    const server = random.below(this.#backendOf.length);
    const backend = this.#backendOf[server];
    const first = this.#backendOf.indexOf(backend);
    const openAt = (number: number) => serverOffset(shape, number) + metric.SERVER_OPEN;
    const row = this.#pick(this.#rows);
    const at = openAt(server);
    // Places of which there are few are given back soon, or nobody else would have any.
    const { connectionsMax: most, servers } = backends[backend];
    const limit = servers[server - first].connectionsMax;
    if (row[at] > 0 && random.oneIn(limit + most > 0 ? 2 : 3)) {
      row[at]--;
      return;
    }
    let all = 0;
    for (let i = 0; i < servers.length; i++) all += this.#sum(openAt(first + i));
    const isFull = (limit > 0 && this.#sum(at) >= limit) || (most > 0 && all >= most);
    if (!isFull && row[at] < OPEN_MAX && random.oneIn(2)) row[at]++;
  }

  /** One of them has clients in line, or has none any more. */
  #moveInLine(): void {
    const { backends } = this.#scene.plan;
    const { shape } = this.#region.state;
    const random = this.#random;
    const backend = random.below(backends.length);
    const { pendingMax, subsets } = backends[backend];
    const firstLine = backends.slice(0, backend).reduce(
      (sum, each) => sum + each.subsets.length,
      0,
    );
    const line = firstLine + random.below(subsets.length);
    const row = this.#pick(this.#rows);
    const at = lineOffset(shape, line) + metric.LINE_OLDEST;
    const pendingAt = backendOffset(shape, backend) + metric.BACKEND_PENDING;
    if (row[at] > 0) {
      row[at] = 0;
      row[pendingAt] = Math.max(0, row[pendingAt] - 1);
      return;
    }
    if (this.#sum(pendingAt) >= pendingMax) return;
    row[pendingAt]++;
    // As old as the one of the worker under test, or younger, or older.
    const { rows } = this.#region.state;
    const own = rows[this.#scene.plan.worker][at];
    const { nowMs } = this.#clock;
    row[at] = own > 0 && random.oneIn(3) ? own : nowMs - random.below(2 * PENDING_STALLED_MS);
  }

  #leaveAll(): void {
    this.#wasLoud = false;
    const { plan } = this.#scene;
    const { shape } = this.#region.state;
    this.#isStalled.fill(false);
    for (const row of this.#rows) {
      for (let i = 0; i < shape.listeners; i++) row[listenerOffset(i) + metric.LISTENER_OPEN] = 0;
      for (let i = 0; i < shape.servers; i++) row[serverOffset(shape, i) + metric.SERVER_OPEN] = 0;
      for (let i = 0; i < plan.backends.length; i++) {
        row[backendOffset(shape, i) + metric.BACKEND_PENDING] = 0;
      }
      for (let i = 0; i < shape.lines; i++) row[lineOffset(shape, i) + metric.LINE_OLDEST] = 0;
    }
  }
}
