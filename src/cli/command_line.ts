/**
 * The command line: from words to a verb of the table (verbs.ts) with its options, and the text of
 * every error that a person can make here. Nothing here runs anything.
 */
import { parseArgs } from "node:util";
import { parseDuration } from "../base/duration.ts";
import { makePrintable, quoteText } from "../base/quoted_text.ts";
import { findNearest } from "../base/text_distance.ts";
import type { Action, Option, Verb } from "./verb.ts";
import { SHARED_OPTIONS, VERBS } from "./verbs.ts";

export interface CommandLine {
  readonly verb: Verb;
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Words for a verb, spelt as options because people try these first. */
const VERB_OPTIONS = new Map<string, string>([
  ["--help", "help"],
  ["-h", "help"],
  ["--version", "version"],
  ["-v", "version"],
  ["-V", "version"],
]);
/** What is done to a running program in other ways. */
const SIGNAL_HINTS = new Map<string, string>([
  ["stop", "; SIGTERM or Ctrl-C ends the running program"],
  ["quit", "; SIGQUIT drains and ends the running program"],
  ["reload", "; this version takes a new configuration when it is started again"],
  ["restart", "; end the running program with SIGTERM, then start it"],
]);
const SEE_HELP = '(see "ringway help")';

function didYouMean(word: string, known: readonly string[], prefix = ""): string {
  const near = findNearest(word, known);
  return near === null ? "" : `; did you mean "${prefix}${near}"?`;
}

/** @throws UsageError with what may have been meant. */
export function findVerb(word: string): Verb {
  const names = VERBS.map((each) => each.name);
  const name = VERB_OPTIONS.get(word) ?? word;
  const verb = VERBS.find((each) => each.name === name);
  if (verb !== undefined) return verb;
  const shown = quoteText(word);
  const owner = VERBS.find(({ options }) =>
    Object.keys(options).some((name) => isOption(word, name, options[name]))
  );
  if (owner !== undefined) {
    const example = `ringway ${owner.name} ${makePrintable(word)}`;
    throw new UsageError(`${shown} stands behind a command, as in: ${example}`);
  }
  if (word.startsWith("-")) throw new UsageError(`unknown option ${shown} ${SEE_HELP}`);
  const meant = findMeant(word.toLowerCase());
  const suggestion = meant === null
    ? SIGNAL_HINTS.get(word) ?? (didYouMean(word, names) || explainArgument(word))
    : `; did you mean "${meant}"?`;
  throw new UsageError(`unknown command ${shown}${suggestion} ${SEE_HELP}`);
}

/** What a word is for that stands where a verb belongs, and is an argument of one. */
function explainArgument(word: string): string {
  const shown = makePrintable(word);
  if (/\.ya?ml$/.test(word)) return `; a file is given as: ringway serve -c ${shown}`;
  if (!/:[0-9]+$|^unix:/.test(word)) return "";
  return `; without a file it is: ringway proxy ${shown} SERVER...`;
}

/** What a word of other programs stands for here: a verb, or a verb and its action. */
function findMeant(word: string): string | null {
  const verb = VERBS.find(({ elsewhere }) => elsewhere.includes(word));
  if (verb !== undefined) return verb.name;
  for (const { name, actions = [] } of VERBS) {
    const action = actions.find((each) => each.name === word || each.elsewhere.includes(word));
    if (action !== undefined) return `${name} ${action.name}`;
  }
  return null;
}

function isOption(word: string, name: string, { short }: Option): boolean {
  return word === `-${short}` || word.split("=")[0] === `--${name}`;
}

/** @throws UsageError with the nearest name where there is one. */
export function parseCommandLine(words: readonly string[]): CommandLine {
  if (words.length === 0) throw new UsageError(`say what to do ${SEE_HELP}`);
  const verb = findVerb(words[0]);
  const seeHelp = `(see "ringway help ${verb.name}")`;
  const known: Readonly<Record<string, Option>> = { ...verb.options, ...SHARED_OPTIONS };
  // A task runner hands "--" through when options follow it.
  const rest = words.slice(words[1] === "--" ? 2 : 1);
  if (verb.actions !== undefined) checkSigns(rest, seeHelp);
  checkOptions(rest, known, seeHelp);
  const options = Object.fromEntries(
    Object.entries(known).map(([name, option]) => [name, {
      type: option.value === undefined ? "boolean" as const : "string" as const,
      multiple: true,
      ...(option.short === undefined ? {} : { short: option.short }),
    }]),
  );
  let parsed;
  try {
    parsed = parseArgs({ args: rest, options, allowPositionals: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    const words = makePrintable(`${reason[0].toLowerCase()}${reason.slice(1)}`);
    throw new UsageError(`${words} ${seeHelp}`);
  }
  const { positionals } = parsed;
  const { actions } = verb;
  // Who asks for help is not told what is missing.
  const isChecked = actions !== undefined && parsed.values.help === undefined;
  const action = isChecked ? findAction(verb, actions, positionals) : null;
  if (positionals.length > verb.positionalsMax) {
    throw new UsageError(`${explainExtra(verb, positionals)} ${seeHelp}`);
  }
  if (positionals.length < (verb.positionalsMin ?? 0) && parsed.values.help === undefined) {
    throw new UsageError(`${explainMissing(verb, positionals.length)} ${seeHelp}`);
  }
  const values = Object.entries(parsed.values).map(([name, given]) => {
    const [value, ...more] = given as readonly (string | boolean)[];
    const isRepeated = more.some((other) => other !== value);
    if (isRepeated) throw new UsageError(`--${name} is given more than once ${seeHelp}`);
    const owner = known[name].action;
    if (action !== null && owner !== undefined && owner !== action.name) {
      throw new UsageError(`--${name} goes with "${verb.name} ${owner}" only ${seeHelp}`);
    }
    return [name, value] as const;
  });
  return { verb, options: Object.fromEntries(values), positionals };
}

/** The action that is meant, which has got all that it needs. @throws UsageError */
function findAction(
  verb: Verb,
  actions: readonly Action[],
  [word, ...rest]: readonly string[],
): Action {
  const names = actions.map((each) => each.name);
  const fail = (text: string) => new UsageError(`${text} (see "ringway help ${verb.name}")`);
  if (word === undefined) {
    throw fail(`say what to do: ringway ${verb.name} ${names.join("|")} ${verb.positionals}`);
  }
  const action = actions.find((each) => each.name === word);
  if (action === undefined) throw fail(explainAction(verb, actions, word, rest));
  const full = `${verb.name} ${action.name}`;
  const { positionals } = action;
  if (rest.length < positionals.length) {
    const missing = positionals.slice(rest.length).join(" and ");
    throw fail(`"${full}" needs ${missing}, as in: ringway ${full} ${action.example}`);
  }
  if (rest.length > positionals.length) {
    const extra = rest[positionals.length];
    const takesTime = Object.values(verb.options).some((option) => option.action === action.name);
    const hint = takesTime && parseDuration(extra) !== null
      ? `; a deadline is given as: --deadline ${extra}`
      : `: it takes one ${positionals.join(" and one ")}`;
    throw fail(`"${full}" does not know what to do with ${quoteText(extra)}${hint}`);
  }
  return action;
}

/** What is wrong with a word that is no action: another one is meant, or the order is another. */
function explainAction(
  verb: Verb,
  actions: readonly Action[],
  word: string,
  rest: readonly string[],
): string {
  const second = actions.find((each) => each.name === rest[0]);
  if (second !== undefined) {
    const order = [second.name, word, ...rest.slice(1)].map(makePrintable).join(" ");
    return `the action comes first: ringway ${verb.name} ${order}`;
  }
  const names = actions.map((each) => each.name);
  const meant = actions.find(({ elsewhere }) => elsewhere.includes(word.toLowerCase()));
  const hint = meant === undefined
    ? didYouMean(word, names) || `; one of ${names.join(", ")}`
    : `; did you mean "${meant.name}"?`;
  return `unknown action ${quoteText(word)}${hint}`;
}

/** A number below zero looks like an option, and is not meant as one. */
function checkSigns(words: readonly string[], seeHelp: string): void {
  const negative = words.find((word) => /^-[0-9]/.test(word));
  if (negative === undefined) return;
  throw new UsageError(`nothing here may be below zero: ${quoteText(negative)} ${seeHelp}`);
}

/** Finds options that there are not, in better words than the parser has. */
function checkOptions(
  words: readonly string[],
  known: Readonly<Record<string, Option>>,
  seeHelp: string,
): void {
  const end = words.indexOf("--");
  for (const word of end < 0 ? words : words.slice(0, end)) {
    const long = /^--([^=]+)/.exec(word)?.[1];
    if (long !== undefined && !Object.hasOwn(known, long)) {
      const near = didYouMean(long, Object.keys(known), "--");
      throw new UsageError(`unknown option ${quoteText(`--${long}`)}${near} ${seeHelp}`);
    }
    const short = /^-([^-])/.exec(word)?.[1];
    if (short === undefined) continue;
    const option = Object.values(known).find((each) => each.short === short);
    if (option === undefined) {
      throw new UsageError(`unknown option ${quoteText(`-${short}`)} ${seeHelp}`);
    }
    if (option.value !== undefined && word[2] === "=") {
      const meant = quoteText(`-${short} ${word.slice(3)}`);
      throw new UsageError(`write ${meant} in place of ${quoteText(word)}`);
    }
  }
}

function explainExtra({ name, options, positionalsMax }: Verb, positionals: readonly string[]) {
  const extra = positionals[positionalsMax];
  const message = `"${name}" does not know what to do with ${quoteText(extra)}`;
  if (positionalsMax > 0) return `${message}: it takes one at a time`;
  return "config" in options
    ? `${message}; a file is given as: -c ${makePrintable(extra)}`
    : message;
}

function explainMissing({ name, positionals, example }: Verb, given: number): string {
  const missing = positionals.replace("...", "").split(" ").slice(given).join(" and ");
  return `"${name}" needs ${missing}, as in: ringway ${name} ${example}`;
}
