/**
 * Sizes as people write them: `64KiB`, `1MiB`; inside the program whole bytes.
 *
 * Only the binary units there is one reading of: to one product `64k` is 64000 bytes, to another
 * 65536, and a bare number is bytes, pages or kilobytes. `suggestByteSize` reads what people write
 * instead, as powers of 1024, so that an error can show the form whose meaning is certain.
 */
import { assert } from "./assert.ts";

/** Source of the regular expression, also for JSON Schema. */
export const BYTE_SIZE_PATTERN = "^(0|[1-9][0-9]{0,8})(B|KiB|MiB|GiB)$";

const BYTE_SIZE = new RegExp(BYTE_SIZE_PATTERN);
/** Largest first. */
const UNITS = [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]] as const;
const COUNT_MAX = 999_999_999;

/** Bytes of a size text, below 2 ** 60; null when it has another form. */
export function parseByteSize(text: string): number | null {
  const match = BYTE_SIZE.exec(text);
  if (match === null) return null;
  const [, bytes] = UNITS.find(([unit]) => unit === match[2])!;
  return Number(match[1]) * bytes;
}

/**
 * The text in the largest unit that makes a whole number.
 *
 * @param bytes whole, from 0 to 999999999.
 */
export function formatByteSize(bytes: number): string {
  assert(Number.isInteger(bytes) && bytes >= 0 && bytes <= COUNT_MAX, "a size has nine digits");
  if (bytes === 0) return "0B";
  const [unit, factor] = UNITS.find(([, factor]) => bytes % factor === 0)!;
  return `${bytes / factor}${unit}`;
}

/** One number and perhaps a word behind it. */
const LOOSE = /^\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([A-Za-z]{0,10})\s*$/;

const LOOSE_UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(|b|bytes?)$/, 1],
  [/^(k|kb|kib|kbytes?|kilobytes?)$/, 2 ** 10],
  [/^(m|mb|mib|mbytes?|megabytes?)$/, 2 ** 20],
  [/^(g|gb|gib|gbytes?|gigabytes?)$/, 2 ** 30],
];

/** The correct form of what was probably meant by `text`, or null when there is no telling. */
export function suggestByteSize(text: string): string | null {
  const match = LOOSE.exec(text);
  if (match === null) return null;
  const word = match[2].toLowerCase();
  const found = LOOSE_UNITS.find(([words]) => words.test(word));
  if (found === undefined) return null;
  const bytes = Math.round(Number(match[1]) * found[1]);
  const unit = UNITS.find(([, factor]) => bytes % factor === 0 && bytes / factor <= COUNT_MAX);
  if (bytes === 0) return "0B";
  return unit === undefined ? null : `${bytes / unit[1]}${unit[0]}`;
}
