/**
 * Runs checks again and again: when each is due, how many at a time, and who hears of it.
 *
 * A check has a key, and there is one of each key however many ask for it: a server that several
 * backends name is asked once. Starts are spread: the first at random within a second, the later
 * ones by jitter, so that neither the servers nor this process get all at the same moment. A check
 * is never run twice at a time: the next start waits for the end.
 *
 * What is due while PROBES_AT_ONCE_MAX run waits for its turn. A check that fails often lasts for
 * the whole of its timeout, one that passes is short. So those that failed last wait in a line of
 * their own, behind the others, and never take all the room: hundreds of silent servers do not
 * delay what tells that a good one has died.
 *
 * What a check asks and what is made of its outcomes is no matter of this file.
 */
import { assert } from "../base/assert.ts";
import { describeFailure } from "./failure_outcome.ts";
import { type ProbeClock, SYSTEM_CLOCK } from "./probe_clock.ts";
import { type AgentOutcome, failed, type ProbeOutcome } from "./probe_outcome.ts";

/** Each has a socket: with more, checks would use up the files of the supervisor. */
export const PROBES_AT_ONCE_MAX = 512;
/** Of them those that failed last, at most: the rest is kept free for the others. */
export const FAILED_AT_ONCE_MAX = 384;
/** So many of those are not held back by the others, or a server might never be seen to recover. */
export const FAILED_AT_ONCE_MIN = 64;
/** The first starts are spread over so long, or over the interval if it is shorter. */
const FIRST_SPREAD_MS = 1000;
/** Share by which a start is early or late. */
const JITTER = 0.1;
/** A run that does not keep to its timeout, or to being stopped, is left alone after so long. */
const OVERDUE_MS = 1000;
/** A timer that is so late tells of a pause of this process, not of the run. */
const HELD_UP_MS = 100;

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
  /** The last outcome that says anything about the server was a failure. */
  hasFailed: boolean;
}

export class Prober {
  readonly #clock: ProbeClock;
  readonly #checks = new Map<string, Check>();
  /** Those that are due and passed last or never ran, the first to be due first. */
  readonly #due: Check[] = [];
  /** Those that are due and failed last, likewise. */
  readonly #failedDue: Check[] = [];
  /** Runs of those that had failed when they started. */
  #failedRuns = 0;
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
    const check: Check = {
      schedule,
      run,
      subscribers: [subscriber],
      callOff: null,
      hasFailed: false,
    };
    this.#checks.set(key, check);
    this.#plan(check, this.#clock.random() * Math.min(schedule.intervalMs, FIRST_SPREAD_MS));
  }

  /** When it settles, no timer of this is left, and no run but such as do not heed their signal. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const check of this.#checks.values()) check.callOff?.();
    this.#checks.clear();
    this.#due.length = 0;
    this.#failedDue.length = 0;
    const runs = [...this.#runs];
    for (const run of runs) run.abort();
    await Promise.all(runs.map(({ ended }) => ended));
  }

  #plan(check: Check, delayMs: number): void {
    check.callOff = this.#clock.after(Math.max(0, delayMs), () => {
      check.callOff = null;
      (check.hasFailed ? this.#failedDue : this.#due).push(check);
      this.#startDue();
    });
  }

  #startDue(): void {
    while (this.#runs.size < PROBES_AT_ONCE_MAX) {
      const check = this.#takeDue();
      if (check === undefined) return;
      this.#start(check);
    }
  }

  #takeDue(): Check | undefined {
    const room = this.#failedDue.length > 0 ? FAILED_AT_ONCE_MAX - this.#failedRuns : 0;
    const isNext = this.#due.length === 0 || this.#failedRuns < FAILED_AT_ONCE_MIN;
    return room > 0 && isNext ? this.#failedDue.shift() : this.#due.shift();
  }

  #start(check: Check): void {
    const controller = new AbortController();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const { promise: overdue, resolve: giveUp } = Promise.withResolvers<CheckOutcome>();
    const timer = new OverdueTimer(this.#clock, giveUp);
    timer.start(check.schedule.timeoutMs + OVERDUE_MS);
    const run = {
      abort: () => {
        timer.start(OVERDUE_MS);
        controller.abort();
      },
      ended,
    };
    const hadFailed = check.hasFailed ? 1 : 0;
    this.#failedRuns += hadFailed;
    this.#runs.add(run);
    const startMs = this.#clock.nowMs();
    Promise.race([runGuarded(check.run, controller.signal), overdue]).then((outcome) => {
      timer.stop();
      // Of no use to a run that has ended, but to one that is overdue.
      controller.abort();
      this.#runs.delete(run);
      this.#failedRuns -= hadFailed;
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
    if (!outcome.isOurs) check.hasFailed = !outcome.isOk;
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

/**
 * Gives a run up that does not end by itself. After a pause of the process (it was stopped, or its
 * machine was) it comes at the same moment as the timers of the run, and before what waits in its
 * sockets: if it counted then, all servers would have failed at once. So the run gets more time.
 */
class OverdueTimer {
  readonly #clock: ProbeClock;
  readonly #giveUp: (outcome: CheckOutcome) => void;
  #callOff: () => void = () => {};

  constructor(clock: ProbeClock, giveUp: (outcome: CheckOutcome) => void) {
    this.#clock = clock;
    this.#giveUp = giveUp;
  }

  /** In place of when it was to come before. @param statedMs since the run began, if not `ms`. */
  start(ms: number, statedMs = ms): void {
    this.stop();
    const dueMs = this.#clock.nowMs() + ms;
    this.#callOff = this.#clock.after(ms, () => {
      if (this.#clock.nowMs() - dueMs >= HELD_UP_MS) this.start(OVERDUE_MS, statedMs);
      else this.#giveUp(failed(`gave no result within ${statedMs} ms`));
    });
  }

  stop(): void {
    this.#callOff();
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
