/**
 * Rates as people write them: `100/s`, `6000/m`, `1/h`; inside the program a number per second.
 *
 * The unit is never optional, as with durations. Only the number and the unit are here: how many
 * may come at once (the burst) is another value. `suggestRate` reads what people write instead, so
 * that an error can show the correct form.
 */

/** Source of the regular expression, also for JSON Schema. A rate is never zero. */
export const RATE_PATTERN = "^[1-9][0-9]{0,8}/(s|m|h)$";

const RATE = new RegExp(RATE_PATTERN);
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** How many per second, above 0, perhaps a fraction; null when the text has another form. */
export function parseRate(text: string): number | null {
  if (!RATE.test(text)) return null;
  return Number(text.slice(0, -2)) / UNIT_SECONDS[text.slice(-1)];
}

/** A number, what parts it from its unit (as in `100r/s` and `100 per second`), a word. */
const LOOSE =
  /^\s*([0-9]{1,9})\s*(?:r|req|conn)?\s*(?:\/|per\b|p(?=[smh]$))?\s*([A-Za-z]{0,8})\s*$/;

const LOOSE_UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(|s|sec|second|seconds|rps|cps)$/, "s"],
  [/^(m|min|minute|minutes|rpm)$/, "m"],
  [/^(h|hr|hour|hours)$/, "h"],
];

/** The correct form of what was probably meant by `text`, or null when there is no telling. */
export function suggestRate(text: string): string | null {
  const match = LOOSE.exec(text);
  if (match === null) return null;
  const word = match[2].toLowerCase();
  const found = LOOSE_UNITS.find(([words]) => words.test(word));
  const count = Number(match[1]);
  return found === undefined || count === 0 ? null : `${count}/${found[1]}`;
}
