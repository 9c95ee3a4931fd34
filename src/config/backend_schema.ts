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
import { must, type Problem, writtenOf } from "./problem.ts";
import {
  byType,
  choice,
  flag,
  hintList,
  list,
  name,
  section,
  short,
  text,
  wholeNumber,
} from "./schema_field.ts";
import { parseDemoAddress } from "./server_name.ts";
import { BACKEND_SOCKET } from "./socket_schema.ts";
import { duration } from "./unit_field.ts";
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
        HASH_KEYS,
        VOCABULARY.hashOnValues,
        "What consistent_hash hashes: connections of equal value go to the same server. sni is " +
          "for tls listeners, quic_connection_id for udp ones.",
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
