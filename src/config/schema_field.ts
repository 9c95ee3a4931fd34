/**
 * The kinds of fields that the schema is made of. Each carries its description for editors, its
 * limits for JSON Schema, and words for what may be wrong with it. Fields with a unit are in
 * unit_field.ts.
 *
 * A field is checked in one step with one message, where a chain of the library's checks would
 * report the same value twice. What a check of ours cannot tell JSON Schema goes along as metadata.
 * Alternatives (a string or a map) are told apart by type first: a union tries all of them, and
 * can only say in the end that none fitted, where the reader wants to know which key is misspelt.
 */
import * as v from "valibot";
import { quoteText } from "../base/quoted_text.ts";
import { encodeProblem, must, notYet, type Problem, QUOTE_HINT, writtenOf } from "./problem.ts";
import {
  findAdvice,
  findMeaning,
  findSection,
  foldWord,
  suggestWord,
  type Vocabulary,
} from "./word_meaning.ts";

export type Judge = (input: unknown) => Problem;
/** What to write instead, for one input that does not fit. */
export type Hint = (input: unknown) => string | undefined;

/** Alternatives by the type of what is found; read by json_schema.ts. */
export interface ByType {
  readonly alternatives: readonly v.GenericSchema[];
  /** The description of what has several forms. */
  readonly about?: string;
}

/** A message for the library, from what was found. */
export function say(judge: Judge): (issue: v.BaseIssue<unknown>) => string {
  return (issue) => encodeProblem(judge(issue.input));
}

/** A schema that takes anything, says what is wrong with it, and gives `Output`. */
export type Field<Output> = v.GenericSchema<unknown, Output>;

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
 * @param oneOf optional keys of which at least one must be there.
 */
export function section<E extends v.ObjectEntries>(
  entries: E,
  vocabulary: Vocabulary,
  description: string,
  example?: string | Hint,
  oneOf: readonly string[] = [],
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
      if (oneOf.length === 0 || oneOf.some((key) => input[key] !== undefined)) return;
      const [key] = oneOf;
      const missing = `${listMissing(oneOf)} is missing`;
      const message = encodeProblem({ kind: "key", message: missing, key });
      const item = { type: "object", origin: "key", input, key, value: undefined } as const;
      addIssue({ message, path: [item] });
    }),
    v.metadata({ additionalProperties: false, ...requireOne(oneOf) }),
    v.description(description),
  );
  const judge = (input: unknown) => {
    const isTight = typeof input === "string" && tightKey(input, known) !== undefined;
    const shown = typeof example === "function" ? example(input) : example;
    const hint = isTight ? TIGHT_HINT : shown === undefined ? undefined : `write ${shown}`;
    return must(`a map of ${listKeys(known)}`, input, hint);
  };
  return byType({ object: map }, judge);
}

/** Of two, the second is for those who know about it: the first alone is called missing. */
function listMissing(oneOf: readonly string[]): string {
  const quoted = oneOf.map((key) => `"${key}"`);
  if (quoted.length <= 2) return quoted[0];
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

/** For JSON Schema: at least one of these keys. */
function requireOne(keys: readonly string[]): { anyOf?: readonly object[] } {
  return keys.length === 0 ? {} : { anyOf: keys.map((key) => ({ required: [key] })) };
}

/** Keys that a message about something else lists at most. */
const KEYS_LISTED_MAX = 6;

function listKeys(keys: readonly string[]): string {
  const rest = keys.length - KEYS_LISTED_MAX + 1;
  return rest > 1 ? `${keys.slice(0, -rest).join(", ")} and others` : keys.join(", ");
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
  const isOutside = findMeaning(key, known, words) === null;
  const advice = isOutside ? findAdvice(key, words) : null;
  if (advice !== null) {
    return { kind: "key", message, hint: advice, key: words.instead?.[foldWord(key)] };
  }
  const inner = isOutside ? findSection(key, words) : null;
  if (inner !== null) {
    const section = quoteText(inner.section);
    const isSame = inner.key === foldWord(key);
    const hint = isSame ? `it belongs in ${section}` : `that is "${inner.key}" in ${section} here`;
    return { kind: "key", message, hint };
  }
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

/** One text, or a list of them; gives a list. */
export function oneOrMore<T>(
  item: v.GenericSchema<string, T>,
  noun: string,
  countMax: number,
  description: string,
) {
  const one = v.pipe(item as Field<T>, v.transform((value) => [value]));
  const example = (item as { examples?: readonly string[] }).examples?.[0];
  const alternatives = { string: one, array: list(item, noun, countMax, description) };
  return byType(alternatives, (input) => {
    const such = example === undefined ? "" : ` such as ${quoteText(example)}`;
    return must(`a ${noun}${such}, or a list of them`, input);
  }, description);
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
  const field = v.pipe(
    v.string(say(judgeAny)),
    v.check((input) => judge(input) === null, say(judgeAny)),
    v.metadata({ pattern, examples }),
    v.description(description),
  );
  return Object.assign(field, { examples });
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

/** @param hint for an input of which more is known than that it is no such number. */
export function wholeNumber(
  least: number,
  most: number,
  description: string,
  hint: Hint = () => undefined,
) {
  const fits = (input: number) => Number.isInteger(input) && input >= least && input <= most;
  const judge = (input: unknown) => {
    const expected = `a whole number from ${least} to ${most}`;
    return must(expected, input, hint(input) ?? hintUnquoted(input));
  };
  return v.pipe(
    v.number(say(judge)),
    v.check(fits, say(judge)),
    v.metadata({ type: "integer", minimum: least, maximum: most }),
    v.description(description),
  );
}

/** A number that may be a fraction. */
export function number(least: number, most: number, description: string, hint: Hint) {
  const fits = (input: number) => input >= least && input <= most;
  const judge = (input: unknown) => {
    const isQuoted = typeof input === "string" && /^[0-9]{1,9}(\.[0-9]{1,9})?$/.test(input);
    const unquoted = isQuoted ? `write ${input} without quotes` : undefined;
    return must(`a number from ${least} to ${most}`, input, hint(input) ?? unquoted);
  };
  return v.pipe(
    v.number(say(judge)),
    v.check(fits, say(judge)),
    v.metadata({ minimum: least, maximum: most }),
    v.description(description),
  );
}

/** For limits: what is not there is not limited. */
export function hintNoLimit(input: unknown): string | undefined {
  const isWord = typeof input === "string" && /^(unlimited|none|off|no)$/i.test(input);
  return input === 0 || isWord ? "leave the key out for no limit" : undefined;
}

/** What people write for true or false, or null. */
export function meantFlag(input: unknown): boolean | null {
  const word = typeof input === "string" ? input.toLowerCase() : "";
  if (/^(yes|on|y|true)$/.test(word)) return true;
  return /^(no|off|n|false)$/.test(word) ? false : null;
}

/** @param hint for an input that is no word for true or false. */
export function flag(description: string, hint: Hint = () => undefined) {
  const judge = (input: unknown) => {
    const meant = meantFlag(input);
    const quotes = writtenOf(input).toLowerCase() === String(meant) ? " without quotes" : "";
    return must("true or false", input, meant === null ? hint(input) : `write ${meant}${quotes}`);
  };
  return v.pipe(v.boolean(say(judge)), v.description(description));
}

export function choice<const T extends readonly string[]>(
  options: T,
  vocabulary: Vocabulary,
  description: string,
) {
  const judge = (input: unknown): Problem => {
    const word = writtenOf(input);
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
