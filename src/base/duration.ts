/**
 * Durations as people write them: `30s`, `1h30m`, `250ms`; inside the program whole milliseconds.
 *
 * The form is the one of the Kubernetes Gateway API (GEP-2257): up to four numbers of up to five
 * digits, each with its unit. A unit is never optional: to one product a bare 30 is seconds, to
 * another milliseconds, and both readings have taken sites down. `suggestDuration` reads what
 * people write instead, so that an error can show the correct form.
 */
import { assert } from "./assert.ts";

/** Source of the regular expression, also for JSON Schema. */
export const DURATION_PATTERN = "^([0-9]{1,5}(h|m|s|ms)){1,4}$";

const DURATION = new RegExp(DURATION_PATTERN);
const PART = /([0-9]+)(ms|h|m|s)/g;
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const COUNT_MAX = 99_999;

/** Milliseconds of a duration text, at most 4 * 99999 hours; null when it has another form. */
export function parseDuration(text: string): number | null {
  if (!DURATION.test(text)) return null;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(PART)) ms += Number(count) * UNIT_MS[unit];
  return ms;
}

/**
 * The shortest text that `parseDuration` reads as `ms`.
 *
 * @param ms whole, not negative, below 100000 hours.
 */
export function formatDuration(ms: number): string {
  assert(Number.isInteger(ms) && ms >= 0, "a duration is whole milliseconds, not negative");
  assert(ms < (COUNT_MAX + 1) * UNIT_MS.h, "a duration has at most five digits of hours");
  if (ms === 0) return "0s";
  let rest = ms;
  let text = "";
  for (const unit of ["h", "m", "s", "ms"]) {
    const count = Math.floor(rest / UNIT_MS[unit]);
    rest -= count * UNIT_MS[unit];
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** One number and perhaps a word behind it. */
const LOOSE = /^\s*([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([A-Za-z]*)\s*$/;

/** What a unit's first letters may stand for; a bare number is taken as seconds. */
const LOOSE_UNITS: readonly (readonly [RegExp, string, number])[] = [
  [/^(|s|sec|secs|second|seconds)$/, "s", 1],
  [/^(ms|msec|msecs|millis|milliseconds?)$/, "ms", 1],
  [/^(m|min|mins|minutes?)$/, "m", 1],
  [/^(h|hr|hrs|hours?)$/, "h", 1],
  [/^(d|days?)$/, "h", 24],
  [/^(w|weeks?)$/, "h", 168],
];

/** The correct form of what was probably meant by `text`, or null when there is no telling. */
export function suggestDuration(text: string): string | null {
  const joined = text.replace(/\s+/g, "").toLowerCase();
  if (parseDuration(joined) !== null) return joined;
  const match = LOOSE.exec(text);
  if (match === null) return null;
  const word = match[2].toLowerCase();
  const found = LOOSE_UNITS.find(([words]) => words.test(word));
  if (found === undefined) return null;
  const [, unit, factor] = found;
  const count = Number(match[1]) * factor;
  if (Number.isInteger(count) && count <= COUNT_MAX) return `${count}${unit}`;
  const ms = Math.round(count * UNIT_MS[unit]);
  return ms < (COUNT_MAX + 1) * UNIT_MS.h ? formatDuration(ms) : null;
}
