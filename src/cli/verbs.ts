/**
 * Everything that can be said on the command line, as one table: each verb with its options and,
 * where it has several forms, its actions. Parsing, help texts and error messages are made from it
 * (command_line.ts), so that none of them knows a word that the others do not.
 */
import { COMMAND_WORDS } from "../supervisor/server_command.ts";

export interface Option {
  readonly short?: string;
  /** Name of its value in help; an option without one is a switch. */
  readonly value?: string;
  readonly help: string;
  /** The only action that takes it. */
  readonly action?: string;
}

/** The second word of a verb that has several forms. */
export interface Action {
  readonly name: string;
  /** What follows it, each needed, as help shows it; and that as somebody would write it. */
  readonly positionals: readonly string[];
  readonly example: string;
  readonly help: string;
  /** What other programs call it; understood in the error, never accepted. */
  readonly elsewhere: readonly string[];
}

export interface Verb {
  readonly name: string;
  readonly summary: string;
  /**
   * Positional arguments as help shows them, "" for none, without the action; and how many may be
   * given at most.
   */
  readonly positionals: string;
  readonly positionalsMax: number;
  /** Its forms, if it has any: the first positional argument is the name of one. */
  readonly actions?: readonly Action[];
  readonly options: Readonly<Record<string, Option>>;
  /** What help says at the end. */
  readonly remark?: string;
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

const SERVER = "BACKEND/SERVER";

const SERVER_ACTIONS: readonly Action[] = [
  {
    name: "drain",
    positionals: [SERVER],
    example: "app/one",
    help: "no new connections; open ones go on, until --deadline if given",
    elsewhere: COMMAND_WORDS.drain,
  },
  {
    name: "maint",
    positionals: [SERVER],
    example: "app/one",
    help: "out of use for maintenance, whatever its checks say",
    elsewhere: COMMAND_WORDS.maint,
  },
  {
    name: "ready",
    positionals: [SERVER],
    example: "app/one",
    help: "end drain or maint: its checks decide again",
    elsewhere: COMMAND_WORDS.ready,
  },
  {
    name: "weight",
    positionals: [SERVER, "N"],
    example: "app/one 10",
    help: "0..256 in place of the configured one; 0: no new connections",
    elsewhere: COMMAND_WORDS.weight,
  },
];

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
    elsewhere: ["stats", "show", "ps", "top", "list", "health"],
  },
  {
    name: "events",
    summary: "show what has happened to servers of the running program, newest last",
    positionals: "",
    positionalsMax: 0,
    options: {
      config: CONFIG_OPTION,
      socket: SOCKET_OPTION,
      json: { help: "as JSON" },
    },
    elsewhere: ["log", "logs", "history", "journal"],
  },
  {
    name: "server",
    summary: "take a server out of use or back into it, or change its weight",
    positionals: "BACKEND/SERVER [N]",
    positionalsMax: 3,
    actions: SERVER_ACTIONS,
    options: {
      deadline: {
        value: "DURATION",
        help: "of drain: when to close what is still open, as in 30s",
        action: "drain",
      },
      config: CONFIG_OPTION,
      socket: SOCKET_OPTION,
    },
    remark: "Such a change ends with the program: the next start has the configuration again.",
    elsewhere: ["servers", "set", "backend", "node", "upstream", "target", "member"],
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
export const SHARED_OPTIONS: Readonly<Record<string, Option>> = {
  help: { short: "h", help: "explain this command" },
};
