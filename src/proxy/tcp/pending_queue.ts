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

  constructor(context: ProxyContext, tunnels: Tunnels) {
    this.#context = context;
    this.#tunnels = tunnels;
    this.#lines = new WaitingLines(tunnels.capacity, context.region.state.shape.lines);
  }

  get isEmpty(): boolean {
    return this.#lines.count === 0;
  }

  /** Whether anybody waits there, in any worker. */
  hasWaiting(line: number): boolean {
    const { state } = this.#context.region;
    return state.sum(lineOffset(state.shape, line) + LINE_OLDEST) > 0;
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
