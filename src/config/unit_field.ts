/**
 * Fields of the schema whose values have a unit: durations, sizes, rates, percentages.
 *
 * A bare number is never taken. Where one stands, the message itself shows the value with the unit
 * that was probably meant, since that is all there is to do; other slips get it as a hint.
 */
import * as v from "valibot";
import {
  BYTE_SIZE_PATTERN,
  formatByteSize,
  parseByteSize,
  suggestByteSize,
} from "../base/byte_size.ts";
import {
  DURATION_PATTERN,
  formatDuration,
  parseDuration,
  suggestDuration,
} from "../base/duration.ts";
import { parsePercentage, PERCENTAGE_PATTERN, suggestPercentage } from "../base/percentage.ts";
import { quoteText } from "../base/quoted_text.ts";
import { parseRate, RATE_PATTERN, suggestRate } from "../base/rate.ts";
import {
  CONNECTIONS_MAX,
  DURATION_MS_MAX,
  RATE_PER_SECOND_MAX,
  SOCKET_SECONDS_MAX,
} from "./config_limits.ts";
import { must, type Problem, writtenOf } from "./problem.ts";
import { parseShareRate, SHARE_RATE_PATTERN, suggestShareRate } from "./share_rate.ts";
import {
  byType,
  hintNoLimit,
  meantFlag,
  say,
  section,
  short,
  wholeNumber,
} from "./schema_field.ts";
import { VOCABULARY } from "./vocabulary.ts";

/** @param explain what is wrong with whatever stands there; null only for a good text. */
function unitText(
  explain: (input: unknown) => Problem | null,
  pattern: string,
  examples: readonly string[],
  description: string,
) {
  const judge = (input: unknown) => explain(input)!;
  return v.pipe(
    v.string(say(judge)),
    v.check((input) => explain(input) === null, say(judge)),
    v.metadata({ pattern, examples }),
    v.description(description),
  );
}

/** How to say that `meant` is the right form of what was written. */
function explainForm(noun: string, input: unknown, meant: string): Problem {
  const written = writtenOf(input);
  if (!/^[0-9.]+$/.test(written)) return must(noun, input, `write ${quoteText(meant)}`);
  return { kind: "value", message: `needs a unit: ${written} -> ${quoteText(meant)}` };
}

interface DurationBounds {
  readonly leastMs: number;
  readonly mostMs: number;
  /** What it must be a multiple of. */
  readonly stepMs: number;
}

/** @param leastMs the shortest that makes sense. */
export function duration(leastMs: number, description: string) {
  const bounds = { leastMs, mostMs: DURATION_MS_MAX, stepMs: 1 };
  return boundedDuration(bounds, ["30s", "1h30m", "250ms"], description);
}

/** A duration that the kernel counts in seconds. */
export function seconds(description: string) {
  const bounds = { leastMs: 1000, mostMs: SOCKET_SECONDS_MAX * 1000, stepMs: 1000 };
  return boundedDuration(bounds, ["10s", "2m"], description);
}

function boundedDuration(
  bounds: DurationBounds,
  examples: readonly string[],
  description: string,
) {
  const { leastMs, mostMs, stepMs } = bounds;
  const explain = (input: unknown) => {
    const ms = typeof input === "string" ? parseDuration(input) : null;
    const fits = ms !== null && ms >= leastMs && ms <= mostMs && ms % stepMs === 0;
    return fits ? null : explainBounded(input, bounds);
  };
  return unitText(explain, DURATION_PATTERN, examples, description);
}

export function explainDuration(input: unknown, leastMs: number): Problem {
  return explainBounded(input, { leastMs, mostMs: DURATION_MS_MAX, stepMs: 1 });
}

/** From here on a bare number is rather milliseconds, as in HAProxy, unless the kernel counts. */
const BARE_MS_MIN = 100;
/** Longer ones do not fit in the form, and are better read in other units. */
const BARE_MS_MAX = 99_999;

function suggestBounded(written: string, stepMs: number): string | null {
  const bare = /^[0-9]{1,9}$/.test(written) ? Number(written) : 0;
  if (stepMs > 1 || bare < BARE_MS_MIN) return suggestDuration(written);
  if (bare <= BARE_MS_MAX) return `${bare}ms`;
  return bare % 1000 === 0 ? formatDuration(bare) : suggestDuration(written);
}

function explainBounded(input: unknown, { leastMs, mostMs, stepMs }: DurationBounds): Problem {
  const meant = suggestBounded(writtenOf(input), stepMs);
  if (meant === null) return must('a duration such as "30s"', input);
  const ms = parseDuration(meant)!;
  if (ms > mostMs) return must(`at most ${quoteText(formatDuration(mostMs))}`, input);
  if (ms < leastMs) return must(`at least ${quoteText(formatDuration(leastMs))}`, input);
  if (ms % stepMs !== 0) {
    const whole = quoteText(formatDuration(Math.ceil(ms / stepMs) * stepMs));
    return must("whole seconds, which is how the kernel counts it", input, `write ${whole}`);
  }
  return explainForm("a duration", input, meant);
}

/** @param least, most in bytes. */
export function byteSize(least: number, most: number, description: string) {
  const explain = (input: unknown): Problem | null => {
    const bytes = typeof input === "string" ? parseByteSize(input) : null;
    if (bytes !== null && bytes >= least && bytes <= most) return null;
    const meant = suggestByteSize(writtenOf(input));
    const meantBytes = meant === null ? null : parseByteSize(meant);
    if (meant === null || meantBytes === null) return must('a size such as "64KiB"', input);
    if (meantBytes > most) return must(`at most ${quoteText(formatByteSize(most))}`, input);
    if (meantBytes < least) return must(`at least ${quoteText(formatByteSize(least))}`, input);
    return explainForm("a size", input, meant);
  };
  const examples = ["64KiB", "1MiB"];
  return unitText(explain, BYTE_SIZE_PATTERN, examples, description);
}

function explainRate(input: unknown): Problem | null {
  const perSecond = typeof input === "string" ? parseRate(input) : null;
  if (perSecond !== null && perSecond <= RATE_PER_SECOND_MAX) return null;
  const meant = suggestRate(writtenOf(input));
  if (meant === null) {
    const isZero = /^\s*0+(\D|$)/.test(writtenOf(input));
    const expected = isZero ? "a rate above zero" : 'a rate such as "100/s"';
    const hint = typeof input === "object" ? undefined : hintNoLimit(isZero ? 0 : input);
    return must(expected, input, hint ?? hintFraction(input));
  }
  if (parseRate(meant)! > RATE_PER_SECOND_MAX) {
    return must(`at most "${RATE_PER_SECOND_MAX}/s"`, input);
  }
  return explainForm("a rate", input, meant);
}

function hintFraction(input: unknown): string | undefined {
  const isFraction = /^[0-9]*\.[0-9]+\s*(\/|$)/.test(writtenOf(input));
  return isFraction ? 'write it per minute or hour, such as "90/m"' : undefined;
}

const RATE_EXAMPLES = ["100/s", "6000/m", "10/h"];

/** A rate, or a map of it and a burst. */
export function rate(description: string) {
  const text = unitText(explainRate, RATE_PATTERN, RATE_EXAMPLES, description);
  const long = section(
    {
      rate: text,
      burst: v.optional(
        wholeNumber(
          1,
          CONNECTIONS_MAX,
          "How many may come at once after a rest; without it as many as per second.",
        ),
      ),
    },
    VOCABULARY.rate,
    description,
  );
  return byType(
    { string: short(text, (rate) => ({ rate }), long), object: long },
    (input) =>
      typeof input === "number"
        ? explainRate(input)!
        : must('a rate such as "100/s" or a map of rate, burst', input),
    description,
  );
}

interface PercentageWords {
  /** What to write in place of 0 %; without it 0 % is as good as any. */
  readonly zero?: string;
  /** What to write for "none of this". */
  readonly off?: string;
}

/** @param hasOff whether the word off may stand in place of a percentage. */
export function percentage(description: string, words: PercentageWords = {}, hasOff = false) {
  const explain = (input: unknown): Problem | null => {
    if (hasOff && input === "off") return null;
    const share = typeof input === "string" ? parsePercentage(input) : null;
    if (share !== null && (share > 0 || words.zero === undefined)) return null;
    return explainPercentage(input, words);
  };
  const pattern = hasOff ? `^off$|${PERCENTAGE_PATTERN}` : PERCENTAGE_PATTERN;
  return unitText(explain, pattern, hasOff ? ["95%", "off"] : ["50%", "2.5%"], description);
}

function explainPercentage(input: unknown, { zero, off }: PercentageWords): Problem {
  const written = writtenOf(input);
  const meant = suggestPercentage(written);
  if (meant !== null) {
    const isZero = parsePercentage(meant) === 0;
    return isZero && zero !== undefined
      ? must("more than 0%", input, zero)
      : explainForm("a percentage", input, meant);
  }
  const isOff = off !== undefined && (input === false || meantFlag(input) === false);
  if (isOff || /^(none|never|disabled)$/i.test(written)) {
    return must('a percentage such as "50%"', input, off);
  }
  const isOutside = /^-?[0-9]{1,9}([.,][0-9]{1,9})?\s*%?$/.test(written);
  return must(isOutside ? "from 0% to 100%" : 'a percentage such as "50%"', input);
}

function explainShareRate(input: unknown): Problem | null {
  if (typeof input === "string" && parseShareRate(input) !== null) return null;
  const meant = suggestShareRate(writtenOf(input));
  if (meant !== null) return must("a percentage per s, m or h", input, `write ${meant}`);
  const isZero = /^\s*0+(\.0+)?\s*(%|\/|$)/.test(writtenOf(input));
  if (isZero) return must("more than 0%", input, "leave the key out for none");
  return must('a percentage per s, m or h, such as "1%/m"', input);
}

export function shareRate(description: string) {
  return unitText(explainShareRate, SHARE_RATE_PATTERN, ["1%/m", "10%/h"], description);
}
