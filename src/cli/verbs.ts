/**
 * Everything that can be said on the command line, as one table: each verb with its options and,
 * where it has several forms, its actions. Parsing and error messages (command_line.ts), help
 * (help_text.ts), completion and the manual page are made from it, so that none of them knows a
 * word that the others do not. Verbs stand in the order in which people come to need them.
 */
import { BALANCE_NAMES } from "../config/config.ts";
import { COMMAND_WORDS } from "../supervisor/server_command.ts";
import type { Action, Option, Verb } from "./verb.ts";

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
    remark: "SIGTERM or Ctrl-C drains and ends it, a second one cuts; SIGQUIT drains for ever.",
    elsewhere: ["run", "start", "up"],
  },
  {
    name: "proxy",
    summary: "run without a configuration: listen at an address, pass on to servers",
    positionals: "LISTEN SERVER...",
    positionalsMin: 2,
    positionalsMax: Infinity,
    example: ":8080 10.0.0.1:80 10.0.0.2:80",
    options: {
      protocol: { value: "tcp|udp", help: "what comes in (tcp)" },
      balance: {
        value: "POLICY",
        words: BALANCE_NAMES,
        help: "how a server is picked: least_conn, ... (round_robin)",
      },
      check: { value: "tcp|/path", help: "ask servers how they are: by TCP, or HTTP at that path" },
      workers: { value: "N", help: "worker processes (one per core)" },
      socket: { value: "PATH", help: "its admin socket, where another ringway has the usual one" },
      print: { help: "print this as a configuration, to go on from there" },
    },
    remark: 'LISTEN is ":PORT" (every address), IP:PORT, "[IPv6]:PORT" or unix:/path.\n' +
      'SERVER is IP:PORT, "[IPv6]:PORT", NAME:PORT or unix:/path.',
    elsewhere: ["reverse-proxy", "forward", "relay", "expose"],
  },
  {
    name: "init",
    summary: "write a commented configuration to begin with",
    positionals: "[FILE]",
    positionalsMax: 1,
    options: { force: { short: "f", help: "write over a file that exists" } },
    remark: "Without FILE it is ./ringway.yaml, which serve finds; - is standard output.",
    elsewhere: ["new", "create", "generate", "sample", "example"],
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
    name: "healthcheck",
    summary: "ask the running program whether it is ready: exit 0, or 1 and why not",
    positionals: "",
    positionalsMax: 0,
    options: { config: CONFIG_OPTION, socket: SOCKET_OPTION },
    remark: "It answers within 2 seconds: made for HEALTHCHECK and readiness probes.",
    elsewhere: ["ping", "readyz", "livez"],
  },
  {
    name: "doctor",
    summary: "look at this machine: what is used, what is missing, and what mends it",
    positionals: "",
    positionalsMax: 0,
    options: { config: CONFIG_OPTION, json: { help: "as JSON" } },
    remark: "Exit 0, or 69 when something keeps the program from running here.",
    elsewhere: ["diagnose", "preflight", "environment", "sysinfo"],
  },
  {
    name: "version",
    summary: "print the version",
    positionals: "",
    positionalsMax: 0,
    options: {
      json: { help: "with the versions of what is inside" },
      licences: { help: "of Ringway and of what is inside, in full" },
    },
    elsewhere: [],
  },
  {
    name: "completion",
    summary: "print what completes this command line in a shell",
    positionals: "bash|zsh|fish",
    positionalsMin: 1,
    positionalsMax: 1,
    example: "bash",
    options: {},
    remark: "For this shell:  source <(ringway completion bash)\n" +
      "For good:        ringway completion bash > /etc/bash_completion.d/ringway\n" +
      "                 ringway completion zsh > /usr/local/share/zsh/site-functions/_ringway\n" +
      "                 ringway completion fish > ~/.config/fish/completions/ringway.fish",
    elsewhere: ["completions", "autocomplete"],
  },
  {
    name: "man",
    summary: "print the manual page",
    positionals: "",
    positionalsMax: 0,
    options: {},
    remark: "Read it with:  ringway man | man -l -",
    elsewhere: ["manpage", "manual"],
  },
  {
    name: "help",
    summary: "explain a command",
    positionals: "[COMMAND]",
    positionalsMax: 1,
    options: {},
    elsewhere: ["usage", "commands"],
  },
];

/** Options every verb takes. */
export const SHARED_OPTIONS: Readonly<Record<string, Option>> = {
  help: { short: "h", help: "explain this command" },
};
