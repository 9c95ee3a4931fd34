/**
 * Looks at the lines of connections that wait for a place: who comes, who is served, in which order
 * and when. Keeps lines of its own beside the worker's, and asks after every turn whether somebody
 * waits who need not, for too long, or for nothing.
 */
import * as tunnel from "../../src/connection/tunnels.ts";
import { BREAKER_CLOSED } from "../../src/health/circuit_breaker.ts";
import { ACCEPT_PAUSE_MS, PENDING_STALLED_MS } from "../../src/limits.ts";
import * as metric from "../../src/metrics/metric_names.ts";
import { backendOffset, lineOffset } from "../../src/metrics/shared_state.ts";
import { PEER_GONE } from "../../src/ring/ring.ts";
import type { Backend } from "../../src/upstream/backend.ts";
import type { SharedRegion } from "../../src/upstream/shared_region.ts";
import type { Worker } from "../../src/worker/worker.ts";
import type { ChoiceWitness } from "./choice_witness.ts";
import type { OtherWorkers } from "./other_workers.ts";
import { promise } from "./promise.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedRing } from "./simulated_ring.ts";

/** By how much a deadline may be missed: two buckets of the timer wheel. */
const LATE_MS_MAX = 32;

interface Waiting {
  readonly tunnel: number;
  /** Of those who come first, or as many further on of those who try again. */
  readonly line: number;
  readonly backend: number;
  readonly sinceMs: number;
}

export class LineWitness {
  /** What was met; for telling that it was. */
  served = 0;
  servedAgain = 0;
  heldBack = 0;
  /** Clients that had gone when it was their turn. */
  gone = 0;
  readonly #scene: Scene;
  readonly #worker: Worker;
  readonly #ring: SimulatedRing;
  readonly #region: SharedRegion;
  readonly #others: OtherWorkers;
  readonly #choices: ChoiceWitness;
  readonly #row: Float64Array;
  readonly #lineCount: number;
  /** By line; the first ones first. */
  readonly #lines: Waiting[][];
  /** Who has left its line last, and whether it was the first in it. */
  #left: (Waiting & { readonly wasFirst: boolean }) | null = null;
  /** By backend, what is counted so far. */
  readonly #timeouts: number[];
  readonly #fullTimes: number[];
  /** When files ran short last. */
  #shortMs = -Infinity;
  #pauses = 0;

  constructor(
    scene: Scene,
    worker: Worker,
    ring: SimulatedRing,
    region: SharedRegion,
    others: OtherWorkers,
    choices: ChoiceWitness,
  ) {
    this.#scene = scene;
    this.#worker = worker;
    this.#ring = ring;
    this.#region = region;
    this.#others = others;
    this.#choices = choices;
    this.#row = region.state.rows[scene.plan.worker];
    this.#lineCount = region.state.shape.lines;
    this.#lines = Array.from({ length: 2 * this.#lineCount }, () => []);
    this.#timeouts = scene.plan.backends.map(() => 0);
    this.#fullTimes = scene.plan.backends.map(() => 0);
    this.#listen();
  }

  /** Hears of everybody who joins a line or leaves it. */
  #listen(): void {
    const { pending } = this.#worker.tcp.connector;
    const join = pending.join.bind(pending);
    const leave = pending.leave.bind(pending);
    pending.join = (slot, backend) => {
      const hasRoom = this.#others.actedWithin || this.#hasRoom(backend.number);
      promise(hasRoom, `no more than ${backend.pendingMax} wait`);
      const line = this.#lineOf(slot, backend);
      const sinceMs = this.#ring.nowMs;
      this.#lines[line].push({ tunnel: slot, line, backend: backend.number, sinceMs });
      join(slot, backend);
    };
    pending.leave = (slot, backend) => {
      this.#leave(slot, backend);
      leave(slot, backend);
    };
  }

  #lineOf(slot: number, { firstLine }: Backend): number {
    const { subset, attempts } = this.#worker.tcp.tunnels;
    return firstLine + subset[slot] + (attempts[slot] === 0 ? 0 : this.#lineCount);
  }

  /** Whether there is room for one more; those of a worker that stands still take none. */
  #hasRoom(backend: number): boolean {
    const { rows, shape } = this.#region.state;
    const at = backendOffset(shape, backend) + metric.BACKEND_PENDING;
    const pending = rows.reduce((sum, row, i) => sum + (this.#isTurning(i) ? row[at] : 0), 0);
    return pending < this.#scene.plan.backends[backend].pendingMax;
  }

  #isTurning(worker: number): boolean {
    const heartbeat = this.#region.state.rows[worker][metric.HEARTBEAT];
    return worker === this.#scene.plan.worker ||
      heartbeat >= this.#ring.nowMs - PENDING_STALLED_MS;
  }

  #leave(slot: number, backend: Backend): void {
    const line = this.#lineOf(slot, backend);
    const index = this.#lines[line].findIndex((each) => each.tunnel === slot);
    promise(index >= 0, `tunnel ${slot} is in the line that it leaves`);
    const [waiting] = this.#lines[line].splice(index, 1);
    this.#left = { ...waiting, wasFirst: index === 0 };
    const timeouts = this.#row[backend.at + metric.BACKEND_QUEUE_TIMEOUTS];
    const waitedMs = this.#ring.nowMs - waiting.sinceMs;
    if (timeouts > this.#timeouts[backend.number]) {
      promise(waitedMs >= backend.queueTimeoutMs, `${waitedMs} ms are not too long to wait`);
    } else if (this.#isGone(slot)) this.gone++;
    this.#timeouts[backend.number] = timeouts;
  }

  #isGone(slot: number): boolean {
    return this.#ring.peerEnded(this.#worker.tcp.tunnels.fd[slot * 2]) === PEER_GONE;
  }

  /** A client is refused, for whatever reason. */
  onRefused({ number, at }: Backend): void {
    const fullTimes = this.#row[at + metric.BACKEND_PENDING_REFUSED];
    const isFull = fullTimes > this.#fullTimes[number];
    this.#fullTimes[number] = fullTimes;
    if (!isFull || this.#others.actedWithin) return;
    promise(!this.#hasRoom(number), "nobody is refused where there is room to wait");
  }

  // ---- When a connect is asked for ----------------------------------------------------------

  /** @returns whether it has waited in line until now. */
  onConnect(slot: number): boolean {
    const { tunnels } = this.#worker.tcp;
    const left = this.#left;
    this.#left = null;
    if (left?.tunnel === slot) {
      this.#checkServed(left);
      return true;
    }
    const backend = this.#scene.plan.backends[tunnels.backend[slot]];
    const isLimited = backend.connectionsMax > 0 ||
      backend.servers.some(({ connectionsMax }) => connectionsMax > 0);
    // One who tries again has had its turn.
    const isNew = this.#choices.triedBy(slot).size === 1;
    if (isLimited && isNew) this.#checkNewcomer(tunnels.backend[slot]);
    return false;
  }

  #checkServed({ tunnel: slot, line, sinceMs, wasFirst }: Waiting & { wasFirst: boolean }): void {
    this.served++;
    promise(wasFirst, "who came first is served first");
    promise(!this.#isGone(slot), "who has gone is not connected");
    if (line >= this.#lineCount) this.servedAgain++;
    const isTurn = this.#others.actedWithin || !this.#isBehindOthers(line, sinceMs);
    promise(isTurn, "who waits in another worker for longer is served before");
  }

  /** Somebody is connected without having waited. */
  #checkNewcomer(backend: number): void {
    if (this.#others.actedWithin || !this.#hasRoom(backend)) return;
    const first = this.#firstLine(backend);
    const { subsets } = this.#scene.plan.backends[backend];
    for (let line = first; line < first + subsets.length; line++) {
      promise(this.#lines[line].length === 0, "nobody overtakes those who wait");
      const isFree = this.#oldestOfOthers(line).length === 0;
      promise(isFree, "nobody overtakes those who wait in other workers");
    }
  }

  #firstLine(backend: number): number {
    const { backends } = this.#scene.plan;
    return backends.slice(0, backend).reduce((sum, { subsets }) => sum + subsets.length, 0);
  }

  /** The first ones of workers that turn. */
  #oldestOfOthers(line: number): { worker: number; sinceMs: number }[] {
    if (line >= this.#lineCount) return [];
    const { rows, shape } = this.#region.state;
    const at = lineOffset(shape, line) + metric.LINE_OLDEST;
    return rows.map((row, worker) => ({ worker, sinceMs: row[at] })).filter((
      { worker, sinceMs },
    ) => worker !== this.#scene.plan.worker && sinceMs > 0 && this.#isTurning(worker));
  }

  /** Whether somebody has waited in another worker for longer. */
  #isBehindOthers(line: number, sinceMs: number): boolean {
    return this.#oldestOfOthers(line).some((other) =>
      other.sinceMs < sinceMs ||
      (other.sinceMs === sinceMs && other.worker < this.#scene.plan.worker)
    );
  }

  // ---- After a turn -------------------------------------------------------------------------

  endTurn(): void {
    this.#left = null;
    const pauses = this.#row[metric.ACCEPT_PAUSES];
    if (pauses !== this.#pauses) this.#shortMs = this.#ring.nowMs;
    this.#pauses = pauses;
    const { tunnels } = this.#worker.tcp;
    const all = this.#lines.flat();
    for (const { tunnel: slot, sinceMs, backend } of all) {
      promise(tunnels.state[slot] === tunnel.QUEUED, `tunnel ${slot} waits in line`);
      const waitedMs = this.#ring.nowMs - sinceMs;
      const { queueTimeoutMs } = this.#scene.plan.backends[backend];
      const isLate = waitedMs > queueTimeoutMs + LATE_MS_MAX;
      promise(!isLate, `nobody waits for ${waitedMs} ms instead of ${queueTimeoutMs}`);
    }
    const queued = tunnels.state.reduce((sum, state) => sum + Number(state === tunnel.QUEUED), 0);
    promise(queued === all.length, `${queued} are waiting, ${all.length} stand in lines`);
    this.#checkGauges(all);
    for (const [first] of this.#lines) if (first !== undefined) this.#checkFirst(first);
  }

  #checkGauges(all: readonly Waiting[]): void {
    const { shape } = this.#region.state;
    for (let i = 0; i < shape.backends; i++) {
      const count = all.filter(({ backend }) => backend === i).length;
      const gauge = this.#row[backendOffset(shape, i) + metric.BACKEND_PENDING];
      promise(gauge === count, `at backend ${i} ${count} wait, shown are ${gauge}`);
    }
    for (let i = 0; i < shape.lines; i++) {
      const oldest = Math.min(...this.#lines[i].map(({ sinceMs }) => sinceMs));
      const shown = this.#row[lineOffset(shape, i) + metric.LINE_OLDEST];
      const isTrue = shown === (oldest === Infinity ? 0 : oldest);
      promise(isTrue, `the first in line ${i} has waited since ${oldest}, not ${shown}`);
    }
  }

  /** Who is first in line waits only as long as there is no place, and may be one later. */
  #checkFirst({ tunnel: slot, line, backend, sinceMs }: Waiting): void {
    const { nowMs } = this.#ring;
    // Who has come at the very end of a turn is looked at in the next.
    if (this.#others.actedWithin || sinceMs === nowMs) return;
    if (nowMs - this.#shortMs <= ACCEPT_PAUSE_MS) return;
    if (this.#region.board.breaker(backend) !== BREAKER_CLOSED) return;
    if (this.#isBehindOthers(line, sinceMs)) {
      this.heldBack++;
      return;
    }
    const subset = line % this.#lineCount - this.#firstLine(backend);
    const left = this.#choices.leftFor(backend, subset, this.#choices.triedBy(slot));
    promise(left.length > 0, "nobody waits for a place that cannot come");
    for (const server of left) {
      const count = this.#choices.placesAt(server);
      promise(count <= 0, `server ${server} has ${count} places, and somebody waits for one`);
    }
  }
}
