/**
 * The command line as a table: each verb with its options, from which parsing, help texts and
 * error messages are made. Nothing here runs anything.
 */
import { parseArgs } from "node:util";
import { makePrintable, quoteText } from "../base/quoted_text.ts";
import { findNearest } from "../base/text_distance.ts";

export interface Option {
  readonly short?: string;
  /** Name of its value in help; an option without one is a switch. */
  readonly value?: string;
  readonly help: string;
}

export interface Verb {
  readonly name: string;
  readonly summary: string;
  /** Positional arguments as help shows them, "" for none; and how many may be given. */
  readonly positionals: string;
  readonly positionalsMax: number;
  readonly options: Readonly<Record<string, Option>>;
  /** What other programs call it; understood in the error, never accepted. */
  readonly elsewhere: readonly string[];
}

const CONFIG_OPTION: Option = {
  short: "c",
  value: "FILE",
  help: "configuration; - is standard input",
};

const SOCKET_OPTION: Option = {
  value: "PATH",
  help: "admin socket of the running program",
};

export const VERBS: readonly Verb[] = [
  {
    name: "serve",
    summary: "run the load balancer in the foreground",
    positionals: "",
    positionalsMax: 0,
    options: { config: CONFIG_OPTION },
    elsewhere: ["run", "start", "up", "proxy"],
  },
  {
    name: "check",
    summary: "check a configuration; binds nothing, resolves nothing",
    positionals: "[FILE]",
    positionalsMax: 1,
    options: {
      config: CONFIG_OPTION,
      format: { value: "text|json|github", help: "how to print what is wrong (text)" },
    },
    elsewhere: ["validate", "verify", "test", "lint", "configtest"],
  },
  {
    name: "schema",
    summary: "print the JSON Schema of the configuration",
    positionals: "",
    positionalsMax: 0,
    options: {},
    elsewhere: ["jsonschema"],
  },
  {
    name: "status",
    summary: "show workers, listeners, backends and servers of the running program",
    positionals: "",
    positionalsMax: 0,
    options: {
      config: CONFIG_OPTION,
      socket: SOCKET_OPTION,
      json: { help: "everything, as JSON" },
    },
    elsewhere: ["stats", "show", "ps", "top", "list"],
  },
  {
    name: "version",
    summary: "print the version",
    positionals: "",
    positionalsMax: 0,
    options: { json: { help: "with the versions of what is inside" } },
    elsewhere: [],
  },
  {
    name: "help",
    summary: "explain a command",
    positionals: "[COMMAND]",
    positionalsMax: 1,
    options: {},
    elsewhere: ["usage", "man", "commands"],
  },
];

/** Options every verb takes. */
const COMMON: Readonly<Record<string, Option>> = {
  help: { short: "h", help: "explain this command" },
};

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

function findVerb(word: string | undefined): Verb {
  const names = VERBS.map((each) => each.name);
  if (word === undefined) {
    throw new UsageError(`say what to do: ${names.join(", ")} ${SEE_HELP}`);
  }
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
  const meant = VERBS.find(({ elsewhere }) => elsewhere.includes(word.toLowerCase()));
  const suggestion = meant === undefined
    ? SIGNAL_HINTS.get(word) ?? didYouMean(word, names)
    : `; did you mean "${meant.name}"?`;
  throw new UsageError(`unknown command ${shown}${suggestion} ${SEE_HELP}`);
}

function isOption(word: string, name: string, { short }: Option): boolean {
  return word === `-${short}` || word.split("=")[0] === `--${name}`;
}

/** @throws UsageError with the nearest name where there is one. */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const verb = findVerb(words[0]);
  const seeHelp = `(see "ringway help ${verb.name}")`;
  const known: Readonly<Record<string, Option>> = { ...verb.options, ...COMMON };
  // A task runner hands "--" through when options follow it.
  const rest = words.slice(words[1] === "--" ? 2 : 1);
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
  if (positionals.length > verb.positionalsMax) {
    throw new UsageError(`${explainExtra(verb, positionals)} ${seeHelp}`);
  }
  const values = Object.entries(parsed.values).map(([name, given]) => {
    const [value, ...more] = given as readonly (string | boolean)[];
    const isRepeated = more.some((other) => other !== value);
    if (isRepeated) throw new UsageError(`--${name} is given more than once ${seeHelp}`);
    return [name, value] as const;
  });
  return { verb, options: Object.fromEntries(values), positionals };
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

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}

function optionRow([name, option]: [string, Option]): [string, string] {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const value = option.value === undefined ? "" : ` ${option.value}`;
  return [`${short}--${name}${value}`, option.help];
}

/** Where configurations are, and what one looks like. */
export const CONFIG_HELP =
  "A configuration is looked for in: -c FILE, $RINGWAY_CONFIG, ./ringway.yaml,\n" +
  "/etc/ringway/ringway.yaml. The smallest one:\n\n" +
  "  listeners:\n" +
  '    web: { bind: ":8080", backend: app }\n' +
  "  backends:\n" +
  "    app: [10.0.0.11:8080, 10.0.0.12:8080]\n";

export function helpOverview(): string {
  return "ringway: a load balancer in one file\n\n" +
    "usage: ringway COMMAND [OPTIONS]\n\n" +
    table(VERBS.map((verb) => [verb.name, verb.summary])) +
    `\n${CONFIG_HELP}\nWith no configuration at all "serve" runs a demonstration.\n` +
    'More about a command: "ringway help COMMAND".\n';
}

/** @throws UsageError for a verb that there is not. */
export function helpFor(name: string): string {
  const verb = findVerb(name);
  const rows = Object.entries({ ...verb.options, ...COMMON }).map(optionRow);
  const positionals = verb.positionals === "" ? "" : ` ${verb.positionals}`;
  return `ringway ${verb.name}: ${verb.summary}\n\n` +
    `usage: ringway ${verb.name}${positionals} [OPTIONS]\n\n${table(rows)}`;
}
