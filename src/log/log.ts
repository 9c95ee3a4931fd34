/**
 * The operation log: one line per event, for people on a terminal, JSON otherwise, on stderr.
 *
 * Rendering is pure (time passed in); whoever owns the stream writes the line. Workers have no
 * stream of their own: they send lines to the supervisor, see worker/worker_log.ts.
 */
import { makePrintable } from "../base/quoted_text.ts";

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = typeof LEVELS[number];
export type Format = "text" | "json";

export interface Line {
  readonly time: Date;
  readonly level: Level;
  readonly text: string;
  /** Who says it; -1 is the supervisor. */
  readonly worker: number;
}

/** Whether a line of `level` is written when the log is set to `threshold`. */
export function isLogged(level: Level, threshold: Level): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(threshold);
}

/** What JSON leaves as it is and some readers of lines, or terminals, do not. */
const LINE_BREAKING = /[\x7f-\x9f\u2028\u2029]/g;

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** One line with its newline. Text that came from outside cannot break out of it. */
export function renderLine(line: Line, format: Format): string {
  const time = line.time.toISOString();
  if (format === "json") {
    const who = line.worker < 0 ? {} : { worker: line.worker };
    const json = JSON.stringify({ time, level: line.level, ...who, message: line.text });
    return `${json.replace(LINE_BREAKING, escapeUnit)}\n`;
  }
  const who = line.worker < 0 ? "" : ` worker ${line.worker}:`;
  return `${time.slice(11, 23)} ${line.level.padEnd(5)}${who} ${makePrintable(line.text)}\n`;
}
