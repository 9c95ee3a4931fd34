/**
 * Connections that wait until a server has a place for them: first come, first served, whichever
 * worker they came to. A backend has one line for each subset of its servers that somebody asks
 * for, so that nobody waits behind one who wants other servers.
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
  readonly #lines: WaitingLines;
  /** By line, while they are served. */
  readonly #passedOver: Uint8Array;

  constructor(context: ProxyContext, tunnels: Tunnels) {
    this.#context = context;
    this.#tunnels = tunnels;
    const { lines } = context.region.state.shape;
    this.#lines = new WaitingLines(tunnels.capacity, lines);
    this.#passedOver = new Uint8Array(lines);
  }

  get isEmpty(): boolean {
    return this.#lines.count === 0;
  }

  /** Whether anybody, in any worker, waits for what a tunnel wants. */
  hasWaiting(slot: number, backend: Backend): boolean {
    const { state } = this.#context.region;
    const mine = backend.firstLine + this.#tunnels.subset[slot];
    // Where all servers share a limit each line waits for the same places.
    const isShared = backend.places.isShared;
    const first = isShared ? backend.firstLine : mine;
    const last = isShared ? backend.firstLine + backend.subsetCount - 1 : mine;
    for (let line = first; line <= last; line++) {
      if (state.sum(lineOffset(state.shape, line) + LINE_OLDEST) > 0) return true;
    }
    return false;
  }

  /** Before the lines of a backend are served: none has been passed over. */
  beginServing(): void {
    this.#passedOver.fill(0);
  }

  /** Nobody of this line can be served now. */
  passOver(line: number): void {
    this.#passedOver[line] = 1;
  }

  /** Of a backend's lines that were not passed over, the one whose first has waited longest; -1. */
  oldestLine(backend: Backend): number {
    let oldest = -1;
    let sinceMs = Infinity;
    const end = backend.firstLine + backend.subsetCount;
    for (let line = backend.firstLine; line < end; line++) {
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
    const { region, ring, plan } = this.#context;
    const { state } = region;
    const at = lineOffset(state.shape, line) + LINE_OLDEST;
    const mine = state.rows[plan.worker][at];
    for (let worker = 0; worker < state.rows.length; worker++) {
      const theirs = state.rows[worker][at];
      if (worker === plan.worker || theirs === 0) continue;
      if (state.rows[worker][HEARTBEAT] < ring.nowMs - PENDING_STALLED_MS) continue;
      if (theirs < mine || (theirs === mine && worker < plan.worker)) return false;
    }
    return true;
  }

  /** False when there are so many already that one more may not wait. */
  join(slot: number, backend: Backend): boolean {
    const { region, row, ring } = this.#context;
    const tunnels = this.#tunnels;
    if (region.state.sum(backend.at + BACKEND_PENDING) >= backend.pendingMax) return false;
    tunnels.state[slot] = tunnel.QUEUED;
    tunnels.activeMs[slot] = ring.nowMs;
    const line = backend.firstLine + tunnels.subset[slot];
    this.#lines.join(line, slot);
    row[backend.at + BACKEND_PENDING]++;
    this.#show(line);
    return true;
  }

  leave(slot: number, backend: Backend): void {
    const line = backend.firstLine + this.#tunnels.subset[slot];
    this.#lines.leave(line, slot);
    this.#context.row[backend.at + BACKEND_PENDING]--;
    this.#show(line);
  }

  #show(line: number): void {
    const { row, region } = this.#context;
    const first = this.#lines.first(line);
    const at = lineOffset(region.state.shape, line) + LINE_OLDEST;
    row[at] = first < 0 ? 0 : this.#tunnels.activeMs[first];
  }
}
