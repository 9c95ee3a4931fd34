/**
 * How fast a share of something may change, as people write it: `1%/m`, `0.5%/s`; inside the
 * program the share (0..1) per second.
 *
 * The form is that of a rate (base/rate.ts) with a percentage in place of the count. It is here and
 * not beside them because one key has it.
 */
import { parsePercentage, PERCENTAGE_PATTERN, suggestPercentage } from "../base/percentage.ts";

/** Source of the regular expression, also for JSON Schema; it has 0 %, which is none. */
export const SHARE_RATE_PATTERN = PERCENTAGE_PATTERN.replace(/\$$/, "/(s|m|h)$");

const SHARE_RATE = new RegExp(SHARE_RATE_PATTERN);
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** The share per second, above 0; null when the text has another form. */
export function parseShareRate(text: string): number | null {
  if (!SHARE_RATE.test(text)) return null;
  const share = parsePercentage(text.slice(0, -2));
  return share === null || share === 0 ? null : share / UNIT_SECONDS[text.slice(-1)];
}

/** A percentage, what parts it from its unit, a word. */
const LOOSE = /^\s*([0-9.,]+)\s*(?:%|percent|pct)?\s*(?:\/|per\b)?\s*([A-Za-z]{0,8})\s*$/i;

const LOOSE_UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(s|sec|second|seconds)$/, "s"],
  [/^(|m|min|minute|minutes)$/, "m"],
  [/^(h|hr|hour|hours)$/, "h"],
];

/** The correct form of what was probably meant by `text`, or null when there is no telling. */
export function suggestShareRate(text: string): string | null {
  const match = LOOSE.exec(text);
  if (match === null) return null;
  const word = match[2].toLowerCase();
  const found = LOOSE_UNITS.find(([words]) => words.test(word));
  const percent = suggestPercentage(`${match[1]}%`);
  if (found === undefined || percent === null || parsePercentage(percent) === 0) return null;
  return `${percent}/${found[1]}`;
}
