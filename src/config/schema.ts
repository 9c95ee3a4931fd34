/**
 * The shape of a configuration file: every key, its type, its bounds, its default, its description.
 *
 * One definition serves the check and the JSON Schema that editors complete from. Short form and
 * long form of a thing share a key and differ in type. Defaults follow what is safe on the first
 * day: every wait is bounded, one retry, nothing that needs tuning before it works.
 *
 * Here is the top of the file; listener_schema.ts and backend_schema.ts have its two halves. What
 * one field cannot know alone (names that must exist, addresses used twice) is in cross_check.ts.
 */
import * as v from "valibot";
import { quoteText } from "../base/quoted_text.ts";
import { LEVELS } from "../log/log.ts";
import { isUnixLike, parseBind, parseUnixPath } from "../net/address.ts";
import { WORKERS_MAX } from "../limits.ts";
import { account } from "./account_field.ts";
import { BACKEND } from "./backend_schema.ts";
import { IO_CHOICES, LOG_FORMATS } from "./config.ts";
import * as limits from "./config_limits.ts";
import { zone } from "./label_schema.ts";
import { LISTENER } from "./listener_schema.ts";
import { encodeProblem, must, notYet, type Problem } from "./problem.ts";
import {
  byType,
  choice,
  hintNoLimit,
  hintUnquoted,
  named,
  section,
  short,
  text,
  wholeNumber,
} from "./schema_field.ts";
import { duration, explainDuration, percentage } from "./unit_field.ts";
import { VOCABULARY } from "./vocabulary.ts";

function explainAdminBind(address: string): Problem | null {
  if (!isUnixLike(address)) {
    const isAddress = parseBind(address).ok;
    return isAddress ? notYet(quoteText(address)) : must('a socket such as "unix:/run/x"', address);
  }
  const parsed = parseUnixPath(address);
  return parsed.ok ? null : { kind: "value", ...parsed.problem };
}

const WORKERS_FORM = `auto or a whole number from 1 to ${WORKERS_MAX}`;

const WORKERS = byType(
  {
    string: v.literal(
      "auto",
      ({ input }) => encodeProblem(must(WORKERS_FORM, input, hintUnquoted(input))),
    ),
    number: wholeNumber(1, WORKERS_MAX, "How many worker processes."),
  },
  (input) => must(WORKERS_FORM, input),
  "Processes that carry the traffic; auto is one per core that may be used.",
);

const IO = choice(
  IO_CHOICES,
  VOCABULARY.ioValues,
  "How workers speak with the kernel: io_uring, or epoll, which costs more and is always there; " +
    "auto is io_uring where it is allowed. RINGWAY_IO in the environment has precedence.",
);

const LEVEL = choice(LEVELS, VOCABULARY.levelValues, "The least severe events that are logged.");

const LOG_LONG = section(
  {
    level: v.optional(LEVEL, "info"),
    format: v.optional(
      choice(LOG_FORMATS, VOCABULARY.formatValues, "auto is text on a terminal, otherwise JSON."),
      "auto",
    ),
  },
  VOCABULARY.log,
  "What is logged, and how.",
);

const LOG = byType(
  { string: short(LEVEL, (level) => ({ level }), LOG_LONG), object: LOG_LONG },
  (input) => must("a level or a map of level, format", input),
  "What is logged, and how.",
);

const DRAIN_TIMEOUT = duration(0, "How long open connections may take to end before they are cut.");

const DRAIN_LONG = section(
  {
    delay: v.optional(
      duration(0, "How long to go on accepting after the program was asked to stop."),
      "0s",
    ),
    timeout: v.optional(DRAIN_TIMEOUT, "25s"),
  },
  VOCABULARY.drain,
  "How the program stops.",
);

const DRAIN = byType(
  { string: short(DRAIN_TIMEOUT, (timeout) => ({ timeout }), DRAIN_LONG), object: DRAIN_LONG },
  (input) => {
    const isNumber = typeof input === "number";
    return isNumber ? explainDuration(input, 0) : must('a duration such as "25s" or a map', input);
  },
  "How the program stops.",
);

const ADMIN_BIND = text(
  explainAdminBind,
  "^unix:/.*[^/]$",
  ["unix:/run/ringway/admin.sock"],
  "The socket on which the running program answers.",
);

const ADMIN = byType(
  {
    boolean: v.pipe(
      v.literal(false, ({ input }) => encodeProblem(explainAdmin(input))),
      v.description("No admin socket."),
    ),
    object: section({ bind: ADMIN_BIND }, VOCABULARY.admin, "Where the admin socket is."),
  },
  explainAdmin,
  "The socket for status and control; without this key the program picks its path.",
);

const LIMITS = section(
  {
    connections: v.optional(
      wholeNumber(
        1,
        limits.CONNECTIONS_MAX,
        "Open connections and flows of all listeners together, over all workers.",
        hintNoLimit,
      ),
    ),
  },
  VOCABULARY.rootLimits,
  "What all listeners together may take.",
  "{ connections: 100000 }",
);

function overloadShare(what: string) {
  const words = { zero: "write off for no such bound", off: "write off" };
  return percentage(`${what} from which on a worker takes nothing new; or off.`, words, true);
}

const OVERLOAD = section(
  {
    busy: v.optional(overloadShare("The share of its core"), "off"),
    memory: v.optional(
      overloadShare("The share of the memory of the container or the machine"),
      "95%",
    ),
    files: v.optional(overloadShare("The share of connections and flows it has room for"), "off"),
    buffers: v.optional(overloadShare("The share of its receive buffers"), "off"),
  },
  VOCABULARY.overload,
  "When workers take no new connections, so that those they have can be served.",
  "{ memory: 90% }",
);

const HARDENING = choice(
  ["on", "off"],
  VOCABULARY.hardeningValues,
  "Workers give up what they do not need to carry traffic: privileges, the file system, most " +
    "system calls. Switch it off for tools inside of the runtime that open files or sockets: its " +
    "inspector, profiles, heap snapshots. strace, perf and debuggers from outside work with it.",
);

/** The whole file. Top-level keys that begin with "x-" are taken away before it is applied. */
export const SCHEMA = section(
  {
    version: v.optional(
      v.pipe(
        v.picklist([1, "1"], ({ input }) => encodeProblem(must("1", input))),
        v.description("The version of this format."),
      ),
    ),
    workers: v.optional(WORKERS, "auto"),
    io: v.optional(IO, "auto"),
    log: v.optional(LOG, {}),
    drain: v.optional(DRAIN, {}),
    admin: v.optional(ADMIN),
    limits: v.optional(LIMITS, {}),
    zone: v.optional(zone("Where this node stands; servers of the same zone are preferred.")),
    overload: v.optional(OVERLOAD, {}),
    hardening: v.optional(HARDENING, "on"),
    user: v.optional(
      account(
        "user",
        "Started as root, whom to become once every address is bound. Socket files are left " +
          "behind in the end, unless this user may write in their folder.",
      ),
    ),
    group: v.optional(account("group", "The group of that; without it the user's own.")),
    listeners: named(LISTENER, "listener", limits.LISTENERS_MAX, "What comes in, by name."),
    backends: named(BACKEND, "backend", limits.BACKENDS_MAX, "Where it goes, by name."),
  },
  VOCABULARY.root,
  "Configuration of Ringway.",
);

/** A file that fits the schema, with defaults filled in. */
export type ConfigFile = v.InferOutput<typeof SCHEMA>;

function explainAdmin(input: unknown): Problem {
  const isOff = typeof input === "string" && /^(off|no|none|disabled)$/i.test(input);
  const bind = typeof input === "string" && input.startsWith("unix:");
  const hint = isOff ? "write false" : bind ? `write { bind: ${quoteText(input)} }` : undefined;
  return must("false or a map of bind", input, hint);
}
