/**
 * Runs checks again and again: when each is due, how many at a time, and who hears of it.
 *
 * A check has a key, and there is one of each key however many ask for it: a server that several
 * backends name is asked once. Starts are spread: the first at random within a second, the later
 * ones by jitter, so that neither the servers nor this process get all at the same moment. What is
 * due while PROBES_AT_ONCE_MAX run waits for its turn. A check is never run twice at a time: the
 * next start waits for the end.
 *
 * What a check asks and what is made of its outcomes is no matter of this file.
 */
import { assert } from "../base/assert.ts";
import { describeFailure } from "./failure_outcome.ts";
import { type ProbeClock, SYSTEM_CLOCK } from "./probe_clock.ts";
import { type AgentOutcome, failed, type ProbeOutcome } from "./probe_outcome.ts";

/** Each has a socket: with more, checks would use up the files of the supervisor. */
export const PROBES_AT_ONCE_MAX = 64;
/** The first starts are spread over so long, or over the interval if it is shorter. */
const FIRST_SPREAD_MS = 1000;
/** Share by which a start is early or late. */
const JITTER = 0.1;
/** A run that does not keep to its timeout, or to being stopped, is left alone after so long. */
const OVERDUE_MS = 1000;

export interface CheckSchedule {
  readonly intervalMs: number;
  /** While a subscriber says that it matters. */
  readonly fastIntervalMs: number;
  /** What `run` promises to keep to. */
  readonly timeoutMs: number;
}

export type CheckOutcome = ProbeOutcome & Partial<Pick<AgentOutcome, "line">>;

/** Must settle soon after `signal` is aborted. */
export type RunCheck = (signal: AbortSignal) => Promise<CheckOutcome>;

export interface CheckResult {
  readonly outcome: CheckOutcome;
  readonly durationMs: number;
  /** When it ended, milliseconds since 1970. */
  readonly atMs: number;
}

export interface CheckSubscriber {
  onResult(result: CheckResult): void;
  /** Asked after that: whether the next one should come soon. */
  isMoving(): boolean;
}

interface Check {
  readonly schedule: CheckSchedule;
  readonly run: RunCheck;
  readonly subscribers: CheckSubscriber[];
  /** Calls its next start off; null while it waits for its turn, or runs. */
  callOff: (() => void) | null;
}

export class Prober {
  readonly #clock: ProbeClock;
  readonly #checks = new Map<string, Check>();
  /** Those that are due, the first to be due first. */
  readonly #due: Check[] = [];
  readonly #runs = new Set<{ readonly abort: () => void; readonly ended: Promise<void> }>();
  #isStopped = false;

  constructor(clock: ProbeClock = SYSTEM_CLOCK) {
    this.#clock = clock;
  }

  /** `schedule` and `run` are those of the first with this key. */
  add(key: string, schedule: CheckSchedule, run: RunCheck, subscriber: CheckSubscriber): void {
    assert(!this.#isStopped, "a stopped prober takes no checks");
    const known = this.#checks.get(key);
    if (known !== undefined) {
      known.subscribers.push(subscriber);
      return;
    }
    const check: Check = { schedule, run, subscribers: [subscriber], callOff: null };
    this.#checks.set(key, check);
    this.#plan(check, this.#clock.random() * Math.min(schedule.intervalMs, FIRST_SPREAD_MS));
  }

  /** When it settles, no timer of this is left, and no run but such as do not heed their signal. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const check of this.#checks.values()) check.callOff?.();
    this.#checks.clear();
    this.#due.length = 0;
    const runs = [...this.#runs];
    for (const run of runs) run.abort();
    await Promise.all(runs.map(({ ended }) => ended));
  }

  #plan(check: Check, delayMs: number): void {
    check.callOff = this.#clock.after(Math.max(0, delayMs), () => {
      check.callOff = null;
      this.#due.push(check);
      this.#startDue();
    });
  }

  #startDue(): void {
    while (this.#due.length > 0 && this.#runs.size < PROBES_AT_ONCE_MAX) {
      this.#start(this.#due.shift()!);
    }
  }

  #start(check: Check): void {
    const controller = new AbortController();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const overdue = Promise.withResolvers<CheckOutcome>();
    const giveUp = (ms: number) =>
      this.#clock.after(ms, () => overdue.resolve(failed(`gave no result within ${ms} ms`)));
    let callOff = giveUp(check.schedule.timeoutMs + OVERDUE_MS);
    const run = {
      abort: () => {
        callOff();
        callOff = giveUp(OVERDUE_MS);
        controller.abort();
      },
      ended,
    };
    this.#runs.add(run);
    const startMs = this.#clock.nowMs();
    Promise.race([runGuarded(check.run, controller.signal), overdue.promise]).then((outcome) => {
      callOff();
      // Of no use to a run that has ended, but to one that is overdue.
      controller.abort();
      this.#runs.delete(run);
      if (!this.#isStopped) {
        this.#report(check, outcome, startMs);
        this.#startDue();
      }
      end();
    });
  }

  #report(check: Check, outcome: CheckOutcome, startMs: number): void {
    const { schedule, subscribers } = check;
    const endMs = this.#clock.nowMs();
    const result = { outcome, durationMs: endMs - startMs, atMs: this.#clock.dateMs() };
    for (const subscriber of subscribers) subscriber.onResult(result);
    // Whoever hears of it may have stopped everything.
    if (this.#isStopped) return;
    const isMoving = subscribers.some((subscriber) => subscriber.isMoving());
    const intervalMs = isMoving ? schedule.fastIntervalMs : schedule.intervalMs;
    const jitter = 1 + JITTER * (2 * this.#clock.random() - 1);
    this.#plan(check, startMs + intervalMs * jitter - endMs);
  }
}

/** A check does not throw; one that does fails. */
async function runGuarded(run: RunCheck, signal: AbortSignal): Promise<CheckOutcome> {
  try {
    return await run(signal);
  } catch (error) {
    return failed(describeFailure(error));
  }
}
