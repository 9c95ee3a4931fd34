/**
 * The command line as a table: each verb with its options, from which parsing, help texts and
 * error messages are made. Nothing here runs anything.
 */
import { parseArgs } from "node:util";
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
  },
  {
    name: "schema",
    summary: "print the JSON Schema of the configuration",
    positionals: "",
    positionalsMax: 0,
    options: {},
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
  },
  {
    name: "version",
    summary: "print the version",
    positionals: "",
    positionalsMax: 0,
    options: { json: { help: "with the versions of what is inside" } },
  },
  {
    name: "help",
    summary: "explain a command",
    positionals: "[COMMAND]",
    positionalsMax: 1,
    options: {},
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

function didYouMean(word: string, known: readonly string[], prefix = ""): string {
  const near = findNearest(word, known);
  return near === null ? "" : `; did you mean "${prefix}${near}"?`;
}

function findVerb(word: string | undefined): Verb {
  if (word === undefined) throw new UsageError('say what to do; see "ringway help"');
  const name = { "--help": "help", "-h": "help", "--version": "version", "-v": "version" }[word];
  const verb = VERBS.find((each) => each.name === (name ?? word));
  if (verb !== undefined) return verb;
  const names = VERBS.map((each) => each.name);
  throw new UsageError(`unknown command "${word}"${didYouMean(word, names)} (see "ringway help")`);
}

/** @throws UsageError with the nearest name where there is one. */
export function parseCommandLine(words: readonly string[]): CommandLine {
  const verb = findVerb(words[0]);
  const known = { ...COMMON, ...verb.options };
  // A task runner hands "--" through when options follow it.
  const rest = words.slice(1).filter((word, i) => !(i === 0 && word === "--"));
  for (const word of rest) {
    const match = /^--([^=]+)/.exec(word);
    if (match !== null && !(match[1] in known)) {
      const near = didYouMean(match[1], Object.keys(known), "--");
      throw new UsageError(
        `unknown option "--${match[1]}"${near} (see "ringway help ${verb.name}")`,
      );
    }
  }
  const options = Object.fromEntries(
    Object.entries(known).map(([name, option]) => [name, {
      type: option.value === undefined ? "boolean" as const : "string" as const,
      ...(option.short === undefined ? {} : { short: option.short }),
    }]),
  );
  let parsed;
  try {
    parsed = parseArgs({ args: rest, options, allowPositionals: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new UsageError(`${reason} (see "ringway help ${verb.name}")`);
  }
  if (parsed.positionals.length > verb.positionalsMax) {
    const extra = parsed.positionals[verb.positionalsMax];
    const hint = "config" in verb.options ? `; a file is given as: -c ${extra}` : "";
    throw new UsageError(`"${verb.name}" does not know what to do with "${extra}"${hint}`);
  }
  return {
    verb,
    options: parsed.values as CommandLine["options"],
    positionals: parsed.positionals,
  };
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

export function helpOverview(): string {
  return "ringway: a load balancer in one file\n\n" +
    "usage: ringway COMMAND [OPTIONS]\n\n" +
    table(VERBS.map((verb) => [verb.name, verb.summary])) +
    "\nA configuration is looked for in: -c FILE, $RINGWAY_CONFIG, ./ringway.yaml,\n" +
    "/etc/ringway/ringway.yaml; with none of them a demonstration runs.\n" +
    "The smallest one:\n\n" +
    "  listeners:\n" +
    '    web: { bind: ":8080", backend: app }\n' +
    "  backends:\n" +
    "    app: [10.0.0.11:8080, 10.0.0.12:8080]\n";
}

/** @throws UsageError for a verb that there is not. */
export function helpFor(name: string): string {
  const verb = findVerb(name);
  const rows = Object.entries({ ...verb.options, ...COMMON }).map(optionRow);
  const positionals = verb.positionals === "" ? "" : ` ${verb.positionals}`;
  return `ringway ${verb.name}: ${verb.summary}\n\n` +
    `usage: ringway ${verb.name}${positionals} [OPTIONS]\n\n${table(rows)}`;
}
