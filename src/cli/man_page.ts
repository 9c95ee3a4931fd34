/**
 * The manual page, ringway(1), in the man macros of roff: the table of verbs, and what does not
 * stand in any help: files, environment, signals, exit statuses. The configuration has its own
 * description, the schema, and is only pointed to.
 */
import { VERSION } from "../base/version.ts";
import { usageLines } from "./help_text.ts";
import type { Action, Option, Verb } from "./verb.ts";
import { SHARED_OPTIONS, VERBS } from "./verbs.ts";

type Entries = readonly (readonly [term: string, text: string])[];

const FILES: Entries = [
  ["./ringway.yaml, /etc/ringway/ringway.yaml", "The configuration, the first that there is."],
  [
    "/run/ringway.sock, $XDG_RUNTIME_DIR/ringway.sock, /tmp/ringway-UID.sock",
    "The admin socket of root, of a user, of a user without a session. A service of systemd has " +
    "it in its RuntimeDirectory, as /run/ringway/ringway.sock. The configuration may name " +
    "another one, or none.",
  ],
];

const ENVIRONMENT: Entries = [
  ["RINGWAY_CONFIG", "The configuration, where -c names none."],
  ["RINGWAY_IO", "auto, uring or epoll: how workers speak with the kernel, in place of io:."],
  ["NO_COLOR", "When set, tables have no colors."],
  ["RUNTIME_DIRECTORY, XDG_RUNTIME_DIR", "Where the admin socket is by default."],
  ["LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES", "Sockets from systemd, for bind: systemd:NAME."],
  ["NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID", "The service manager that is kept informed."],
];

const SIGNALS: Entries = [
  [
    "SIGTERM, SIGINT",
    "Drain: take no new connections, wait for those that are open, for as long as drain.timeout " +
    "says, and end. A second one cuts them.",
  ],
  ["SIGQUIT", "Drain without a deadline."],
  ["SIGHUP", "Is only warned about: a new configuration is taken by a restart."],
];

const EXIT_STATUSES: Entries = [
  ["0", "Done; of serve: drained in time."],
  ["1", "Failed; of healthcheck: not ready."],
  ["2", "The command line makes no sense."],
  ["3", "The drain's deadline has passed, and connections were cut."],
  ["69", "This machine cannot run it."],
  ["77", "Not allowed, such as a port below 1024."],
  ["78", "The configuration is wrong."],
  ["130, 143", "A second SIGINT or SIGTERM has cut the drain short."],
];

const EXAMPLES: Entries = [
  ["ringway proxy :8080 10.0.0.1:80 10.0.0.2:80", "Two servers behind port 8080."],
  ["ringway proxy :53 10.0.0.1:53 --protocol udp --print", "See it as a configuration."],
  ["ringway init && ringway check && ringway serve", "Begin with a file."],
  ["ringway server drain app/one --deadline 30s", "Take a server out of use."],
];

/** Text as roff prints it; "-" is one that can be copied into a shell. */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=[.'])/gm, "\\&");
}

/** As the argument of a macro, in which a quote is written twice. */
function argument(text: string): string {
  return `"${roff(text).replaceAll('"', '""')}"`;
}

/** A paragraph with a bold term in front of it. */
function entry(term: string, text: string): string[] {
  return [".TP", `.B ${argument(term)}`, roff(text)];
}

function section(title: string, lines: readonly string[]): string[] {
  return [`.SH ${argument(title)}`, ...lines];
}

function list(entries: Entries): string[] {
  return entries.flatMap(([term, text]) => entry(term, text));
}

/** Lines that stay as they are. */
function verbatim(text: string): string[] {
  return [".nf", ...text.split("\n").map(roff), ".fi"];
}

function optionEntry([name, { short, value, help }]: [string, Option]): string[] {
  const spelt = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return entry(value === undefined ? spelt : `${spelt} ${value}`, help);
}

function actionEntry({ name, positionals, help }: Action): string[] {
  return entry([name, ...positionals].join(" "), help);
}

function describeVerb(verb: Verb): string[] {
  const { name, summary, options, actions = [], remark } = verb;
  return [
    `.SS ${argument(name)}`,
    ...verbatim(usageLines(verb).join("\n")),
    ".PP",
    roff(`${summary[0].toUpperCase()}${summary.slice(1)}.`),
    ...actions.flatMap(actionEntry),
    ...Object.entries(options).flatMap(optionEntry),
    ...remark === undefined ? [] : [".PP", ...verbatim(remark)],
  ];
}

export function renderManPage(): string {
  const description =
    "Ringway takes connections and datagrams in, and passes them on to servers: " +
    "TCP, UDP, and TLS by name. One worker process per core does that, under a supervisor that " +
    "starts and replaces workers, asks servers how they are, and answers on an admin socket.";
  const configuration = 'A configuration is YAML. "ringway init" writes one with comments, ' +
    '"ringway check" finds its mistakes, and "ringway schema" prints every key with its meaning.';
  return [
    `.TH RINGWAY 1 "" ${argument(`ringway ${VERSION}`)} "User Commands"`,
    ...section("NAME", ["ringway \\- a load balancer in one file"]),
    ...section("SYNOPSIS", [".B ringway", ".I COMMAND", "[OPTIONS]"]),
    ...section("DESCRIPTION", [roff(description), ".PP", roff(configuration)]),
    ...section("COMMANDS", [
      "Every command takes these, too:",
      ...Object.entries(SHARED_OPTIONS).flatMap(optionEntry),
      ...VERBS.flatMap(describeVerb),
    ]),
    ...section("SIGNALS", list(SIGNALS)),
    ...section("EXIT STATUS", list(EXIT_STATUSES)),
    ...section("FILES", list(FILES)),
    ...section("ENVIRONMENT", list(ENVIRONMENT)),
    ...section("EXAMPLES", list(EXAMPLES)),
  ].join("\n") + "\n";
}
