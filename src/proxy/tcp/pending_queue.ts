/**
 * Connections that wait until a server has a place for them: first come, first served, whichever
 * worker they came to. A backend has one line for each subset of its servers that somebody asks
 * for, so that nobody waits behind one who wants other servers.
 *
 * Who failed at one server and waits for another stands in a line apart, that keeps nobody waiting:
 * what is free may be the very server that it has tried.
 *
 * Each worker keeps its own part of a line and shows in shared memory since when its first one
 * waits. A place goes to the worker whose first has waited longest; the others see that and leave
 * it. A worker that stands still loses its turn, or all would wait with it. What ends in one worker
 * wakes none of the others, so who has somebody waiting looks again every PENDING_LOOK_MS.
 *
 * @hot
 */
import { WaitingLines } from "../../connection/waiting_lines.ts";
import * as tunnel from "../../connection/tunnels.ts";
import type { Tunnels } from "../../connection/tunnels.ts";
import { PENDING_STALLED_MS } from "../../limits.ts";
import { BACKEND_PENDING, HEARTBEAT, LINE_OLDEST } from "../../metrics/metric_names.ts";
import { lineOffset } from "../../metrics/shared_state.ts";
import type { Backend } from "../../upstream/backend.ts";
import type { ProxyContext } from "../proxy_context.ts";

export class PendingQueue {
  readonly #context: ProxyContext;
  readonly #tunnels: Tunnels;
  /** Lines of those who come first; as many behind them are of those who try again. */
  readonly #lineCount: number;
  readonly #lines: WaitingLines;
  /** By line, while they are served. */
  readonly #passedOver: Uint8Array;

  constructor(context: ProxyContext, tunnels: Tunnels) {
    this.#context = context;
    this.#tunnels = tunnels;
    this.#lineCount = context.region.state.shape.lines;
    this.#lines = new WaitingLines(tunnels.capacity, 2 * this.#lineCount);
    this.#passedOver = new Uint8Array(2 * this.#lineCount);
  }

  get isEmpty(): boolean {
    return this.#lines.count === 0;
  }

  /** Whether anybody, in any worker, waits for a place at a backend. */
  hasWaiting(backend: Backend): boolean {
    const { state } = this.#context.region;
    for (let worker = 0; worker < state.rows.length; worker++) {
      if (this.#isStalled(worker)) continue;
      for (let subset = 0; subset < backend.subsetCount; subset++) {
        const at = lineOffset(state.shape, backend.firstLine + subset) + LINE_OLDEST;
        if (state.rows[worker][at] > 0) return true;
      }
    }
    return false;
  }

  /** Whether one more may wait. */
  hasRoom(backend: Backend): boolean {
    const { rows } = this.#context.region.state;
    let pending = 0;
    for (let worker = 0; worker < rows.length; worker++) {
      if (!this.#isStalled(worker)) pending += rows[worker][backend.at + BACKEND_PENDING];
    }
    return pending < backend.pendingMax;
  }

  /** A worker that stands still keeps nobody from what it does not take. */
  #isStalled(worker: number): boolean {
    const { region, ring, plan } = this.#context;
    const row = region.state.rows[worker];
    return worker !== plan.worker && row[HEARTBEAT] < ring.nowMs - PENDING_STALLED_MS;
  }

  // ---- Serving ----------------------------------------------------------------------------

  /** Before the lines of a backend are served: none has been passed over. */
  beginServing(): void {
    this.#passedOver.fill(0);
  }

  /** The first of this line has to wait on. */
  passOver(line: number): void {
    this.#passedOver[line] = 1;
  }

  /**
   * The line of a backend to be served next, -1 when all were passed over: one of those who try
   * again, or else that whose first has waited longest.
   */
  nextLine(backend: Backend): number {
    let oldest = -1;
    let sinceMs = Infinity;
    const end = backend.firstLine + backend.subsetCount;
    for (let line = backend.firstLine; line < end; line++) {
      const again = line + this.#lineCount;
      if (this.#lines.first(again) >= 0 && this.#passedOver[again] === 0) return again;
      const first = this.#lines.first(line);
      if (first < 0 || this.#passedOver[line] === 1) continue;
      if (this.#tunnels.activeMs[first] >= sinceMs) continue;
      sinceMs = this.#tunnels.activeMs[first];
      oldest = line;
    }
    return oldest;
  }

  /** Who has waited longest here, or -1. */
  first(line: number): number {
    return this.#lines.first(line);
  }

  /** Whether the first here has waited longer than those of all other workers. */
  isFirstOfAll(line: number): boolean {
    // Who tries again had their turn.
    if (line >= this.#lineCount) return true;
    const { region, plan } = this.#context;
    const { state } = region;
    const at = lineOffset(state.shape, line) + LINE_OLDEST;
    const mine = state.rows[plan.worker][at];
    for (let worker = 0; worker < state.rows.length; worker++) {
      const theirs = state.rows[worker][at];
      if (worker === plan.worker || theirs === 0 || this.#isStalled(worker)) continue;
      if (theirs < mine || (theirs === mine && worker < plan.worker)) return false;
    }
    return true;
  }

  // ---- Coming and going -------------------------------------------------------------------

  join(slot: number, backend: Backend): void {
    const { row, ring } = this.#context;
    const tunnels = this.#tunnels;
    tunnels.state[slot] = tunnel.QUEUED;
    tunnels.activeMs[slot] = ring.nowMs;
    const line = this.#lineOf(slot, backend);
    this.#lines.join(line, slot);
    row[backend.at + BACKEND_PENDING]++;
    this.#show(line);
  }

  leave(slot: number, backend: Backend): void {
    const line = this.#lineOf(slot, backend);
    this.#lines.leave(line, slot);
    this.#context.row[backend.at + BACKEND_PENDING]--;
    this.#show(line);
  }

  #lineOf(slot: number, backend: Backend): number {
    const { subset, attempts } = this.#tunnels;
    const line = backend.firstLine + subset[slot];
    return attempts[slot] === 0 ? line : line + this.#lineCount;
  }

  #show(line: number): void {
    if (line >= this.#lineCount) return;
    const { row, region } = this.#context;
    const first = this.#lines.first(line);
    const at = lineOffset(region.state.shape, line) + LINE_OLDEST;
    row[at] = first < 0 ? 0 : this.#tunnels.activeMs[first];
  }
}
