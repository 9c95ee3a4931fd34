/**
 * The shape of a configuration file: every key, its type, its bounds, its default, its description.
 *
 * One definition serves the check and the JSON Schema that editors complete from. Short form and
 * long form of a thing share a key and differ in type. Defaults follow what is safe on the first
 * day: every wait is bounded, one retry, nothing that needs tuning before it works.
 *
 * What one field cannot know alone (names that must exist, addresses used twice) is in
 * cross_check.ts.
 */
import * as v from "valibot";
import { quoteText } from "../base/quoted_text.ts";
import { LEVELS } from "../log/log.ts";
import { parseBind, parseServerAddress } from "../net/address.ts";
import { WORKERS_MAX } from "../limits.ts";
import { BALANCE_NAMES, LOG_FORMATS } from "./config.ts";
import * as limits from "./config_limits.ts";
import { encodeProblem, must, notYet, type Problem } from "./problem.ts";
import {
  byType,
  choice,
  duration,
  explainDuration,
  explainName,
  flag,
  hintList,
  hintUnquoted,
  list,
  name,
  named,
  section,
  short,
  text,
  wholeNumber,
} from "./schema_field.ts";
import { VOCABULARY } from "./vocabulary.ts";

/** Characters of a path that a socket address has room for (unix(7): 108 with the final zero). */
const SOCKET_PATH_BYTES_MAX = 107;
/** `demo:NAME`; a number behind the colon is the port of a host called demo. */
const DEMO_ADDRESS = /^demo:([A-Za-z][A-Za-z0-9_-]{0,31})$/;

/** The name of a demo server, or null when the address is not of the form `demo:NAME`. */
export function parseDemoAddress(address: string): string | null {
  return DEMO_ADDRESS.exec(address)?.[1] ?? null;
}

function explainBind(address: string): Problem | null {
  if (/^(unix|systemd):/.test(address)) return notYet(quoteText(address));
  if (/:[0-9]+-[0-9]+$/.test(address)) return notYet(`the port range ${quoteText(address)}`);
  const parsed = parseBind(address);
  return parsed.ok ? null : { kind: "value", ...parsed.problem };
}

function explainServerAddress(address: string): Problem | null {
  if (parseDemoAddress(address) !== null) return null;
  if (address.startsWith("unix:")) return notYet(quoteText(address));
  const parsed = parseServerAddress(address);
  return parsed.ok ? null : { kind: "value", ...parsed.problem };
}

function explainAdminBind(address: string): Problem | null {
  if (!address.startsWith("unix:")) {
    const isAddress = parseBind(address).ok;
    return isAddress ? notYet(quoteText(address)) : must('a socket such as "unix:/run/x"', address);
  }
  const path = address.slice("unix:".length);
  if (!path.startsWith("/") || path.endsWith("/")) {
    return must("an absolute path after unix:", address);
  }
  if (new TextEncoder().encode(path).length > SOCKET_PATH_BYTES_MAX) {
    return must(`at most ${SOCKET_PATH_BYTES_MAX} bytes after unix:`, address);
  }
  return null;
}

const BIND = text(
  explainBind,
  "^(\\[[0-9A-Fa-f:.]+\\]|[0-9.]*):[0-9]{1,5}$",
  [":8080", "10.0.0.1:443", "[::1]:443"],
  'Where to accept: ":PORT" is all addresses, IPv4 and IPv6. Port 0 lets the kernel pick.',
);

const SERVER_ADDRESS = text(
  explainServerAddress,
  "^([^\\s/]+:[0-9]{1,5}|demo:[A-Za-z][A-Za-z0-9_-]{0,31})$",
  ["10.0.0.1:80", "[fd00::1]:80", "app.internal:80"],
  "IPv4:PORT, [IPv6]:PORT or NAME:PORT; demo:NAME is a server built in for trying out.",
);

const LISTENER = section(
  {
    bind: BIND,
    protocol: v.optional(
      choice(["tcp"], VOCABULARY.protocolValues, "What is spoken: tcp is copied unread."),
      "tcp",
    ),
    backend: name("The backend that gets the connections.", explainBackendName),
    timeouts: v.optional(
      section(
        {
          idle: v.optional(
            duration(1, "Closes a connection on which neither side sent anything for so long."),
            "10m",
          ),
          half_close: v.optional(
            duration(1, "How long one direction may stay open after the other has ended."),
            "1m",
          ),
        },
        VOCABULARY.listenerTimeouts,
        "How long to wait.",
        "{ idle: 10m }",
      ),
      {},
    ),
    limits: v.optional(
      section(
        {
          connections: v.optional(wholeNumber(
            1,
            limits.CONNECTIONS_MAX,
            "Open connections of this listener, over all workers. Without it they are bounded by " +
              "the limit of open files.",
            "leave the key out for no limit",
          )),
        },
        VOCABULARY.limits,
        "What one listener may take.",
        "{ connections: 10000 }",
      ),
      {},
    ),
  },
  VOCABULARY.listener,
  "A bound address that accepts connections.",
  '{ bind: ":8080", backend: NAME }',
);

const SERVER_LONG = section(
  {
    address: SERVER_ADDRESS,
    name: v.optional(name("What logs and metrics call it; the address as written without it.")),
    weight: v.optional(
      wholeNumber(0, limits.WEIGHT_MAX, "Share relative to the others; 0 gets nothing new."),
      1,
    ),
    backup: v.optional(flag("Used only while no server without this mark is available."), false),
  },
  VOCABULARY.server,
  "A server with more than its address.",
);

const SERVER = byType(
  { string: short(SERVER_ADDRESS, (address) => ({ address }), SERVER_LONG), object: SERVER_LONG },
  (input) => {
    const hint = Number.isInteger(input) ? `write "HOST:${input}"` : undefined;
    return must('an address such as "10.0.0.1:80" or a map', input, hint);
  },
  "An address in a backend.",
);

const SERVERS = list(SERVER, "server", limits.SERVERS_MAX, "The servers of the backend.");

const BACKEND_LONG = section(
  {
    servers: SERVERS,
    balance: v.optional(
      choice(BALANCE_NAMES, VOCABULARY.balanceValues, "How a server is picked."),
      "round_robin",
    ),
    hash_on: v.optional(
      choice(
        ["source_ip"],
        VOCABULARY.hashOnValues,
        "What consistent_hash hashes: connections of equal value go to the same server.",
      ),
    ),
    timeouts: v.optional(
      section(
        {
          connect: v.optional(
            duration(1, "How long a server may take to accept a connection."),
            "2s",
          ),
        },
        VOCABULARY.backendTimeouts,
        "How long to wait.",
        "{ connect: 2s }",
      ),
      {},
    ),
    retries: v.optional(
      wholeNumber(
        0,
        limits.RETRIES_MAX,
        "Further servers tried when connecting fails; never after a byte was sent.",
      ),
      1,
    ),
  },
  VOCABULARY.backend,
  "A backend with more than its servers.",
);

const BACKEND = byType(
  { array: short(SERVERS, (servers) => ({ servers }), BACKEND_LONG), object: BACKEND_LONG },
  (input) => must("a list of servers or a map", input, hintList(input)),
  "A group of servers with one policy.",
);

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
    log: v.optional(LOG, {}),
    drain: v.optional(DRAIN, {}),
    admin: v.optional(ADMIN),
    listeners: named(LISTENER, "listener", limits.LISTENERS_MAX, "What comes in, by name."),
    backends: named(BACKEND, "backend", limits.BACKENDS_MAX, "Where it goes, by name."),
  },
  VOCABULARY.root,
  "Configuration of Ringway.",
);

/** A file that fits the schema, with defaults filled in. */
export type ConfigFile = v.InferOutput<typeof SCHEMA>;

function explainBackendName(input: unknown): Problem {
  return typeof input === "object" && input !== null
    ? notYet("a choice of several backends")
    : explainName(input);
}

function explainAdmin(input: unknown): Problem {
  const isOff = typeof input === "string" && /^(off|no|none|disabled)$/i.test(input);
  const bind = typeof input === "string" && input.startsWith("unix:");
  const hint = isOff ? "write false" : bind ? `write { bind: ${quoteText(input)} }` : undefined;
  return must("false or a map of bind", input, hint);
}
