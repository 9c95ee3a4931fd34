/**
 * When errors of its connections speak against a server, and for how long it is then left out.
 *
 * Rows of errors decide, not rates: a server that fails now and then has work to do, one that has
 * failed every time since it last answered has died, and a row shows that after a few connections
 * however many there are. Workers keep two rows of each server in shared memory: connects that
 * failed since the last one that was established, and connections that the server reset since the
 * last that ended well. The second must be a tenth of what is open, too, as a single event resets
 * many at once. And there have to be enough errors within a window: a row that took a day to grow
 * says more about how little traffic there is.
 *
 * The first time a server is out for `ejectMs`, the n-th for n times as long. For each such span
 * that it is up again one of these times is forgotten.
 *
 * How many may be out at a time is not decided here (ejection_bounds.ts), nor what else may keep a
 * server from being up (server_standing.ts).
 */
import { assert } from "../base/assert.ts";
import { formatDuration } from "../base/duration.ts";
import { plural } from "../base/plural.ts";
import { ErrorWindow } from "./error_window.ts";

export interface EjectionRules {
  /** In a row, and within the window. */
  readonly errors: number;
  readonly windowMs: number;
  /** Of the first time; of the n-th, n times as long, */
  readonly ejectMs: number;
  /** but never longer than this. */
  readonly ejectMsMax: number;
  /** Share of the servers in use that may be out at a time, 0..1. */
  readonly ejectedMax: number;
}

/** What workers count, over all of them; one number per server in each. */
export interface ServerCounters {
  /** Both ever growing, but for a worker that is replaced. */
  readonly connectFailures: Float64Array;
  readonly resets: Float64Array;
  /** Open connections now. */
  readonly open: Float64Array;
  /** The rows. */
  readonly connectStreak: Float64Array;
  readonly resetStreak: Float64Array;
}

/** Share of the open connections that must have been reset in a row. */
const RESET_SHARE = 1 / 10;

export class Ejections {
  readonly #rules: EjectionRules;
  readonly #window: ErrorWindow;
  /** How often lately. */
  readonly #times: Float64Array;
  /** Since when time up counts towards forgetting one of them. */
  readonly #upSinceMs: Float64Array;
  readonly #untilMs: Float64Array;
  /** More would make no ejection longer, and only take longer to forget. */
  readonly #timesMax: number;

  constructor(servers: number, rules: EjectionRules) {
    assert(rules.errors >= 1, "an ejection needs an error");
    assert(rules.ejectMs > 0 && rules.ejectMsMax > 0, "an ejection takes time");
    assert(rules.ejectedMax >= 0 && rules.ejectedMax <= 1, "what may be ejected is a share");
    this.#rules = rules;
    this.#window = new ErrorWindow(servers, rules.windowMs);
    this.#times = new Float64Array(servers);
    this.#upSinceMs = new Float64Array(servers);
    this.#untilMs = new Float64Array(servers);
    this.#timesMax = Math.ceil(rules.ejectMsMax / rules.ejectMs);
  }

  get ejectedMax(): number {
    return this.#rules.ejectedMax;
  }

  /** Takes in what workers counted. @param nowMs never less than before. */
  count(counters: ServerCounters, nowMs: number): void {
    this.#window.advance(nowMs);
    for (let server = 0; server < this.#times.length; server++) {
      this.#window.see(server, counters.connectFailures[server] + counters.resets[server]);
    }
  }

  /** Servers that their errors speak against, whatever state they are in; the longest row first. */
  due(counters: ServerCounters): number[] {
    const servers: number[] = [];
    for (let server = 0; server < this.#times.length; server++) {
      if (this.#isDue(server, counters)) servers.push(server);
    }
    return servers.sort((a, b) => longestStreak(counters, b) - longestStreak(counters, a));
  }

  /** Begins an ejection of a server that is due, and says why and for how long. */
  begin(server: number, counters: ServerCounters, nowMs: number): string {
    const { ejectMs, ejectMsMax, errors } = this.#rules;
    this.#times[server] = Math.min(this.#times[server] + 1, this.#timesMax);
    const forMs = Math.min(this.#times[server] * ejectMs, ejectMsMax);
    this.#untilMs[server] = nowMs + forMs;
    const connectStreak = counters.connectStreak[server];
    const what = connectStreak >= errors
      ? `${plural(connectStreak, "connect")} in a row failed`
      : `${plural(counters.resetStreak[server], "connection")} in a row reset by it`;
    return `${what}: left out for ${formatDuration(forMs)}`;
  }

  /** When the last ejection of a server ends. */
  untilMs(server: number): number {
    return this.#untilMs[server];
  }

  /**
   * Forgets the errors of a server that comes back. The rows are the caller's to clear; should a
   * worker write one at that moment and keep it so, it takes new errors for it to count.
   */
  forgive(server: number): void {
    this.#window.clear(server);
  }

  /** To be called now and then, so that time spent up makes up for ejections. */
  credit(server: number, isUp: boolean, nowMs: number): void {
    if (!isUp || this.#times[server] === 0) {
      this.#upSinceMs[server] = nowMs;
      return;
    }
    const spans = Math.floor((nowMs - this.#upSinceMs[server]) / this.#rules.ejectMs);
    this.#times[server] = Math.max(0, this.#times[server] - spans);
    this.#upSinceMs[server] += spans * this.#rules.ejectMs;
  }

  #isDue(server: number, counters: ServerCounters): boolean {
    const { errors } = this.#rules;
    if (this.#window.sum(server) < errors) return false;
    if (counters.connectStreak[server] >= errors) return true;
    return counters.resetStreak[server] >= Math.max(errors, counters.open[server] * RESET_SHARE);
  }
}

function longestStreak(counters: ServerCounters, server: number): number {
  return Math.max(counters.connectStreak[server], counters.resetStreak[server]);
}
