/**
 * What a worker has to say, as lines to the supervisor over its standard output.
 *
 * The pipe is non-blocking and the rate is capped: a log must never stop the data plane. A line
 * that is over the rate, too long, or finds the pipe full is dropped and counted. Lines are at most
 * PIPE_BUF long, so a line is written whole or not at all.
 */
import { describeErrno, EAGAIN } from "../base/errno.ts";
import { LOG_LINE_BYTES_MAX, LOG_LINES_PER_SECOND } from "../limits.ts";
import { isLogged, type Level } from "../log/log.ts";
import { LOG_DROPPED } from "../metrics/metric_names.ts";
import type { ProxyLog } from "../proxy/proxy_context.ts";
import type { Backend } from "../upstream/backend.ts";
import type { WorkerMessage } from "../upstream/plan.ts";

export class WorkerLog implements ProxyLog {
  readonly #write: (line: Uint8Array) => void;
  readonly #now: () => number;
  readonly #row: Float64Array;
  readonly #threshold: Level;
  readonly #encoder = new TextEncoder();
  #secondStartMs = 0;
  #linesThisSecond = 0;

  /** @param write throws when the line cannot be written now. @param now milliseconds. */
  constructor(
    write: (line: Uint8Array) => void,
    now: () => number,
    row: Float64Array,
    threshold: Level,
  ) {
    this.#write = write;
    this.#now = now;
    this.#row = row;
    this.#threshold = threshold;
  }

  send(message: WorkerMessage): void {
    const line = this.#encoder.encode(JSON.stringify(message) + "\n");
    try {
      if (line.length > LOG_LINE_BYTES_MAX) throw new RangeError("longer than a pipe takes whole");
      this.#write(line);
    } catch {
      this.#row[LOG_DROPPED]++;
    }
  }

  log(level: Level, text: string): void {
    if (!isLogged(level, this.#threshold)) return;
    const nowMs = this.#now();
    if (nowMs - this.#secondStartMs >= 1000) {
      this.#secondStartMs = nowMs;
      this.#linesThisSecond = 0;
    }
    // Half of the lines are kept for what is wrong here: clients may send nonsense at any rate.
    const linesMax = level === "info" || level === "debug"
      ? LOG_LINES_PER_SECOND / 2
      : LOG_LINES_PER_SECOND;
    if (this.#linesThisSecond >= linesMax) {
      this.#row[LOG_DROPPED]++;
      return;
    }
    this.#linesThisSecond++;
    this.send({ type: "log", level, text });
  }

  connectFailed(backend: Backend, server: number, result: number): void {
    const why = result === -125 ? `no answer within ${backend.connectTimeoutMs} ms` : "";
    const name = `server "${backend.serverNames[server]}" of backend "${backend.name}"`;
    this.log("warn", `cannot connect to ${name}: ${why || describeErrno(result)}`);
  }

  refused(listener: string, backend: Backend, why: string): void {
    const which = `listener "${listener}", backend "${backend.name}"`;
    this.log("warn", `${which}: connection closed, ${why}`);
  }

  acceptFailed(listener: string, result: number): void {
    const why = result === -EAGAIN
      ? "no local port is left towards a server (net.ipv4.ip_local_port_range)"
      : describeErrno(result);
    this.log("error", `listener "${listener}": cannot take clients for a moment: ${why}`);
  }

  overloaded(why: string): void {
    this.log(
      "warn",
      why === "" ? "new clients are taken again" : `overloaded, new clients are refused: ${why}`,
    );
  }

  misread(listener: string, why: string): void {
    this.log("info", `listener "${listener}": client refused, ${why}`);
  }
}
