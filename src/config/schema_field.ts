/**
 * The kinds of fields that the schema is made of. Each carries its description for editors, its
 * limits for JSON Schema, and words for what may be wrong with it.
 *
 * A field is checked in one step with one message, where a chain of the library's checks would
 * report the same value twice. What a check of ours cannot tell JSON Schema goes along as metadata.
 * Alternatives (a string or a map) are told apart by type first: a union tries all of them, and
 * can only say in the end that none fitted, where the reader wants to know which key is misspelt.
 */
import * as v from "valibot";
import {
  DURATION_PATTERN,
  formatDuration,
  parseDuration,
  suggestDuration,
} from "../base/duration.ts";
import { quoteText } from "../base/quoted_text.ts";
import { DURATION_MS_MAX } from "./config_limits.ts";
import { encodeProblem, must, notYet, type Problem, QUOTE_HINT } from "./problem.ts";
import { suggestWord, type Vocabulary } from "./vocabulary.ts";

type Judge = (input: unknown) => Problem;

/** Alternatives by the type of what is found; read by json_schema.ts. */
export interface ByType {
  readonly alternatives: readonly v.GenericSchema[];
  /** The description of what has several forms. */
  readonly about?: string;
}

/** A message for the library, from what was found. */
function say(judge: Judge): (issue: v.BaseIssue<unknown>) => string {
  return (issue) => encodeProblem(judge(issue.input));
}

/** A schema that takes anything, says what is wrong with it, and gives `Output`. */
type Field<Output> = v.GenericSchema<unknown, Output>;

/** Picks the alternative by type, so that what is wrong inside of it keeps its own path. */
export function byType<const T extends Readonly<Record<string, v.GenericSchema>>>(
  alternatives: T,
  judge: Judge,
  about?: string,
): Field<v.InferOutput<T[keyof T]>> & ByType {
  const known: Readonly<Record<string, v.GenericSchema>> = alternatives;
  const none = v.never(say(judge));
  const lazy = v.lazy((input) => known[kindOf(input)] ?? none);
  return Object.assign(lazy as Field<v.InferOutput<T[keyof T]>>, {
    alternatives: Object.values(known),
    about,
  });
}

/** A short form: what fits `form` is expanded and read as `long`, which has the defaults. */
export function short<Short, Long>(
  form: v.GenericSchema<unknown, Short> | v.GenericSchema<string, Short>,
  expand: (value: Short) => unknown,
  long: Field<Long>,
) {
  return v.pipe(form as Field<Short>, v.transform(expand), long);
}

/** A name of the JSON types. */
function kindOf(input: unknown): string {
  if (Array.isArray(input)) return "array";
  return input === null ? "null" : typeof input;
}

/**
 * A map with these keys and no others.
 *
 * @param example what to write, for whoever wrote no map.
 */
export function section<E extends v.ObjectEntries>(
  entries: E,
  vocabulary: Vocabulary,
  description: string,
  example?: string,
) {
  const known = Object.keys(entries);
  const missing = (issue: v.BaseIssue<unknown>) =>
    encodeProblem({
      kind: "key",
      message: `${issue.expected} is missing`,
      key: issue.expected?.replaceAll('"', ""),
    });
  const map = v.pipe(
    v.looseObject(entries, missing),
    v.rawCheck(({ dataset, addIssue }) => {
      const input = dataset.value as Record<string, unknown>;
      for (const key of Object.keys(input)) {
        if (Object.hasOwn(entries, key)) continue;
        const message = encodeProblem(explainUnknownKey(key, known, vocabulary));
        const item = { type: "object", origin: "key", input, key, value: input[key] } as const;
        addIssue({ message, path: [item] });
      }
    }),
    v.metadata({ additionalProperties: false }),
    v.description(description),
  );
  const judge = (input: unknown) => {
    const isTight = typeof input === "string" && tightKey(input, known) !== undefined;
    const hint = isTight ? TIGHT_HINT : example === undefined ? undefined : `write ${example}`;
    return must(`a map of ${known.join(", ")}`, input, hint);
  };
  return byType({ object: map }, judge);
}

const TIGHT_HINT = 'put a space behind ":"';

/** The key that begins `text` and has no space behind its colon. */
function tightKey(text: string, known: readonly string[]): string | undefined {
  return known.find((key) => text.startsWith(`${key}:`));
}

function explainUnknownKey(key: string, known: readonly string[], words: Vocabulary): Problem {
  if (words.later.includes(key)) return { ...notYet(quoteText(key)), key: words.instead?.[key] };
  const message = `unknown key ${quoteText(key)}`;
  const tight = tightKey(key, known);
  if (tight !== undefined) return { kind: "key", message, hint: TIGHT_HINT, key: tight };
  const suggestion = suggestWord(key, known, words);
  if (suggestion === null) return { kind: "key", message, hint: `known: ${known.join(", ")}` };
  if (words.later.includes(suggestion)) {
    const hint = notYet(quoteText(suggestion)).message;
    return { kind: "key", message, hint, key: words.instead?.[suggestion] };
  }
  const hint = `did you mean ${quoteText(suggestion)}?`;
  return { kind: "key", message, hint, key: suggestion, isMisspelt: true };
}

/** A map from names to `value`. */
export function named<T extends v.GenericSchema>(
  value: T,
  noun: string,
  countMax: number,
  description: string,
) {
  const count = (input: unknown) => Object.keys(input as object).length;
  const map = v.pipe(
    v.record(NAME, value),
    v.minEntries(1, say(() => ({ kind: "value", message: `must hold at least one ${noun}` }))),
    v.maxEntries(
      countMax,
      say((input) => ({
        kind: "value",
        message: `must hold at most ${countMax} ${noun}s, found ${count(input)}`,
      })),
    ),
    v.description(description),
  );
  return byType({ object: map }, (input) => {
    const hint = Array.isArray(input) ? `put a name in front of each ${noun}: "NAME:"` : undefined;
    return must(`a map from names to ${noun}s`, input, hint);
  });
}

/** A list of 1..`countMax` items. */
export function list<T extends v.GenericSchema>(
  item: T,
  noun: string,
  countMax: number,
  description: string,
) {
  const count = (input: unknown) => (input as readonly unknown[]).length;
  const array = v.pipe(
    v.array(item),
    v.minLength(1, say(() => ({ kind: "value", message: `must hold at least one ${noun}` }))),
    v.maxLength(
      countMax,
      say((input) => ({
        kind: "value",
        message: `must hold at most ${countMax} ${noun}s, found ${count(input)}`,
      })),
    ),
    v.description(description),
  );
  return byType({ array }, (input) => {
    return must(`a list of ${noun}s`, input, hintList(input));
  });
}

/** What to write where one text stands in place of a list. */
export function hintList(input: unknown): string | undefined {
  if (typeof input !== "string") return undefined;
  return /^-\S/.test(input) ? 'put a space behind "-"' : `write [${quoteText(input)}]`;
}

/**
 * Names of listeners, backends and servers. Wide enough for an address to be a name; without
 * spaces, quotes and "/", so that a name can stand in a log line, a label and BACKEND/SERVER.
 */
const NAME_PATTERN = "^[A-Za-z0-9\\[][A-Za-z0-9_.:\\[\\]-]{0,127}$";
const NAME_REGEXP = new RegExp(NAME_PATTERN);
const NAME_FORM = "made of letters, digits and _ . : - [ ]";
const NAME_HINT = "a letter or digit first, at most 128 characters";

export function isName(text: string): boolean {
  return NAME_REGEXP.test(text);
}

export function explainName(input: unknown): Problem {
  if (typeof input === "number") {
    const message = `must be text, found the number ${input}`;
    return { kind: "value", message, hint: QUOTE_HINT };
  }
  const isText = typeof input === "string" && input !== "";
  return isText ? must(NAME_FORM, input, NAME_HINT) : must("a name", input);
}

const NAME = v.pipe(
  v.string(say(explainName)),
  v.check(
    isName,
    say((input) => {
      const message = `the name ${quoteText(String(input))} must be ${NAME_FORM}`;
      return { kind: "whole", message, hint: NAME_HINT };
    }),
  ),
  v.metadata({ pattern: NAME_PATTERN }),
);

/** @param judge what is wrong with a text, null for nothing; @param pattern no stricter than it. */
export function text(
  judge: (text: string) => Problem | null,
  pattern: string,
  examples: readonly string[],
  description: string,
) {
  const judgeAny = (input: unknown): Problem => {
    // A bare port is a number to YAML, and has its own hint.
    const written = typeof input === "string" || typeof input === "number" ? String(input) : null;
    const problem = written === null ? null : judge(written);
    return problem ?? must(`text such as ${quoteText(examples[0])}`, input, QUOTE_HINT);
  };
  return v.pipe(
    v.string(say(judgeAny)),
    v.check((input) => judge(input) === null, say(judgeAny)),
    v.metadata({ pattern, examples }),
    v.description(description),
  );
}

/** A name as a value. */
export function name(description: string, judge: Judge = explainName) {
  return v.pipe(
    v.string(say(judge)),
    v.check(isName, say(judge)),
    v.metadata({ pattern: NAME_PATTERN }),
    v.description(description),
  );
}

/** What to write for a number in quotes. */
export function hintUnquoted(input: unknown): string | undefined {
  const isNumber = typeof input === "string" && /^(0|[1-9][0-9]{0,8})$/.test(input);
  return isNumber ? `write ${input} without quotes` : undefined;
}

export function wholeNumber(least: number, most: number, description: string, zeroHint?: string) {
  const fits = (input: number) => Number.isInteger(input) && input >= least && input <= most;
  const judge = (input: unknown) => {
    const expected = `a whole number from ${least} to ${most}`;
    return must(expected, input, input === 0 ? zeroHint : hintUnquoted(input));
  };
  return v.pipe(
    v.number(say(judge)),
    v.check(fits, say(judge)),
    v.metadata({ type: "integer", minimum: least, maximum: most }),
    v.description(description),
  );
}

export function flag(description: string) {
  const judge = (input: unknown) => {
    const word = typeof input === "string" ? input.toLowerCase() : "";
    const meant = /^(yes|on|y|true)$/.test(word) ||
      (/^(no|off|n|false)$/.test(word) ? false : null);
    const quotes = word === String(meant) ? " without quotes" : "";
    return must("true or false", input, meant === null ? undefined : `write ${meant}${quotes}`);
  };
  return v.pipe(v.boolean(say(judge)), v.description(description));
}

export function choice<const T extends readonly string[]>(
  options: T,
  vocabulary: Vocabulary,
  description: string,
) {
  const judge = (input: unknown): Problem => {
    const word = typeof input === "string" ? input : "";
    // "header:" is kept for all that begins with it.
    const isLater = vocabulary.later.includes(word.replace(/:.*$/s, ":"));
    if (isLater) return notYet(quoteText(word));
    const suggestion = suggestWord(word, options, { ...vocabulary, later: [] });
    const hint = suggestion === null ? undefined : `did you mean ${quoteText(suggestion)}?`;
    const expected = options.length === 1 ? options[0] : `one of ${options.join(", ")}`;
    return must(expected, input, hint);
  };
  return v.pipe(v.picklist(options, say(judge)), v.description(description));
}

/** @param leastMs the shortest that makes sense, 0 or 1. */
export function duration(leastMs: number, description: string) {
  return v.pipe(
    v.string(say((input) => explainDuration(input, leastMs))),
    v.check(
      (input) => isDuration(input, leastMs),
      say((input) => explainDuration(input, leastMs)),
    ),
    v.metadata({ pattern: DURATION_PATTERN, examples: ["30s", "1h30m", "250ms"] }),
    v.description(description),
  );
}

function isDuration(text: string, leastMs: number): boolean {
  const ms = parseDuration(text);
  return ms !== null && ms >= leastMs && ms <= DURATION_MS_MAX;
}

export function explainDuration(input: unknown, leastMs: number): Problem {
  const written = typeof input === "number" || typeof input === "string" ? String(input) : "";
  const meant = suggestDuration(written);
  if (meant === null) return must('a duration such as "30s"', input);
  const ms = parseDuration(meant)!;
  if (ms > DURATION_MS_MAX) {
    return must(`at most ${quoteText(formatDuration(DURATION_MS_MAX))}`, input);
  }
  if (ms < leastMs) return must(`at least ${quoteText(formatDuration(leastMs))}`, input);
  const isBare = /^[0-9.]+$/.test(written);
  if (!isBare) return must("a duration", input, `write ${quoteText(meant)}`);
  return { kind: "value", message: `needs a unit: ${written} -> ${quoteText(meant)}` };
}
