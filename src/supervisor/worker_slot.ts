/**
 * A place for a worker: keeps a process in it, through crashes and stalls.
 *
 * A process that ends by itself is replaced after a back-off (50 ms, doubled at each quick death
 * up to 5 s) onto the same sockets. A process whose heartbeat stands still is killed and replaced.
 * A process that ends while draining is not replaced.
 */
import type { Shim } from "../../ffi/shim.ts";
import { HEARTBEAT_MS_MAX } from "../limits.ts";
import type { Level } from "../log/log.ts";
import { HEARTBEAT, STATE } from "../metrics/metric_names.ts";
import type { ControlMessage, Plan, WorkerMessage } from "../upstream/plan.ts";
import type { SharedRegion } from "../upstream/shared_region.ts";
import { WorkerProcess } from "./worker_process.ts";

const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 5000;
/** What one check of the heartbeat adds at most to the time that it has stood still. */
const CHECK_MS_MAX = 1000;
/** A process that lived this long was not a quick death. */
const SETTLED_MS = 10_000;

export interface WorkerSlotEvents {
  onReady(worker: number): void;
  onLog(worker: number, level: Level, text: string): void;
  /** The slot is empty for good: its process ended after a drain, with this status. */
  onDrained(worker: number, code: number): void;
  /** A process died before any was ready. */
  onStartFailed(worker: number, deaths: number): void;
}

export class WorkerSlot {
  restarts = 0;
  /** The steps of hardening that its process has done. */
  hardening: readonly string[] = [];
  #process: WorkerProcess | null = null;
  #draining = false;
  #wasReady = false;
  #backoffMs = BACKOFF_MS_MIN;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #beat = 0;
  #checkedMs = 0;
  /** How long the heartbeat has been seen to stand still. */
  #silentMs = 0;

  /** @param plan made anew for each process: addresses may have changed meanwhile. */
  constructor(
    readonly index: number,
    readonly shim: Shim,
    readonly region: SharedRegion,
    readonly plan: () => Plan,
    readonly events: WorkerSlotEvents,
  ) {}

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  start(): void {
    const startedMs = performance.now();
    this.#beat = 0;
    this.#checkedMs = startedMs;
    this.#silentMs = 0;
    this.region.clearWorker(this.index);
    this.hardening = [];
    let process: WorkerProcess;
    try {
      process = new WorkerProcess(this.shim, this.plan(), (message) => this.#onMessage(message));
    } catch (cause) {
      // No process, no memory, no fds at this moment: as if it had died at once.
      const reason = cause instanceof Error ? cause.message : String(cause);
      this.#replace(`cannot be started: ${reason}`);
      return;
    }
    this.#process = process;
    process.ended.then((status) => this.#onEnded(status, performance.now() - startedMs));
  }

  #onMessage(message: WorkerMessage): void {
    if (message.type === "log") this.events.onLog(this.index, message.level, message.text);
    else {
      this.#wasReady = true;
      this.hardening = message.hardening;
      this.events.onReady(this.index);
    }
  }

  #onEnded(status: Deno.CommandStatus, livedMs: number): void {
    this.#process = null;
    this.region.clearWorker(this.index);
    if (this.#draining) {
      if (status.signal !== null) {
        this.events.onLog(this.index, "error", `died of ${status.signal} while draining`);
      }
      this.events.onDrained(this.index, status.signal !== null ? 3 : status.code);
      return;
    }
    if (livedMs >= SETTLED_MS) this.#backoffMs = BACKOFF_MS_MIN;
    this.#replace(
      status.signal !== null ? `died of ${status.signal}` : `ended with ${status.code}`,
    );
  }

  /** Starts another process after the back-off. */
  #replace(how: string): void {
    const waitMs = this.#backoffMs;
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS_MAX);
    this.restarts++;
    this.events.onLog(this.index, "error", `${how}; starting another in ${waitMs} ms`);
    if (!this.#wasReady) this.events.onStartFailed(this.index, this.restarts);
    this.#timer = setTimeout(() => this.start(), waitMs);
  }

  tell(message: ControlMessage): void {
    if (message.type === "drain") this.#draining = true;
    if (this.#process !== null) this.#process.tell(message);
    else if (this.#draining) {
      clearTimeout(this.#timer);
      this.events.onDrained(this.index, 0);
    }
  }

  /**
   * Kills a process that has not turned for too long. Call about every second: a check that comes
   * later counts for no more, because then the supervisor has stood still itself (a stopped job, a
   * frozen container, a paused machine), and most likely its workers with it.
   */
  checkHeartbeat(nowMs: number): void {
    const row = this.region.state.rows[this.index];
    const beat = row[HEARTBEAT];
    const sinceMs = Math.min(nowMs - this.#checkedMs, CHECK_MS_MAX);
    this.#checkedMs = nowMs;
    if (beat !== this.#beat) {
      this.#beat = beat;
      this.#silentMs = 0;
      return;
    }
    // Not ready yet: starting takes its time, on a busy machine seconds.
    if (row[STATE] === 0 || this.#process === null) return;
    this.#silentMs += sinceMs;
    if (this.#silentMs < HEARTBEAT_MS_MAX) return;
    this.#silentMs = 0;
    this.events.onLog(this.index, "error", "has stopped turning; killed");
    this.#process.kill();
  }

  kill(): void {
    this.#process?.kill();
  }
}
