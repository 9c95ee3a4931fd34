/**
 * Percentages as people write them: `50%`, `2.5%`; inside the program a share from 0 to 1.
 *
 * The sign is never optional, as with the units of durations: a bare `50` might be meant as a
 * count, and a bare `0.5` as half of one percent or as half. `suggestPercentage` reads what people
 * write instead, so that an error can show the correct form. Which shares make sense (may it be 0?)
 * is for the caller to say.
 */

/** Source of the regular expression, also for JSON Schema: 0 to 100, at most four decimals. */
export const PERCENTAGE_PATTERN = "^(100(\\.0{1,4})?|[1-9]?[0-9](\\.[0-9]{1,4})?)%$";

const PERCENTAGE = new RegExp(PERCENTAGE_PATTERN);

/**
 * A share, 0 to 1; null when the text has another form or is out of range.
 *
 * One division of whole numbers, so that the share is exactly what a quotient of counts can be:
 * with `Number("99.9") / 100` 999 of 1000 would not reach 99.9 %.
 */
export function parsePercentage(text: string): number | null {
  if (!PERCENTAGE.test(text)) return null;
  const [whole, decimals = ""] = text.slice(0, -1).split(".");
  return Number(whole + decimals) / (100 * 10 ** decimals.length);
}

/** A number, perhaps with a decimal comma, and what stands for "of a hundred". */
const LOOSE = /^\s*(?=[.,]?[0-9])([0-9]{0,4}[.,]?[0-9]{0,9})\s*(|%|percent|pct|pc)\s*$/i;

/** The correct form of what was probably meant by `text`, or null when there is no telling. */
export function suggestPercentage(text: string): string | null {
  const match = LOOSE.exec(text);
  if (match === null) return null;
  const bare = match[2] === "";
  const number = Number(match[1].replace(",", "."));
  // Without a sign a number up to 1 is a share, as most libraries count: `0.5`, and `1` for all.
  const percent = bare && number > 0 && number <= 1 ? number * 100 : number;
  const suggestion = `${Number(percent.toFixed(4))}%`;
  return PERCENTAGE.test(suggestion) ? suggestion : null;
}
