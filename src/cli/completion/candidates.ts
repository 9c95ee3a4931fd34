/**
 * What may stand at each place of a command line, in a form that the scripts for shells are made
 * from: files, words, or what only the person knows. All of it is read out of the table of verbs.
 */
import type { Option, Verb } from "../verb.ts";
import { SHARED_OPTIONS, VERBS } from "../verbs.ts";

/** Files; these words; or nothing that could be known. */
export type Candidates = "files" | readonly string[];

export interface OptionCandidates {
  readonly name: string;
  readonly short?: string;
  readonly help: string;
  /** Null: a switch, no value follows. */
  readonly value: Candidates | null;
  /** What help calls the value. */
  readonly noun: string;
}

export interface VerbCandidates {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionCandidates[];
  readonly positionals: Candidates;
}

/** What is meant by a word of help such as FILE, tcp|udp, [COMMAND]. */
function candidatesFor(noun: string, words?: readonly string[]): Candidates {
  if (words !== undefined) return words;
  const bare = noun.replace(/^\[(.*)\]$/, "$1");
  if (bare === "FILE" || bare === "PATH") return "files";
  if (bare === "COMMAND") return VERBS.map(({ name }) => name);
  // One of several; of which one may be an example, as in tcp|/path.
  return bare.includes("|") ? bare.split("|").filter((word) => /^[a-z]+$/.test(word)) : [];
}

function describeOption([name, option]: [string, Option]): OptionCandidates {
  const { short, help, value: noun = "", words } = option;
  return { name, short, help, noun, value: noun === "" ? null : candidatesFor(noun, words) };
}

function describeVerb({ name, summary, options, actions, positionals }: Verb): VerbCandidates {
  return {
    name,
    summary,
    options: Object.entries({ ...options, ...SHARED_OPTIONS }).map(describeOption),
    positionals: actions === undefined
      ? candidatesFor(positionals)
      : actions.map((action) => action.name),
  };
}

export function listCandidates(): VerbCandidates[] {
  return VERBS.map(describeVerb);
}

/** As the person types it: `--config`, `-c`. */
export function spellings({ name, short }: OptionCandidates): string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}
