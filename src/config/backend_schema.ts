/**
 * The shape of a backend in the file: its servers, how one is picked, and how it is spoken to.
 *
 * A server is an address or a map with more than that, a backend a list of servers or a map. What
 * depends on the listeners that use a backend is in check_backend.ts.
 */
import * as v from "valibot";
import { isUnixLike, parseServerAddress, parseUnixPath } from "../net/address.ts";
import { BALANCE_NAMES, HASH_KEYS, PROXY_PROTOCOLS } from "./config.ts";
import * as limits from "./config_limits.ts";
import { AGENT_CHECK, HEALTH_CHECK } from "./health_schema.ts";
import { LABELS, zone } from "./label_schema.ts";
import { must, type Problem, writtenOf } from "./problem.ts";
import {
  BACKEND_LIMITS,
  CIRCUIT_BREAKER,
  OUTLIER_DETECTION,
  REBALANCE,
  serverConnections,
} from "./resilience_schema.ts";
import {
  byType,
  choice,
  type Field,
  flag,
  hintList,
  list,
  name,
  number,
  section,
  short,
  text,
  wholeNumber,
} from "./schema_field.ts";
import { parseDemoAddress } from "./server_name.ts";
import { BACKEND_SOCKET } from "./socket_schema.ts";
import { duration, percentage } from "./unit_field.ts";
import { VOCABULARY } from "./vocabulary.ts";

function explainServerAddress(address: string): Problem | null {
  if (parseDemoAddress(address) !== null) return null;
  const parsed = isUnixLike(address) ? parseUnixPath(address) : parseServerAddress(address);
  return parsed.ok ? null : { kind: "value", ...parsed.problem };
}

const SERVER_ADDRESS = text(
  explainServerAddress,
  "^([^\\s/]+:[0-9]{1,5}|unix:/.*[^/]|demo:[A-Za-z][A-Za-z0-9_-]{0,31})$",
  ["10.0.0.1:80", "[fd00::1]:80", "app.internal:80", "unix:/run/app.sock"],
  "IPv4:PORT, [IPv6]:PORT, NAME:PORT or unix:/path; demo:NAME is a server built in for trying " +
    "out.",
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
    priority: v.optional(
      wholeNumber(
        0,
        limits.PRIORITY_MAX,
        "The group of preference: 0 is the best, and later ones get what it cannot take.",
      ),
      0,
    ),
    zone: v.optional(zone("Where it stands; servers in the zone of this node are preferred.")),
    labels: v.optional(LABELS),
    connections: serverConnections("Connections open to it, over all workers; more wait."),
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

const HASH_KEY = choice(
  HASH_KEYS,
  VOCABULARY.hashOnValues,
  "What consistent_hash hashes: connections of equal value go to the same server. sni is " +
    "for tls listeners, quic_connection_id for udp ones.",
);
type HashKey = v.InferOutput<typeof HASH_KEY>;

/** Gives a list whatever was written. */
const HASH_ON = byType(
  {
    string: v.pipe(HASH_KEY as Field<HashKey>, v.transform((key): HashKey[] => [key])),
    array: list(
      HASH_KEY as Field<HashKey>,
      "key",
      HASH_KEYS.length,
      "All of these make the value.",
    ),
  },
  (input) => must(`one of ${HASH_KEYS.join(", ")}, or a list of them`, input),
  "What consistent_hash hashes, one or several; source_ip without it.",
);

/** HAProxy and Envoy have percentages. */
function hintLoadFactor(input: unknown): string | undefined {
  const percent = /^([0-9]{3,4})%?$/.exec(writtenOf(input))?.[1];
  if (percent === undefined) return undefined;
  const factor = Number(percent) / 100;
  const fits = factor >= limits.LOAD_FACTOR_MIN && factor <= limits.LOAD_FACTOR_MAX;
  return fits ? `${percent}% is written ${factor}` : undefined;
}

const BACKEND_LONG = section(
  {
    servers: SERVERS,
    balance: v.optional(
      choice(BALANCE_NAMES, VOCABULARY.balanceValues, "How a server is picked."),
      "round_robin",
    ),
    hash_on: v.optional(HASH_ON),
    load_factor: v.optional(
      number(
        limits.LOAD_FACTOR_MIN,
        limits.LOAD_FACTOR_MAX,
        "For consistent_hash: no server gets more than so many times its share of connections.",
        hintLoadFactor,
      ),
    ),
    proxy_protocol: v.optional(
      choice(
        PROXY_PROTOCOLS,
        VOCABULARY.proxyProtocolValues,
        "Tells servers the client's address in a PROXY header of this version; they must expect " +
          "it.",
      ),
    ),
    transparent: v.optional(
      flag(
        "Connects from the client's own address, so that servers see it. Their answers must be " +
          "routed back through this machine.",
        (input) => /client/i.test(writtenOf(input)) ? "write true" : undefined,
      ),
      false,
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
    retry_budget: v.optional(
      percentage("Retries at most, as a share of new connections; three a second are always free."),
      "20%",
    ),
    limits: v.optional(BACKEND_LIMITS, {}),
    health_check: v.optional(HEALTH_CHECK),
    agent_check: v.optional(AGENT_CHECK),
    outlier_detection: v.optional(OUTLIER_DETECTION, true),
    circuit_breaker: v.optional(CIRCUIT_BREAKER, false),
    slow_start: v.optional(
      duration(0, "How long a server that comes back takes to get its full share; 0s is at once."),
      "0s",
    ),
    panic_threshold: v.optional(
      percentage(
        "With a smaller share of servers available all are used, whatever is known of them; 0% " +
          "is never.",
        { off: "write 0%" },
      ),
      "50%",
    ),
    on_down: v.optional(
      choice(
        ["keep", "close"],
        VOCABULARY.onDownValues,
        "What happens to the open connections of a server that goes down.",
      ),
      "keep",
    ),
    rebalance: v.optional(REBALANCE),
    socket: v.optional(BACKEND_SOCKET, {}),
  },
  VOCABULARY.backend,
  "A backend with more than its servers.",
);

export const BACKEND = byType(
  { array: short(SERVERS, (servers) => ({ servers }), BACKEND_LONG), object: BACKEND_LONG },
  (input) => must("a list of servers or a map", input, hintList(input)),
  "A group of servers with one policy.",
);
