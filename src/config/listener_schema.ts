/**
 * The shape of a listener in the file: where it accepts, what is spoken, whom it takes, and which
 * backend gets what.
 *
 * Keys that need each other, and addresses that must differ, are the business of check_listener.ts
 * and its neighbours: a field knows its own value only.
 */
import * as v from "valibot";
import { quoteText } from "../base/quoted_text.ts";
import { parseRate } from "../base/rate.ts";
import { parseBind } from "../net/address.ts";
import { parseCidr } from "../net/cidr.ts";
import { account } from "./account_field.ts";
import { PROTOCOLS } from "./config.ts";
import * as limits from "./config_limits.ts";
import { LISTENER_SUBSET, ROUTE_SUBSET } from "./label_schema.ts";
import { must, notYet, type Problem, writtenOf } from "./problem.ts";
import {
  byType,
  choice,
  explainName,
  flag,
  hintNoLimit,
  list,
  name,
  oneOrMore,
  section,
  short,
  text,
  wholeNumber,
} from "./schema_field.ts";
import { explainSniPattern, SNI_PATTERN } from "./sni_pattern.ts";
import { LISTENER_SOCKET } from "./socket_schema.ts";
import { duration, rate } from "./unit_field.ts";
import { VOCABULARY } from "./vocabulary.ts";

function explainBind(address: string): Problem | null {
  const parsed = parseBind(address);
  return parsed.ok ? null : { kind: "value", ...parsed.problem };
}

const BIND_ADDRESS = text(
  explainBind,
  "^((\\[[0-9A-Fa-f:.]+\\]|[0-9.]*):[0-9]{1,5}(-[0-9]{1,5})?|unix:/.*[^/]|systemd:[A-Za-z0-9._-]+)$",
  [":8080", "10.0.0.1:443", "[::1]:443", ":8000-8010", "unix:/run/web.sock", "systemd:web"],
  'Where to accept: ":PORT" is all addresses, IPv4 and IPv6. Port 0 lets the kernel pick; ' +
    "FIRST-LAST is a range. unix:/path is a socket file, systemd:NAME a socket of a systemd unit.",
);

function explainMode(mode: string): Problem | null {
  if (/^0?[0-7]{3}$/.test(mode)) return null;
  const digits = /^0o?([0-7]{3})$/.exec(mode)?.[1];
  const isSpecial = /^0?[1-7][0-7]{3}$/.test(mode);
  const hint = digits !== undefined
    ? `write "0${digits}"`
    : isSpecial
    ? "a socket has no setuid, setgid or sticky bit"
    : undefined;
  return must('octal digits such as "0660"', mode, hint);
}

const BIND_LONG = section(
  {
    address: BIND_ADDRESS,
    mode: v.optional(
      text(
        explainMode,
        "^0?[0-7]{3}$",
        ["0660"],
        "Permissions of the socket file, in quotes; without it the umask decides.",
      ),
    ),
    owner: v.optional(account("user", "Who owns the socket file.")),
    group: v.optional(account("group", "The group of the socket file.")),
  },
  VOCABULARY.bind,
  "An address with more than itself; mode, owner and group are for unix sockets.",
  '{ address: "unix:/run/web.sock", mode: "0660" }',
);

const BIND_ITEM = byType(
  { string: short(BIND_ADDRESS, (address) => ({ address }), BIND_LONG), object: BIND_LONG },
  explainBindForm,
  "Where to accept.",
);
type BindValues = v.InferOutput<typeof BIND_ITEM>;

/** Gives a list whatever was written. */
const BIND = byType(
  {
    string: v.pipe(
      short(BIND_ADDRESS, (address) => ({ address }), BIND_LONG),
      v.transform((bind): BindValues[] => [bind]),
    ),
    object: v.pipe(BIND_LONG, v.transform((bind): BindValues[] => [bind])),
    array: list(BIND_ITEM, "address", limits.BINDS_MAX, "Several addresses."),
  },
  explainBindForm,
  "Where to accept.",
);

function explainBindForm(input: unknown): Problem {
  const problem = typeof input === "number" ? explainBind(String(input)) : null;
  return problem ?? must('an address such as ":8080", a map or a list of them', input);
}

function explainRange(range: string): Problem | null {
  const parsed = parseCidr(range);
  return parsed.ok ? null : { kind: "value", ...parsed.problem };
}

function ranges(description: string) {
  const range = text(
    explainRange,
    "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$",
    ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"],
    "Addresses that begin with the same bits; an address alone is only itself.",
  );
  return list(range, "address range", limits.RANGES_MAX, description);
}

const ALLOW = ranges("Who may connect: only these. Without it everybody whom deny does not name.");
const DENY = ranges("Who may not connect; looked at before allow.");

const SNI = text(
  explainSniPattern,
  SNI_PATTERN,
  ["www.example.com", "*.example.com"],
  'The name that a client asks for; "*." stands for one or more labels. Quote a leading "*".',
);

const ALPN_BYTES_MAX = 255;
/** What people call protocols, and their registered ids. */
const ALPN_SLIPS: readonly (readonly [RegExp, string])[] = [
  [/^http\/?2(\.0)?$/i, "h2"],
  [/^http\/?3$/i, "h3"],
  [/^http\/?1(\.1)?$/i, "http/1.1"],
  [/^H2$/, "h2"],
  [/^H3$/, "h3"],
];

function explainAlpn(id: string): Problem | null {
  const bytes = new TextEncoder().encode(id).length;
  if (bytes === 0 || bytes > ALPN_BYTES_MAX) {
    return must(`1 to ${ALPN_BYTES_MAX} bytes of text such as "h2"`, id);
  }
  // The registered id itself is among what looks like it.
  const [, meant = id] = ALPN_SLIPS.find(([slip]) => slip.test(id)) ?? [];
  return meant === id ? null : must("a protocol's id", id, `did you mean ${quoteText(meant)}?`);
}

const ALPN = text(
  explainAlpn,
  "^.+$",
  ["h2", "http/1.1"],
  "A protocol that the client offers (ALPN), by its registered id.",
);

const MATCH_LONG = section(
  {
    sni: v.optional(
      oneOrMore(SNI, "server name", limits.MATCHES_MAX, "Any of these names; without it all."),
    ),
    alpn: v.optional(
      oneOrMore(ALPN, "protocol id", limits.MATCHES_MAX, "Any of these protocols is offered."),
    ),
  },
  VOCABULARY.match,
  "What a ClientHello must have: all keys, of each any value.",
  "{ sni: NAME }",
  ["sni", "alpn"],
);

const MATCH = byType(
  {
    string: short(SNI, (name) => ({ sni: [name] }), MATCH_LONG),
    array: short(
      list(SNI, "server name", limits.MATCHES_MAX, "Any of these names."),
      (sni) => ({ sni }),
      MATCH_LONG,
    ),
    object: MATCH_LONG,
  },
  (input) => must('a server name such as "www.example.com", a list of them or a map', input),
  "Which clients the route takes, by what their ClientHello says.",
);

function explainBackendName(input: unknown): Problem {
  return typeof input === "object" && input !== null
    ? notYet("a choice of several backends")
    : explainName(input);
}

const ROUTE = section(
  {
    name: v.optional(name("What logs and metrics call it.")),
    match: MATCH,
    backend: name("The backend that gets what matches.", explainBackendName),
    subset: v.optional(ROUTE_SUBSET),
    allow: v.optional(ALLOW),
    deny: v.optional(DENY),
  },
  VOCABULARY.route,
  "Which backend gets which connections.",
  (input) => {
    const isName = typeof input === "string" && explainSniPattern(input) === null;
    return `{ match: ${isName ? input : "www.example.com"}, backend: NAME }`;
  },
);

const TIMEOUTS = section(
  {
    idle: v.optional(
      duration(1, "Closes a connection on which neither side sent anything for so long."),
      "10m",
    ),
    half_close: v.optional(
      duration(1, "How long one direction may stay open after the other has ended."),
      "1m",
    ),
    client_hello: v.optional(
      duration(1, "How long a client may take to send its ClientHello; for protocol: tls."),
      "10s",
    ),
    proxy_header: v.optional(
      duration(1, "How long a proxy may take to send its header; for proxy_protocol: true."),
      "3s",
    ),
  },
  VOCABULARY.listenerTimeouts,
  "How long to wait.",
  "{ idle: 10m }",
);

function connections(description: string) {
  return v.optional(wholeNumber(1, limits.CONNECTIONS_MAX, description, hintNoLimit));
}

/** What to write in place of one value for the whole section. */
function hintLimits(input: unknown): string {
  if (typeof input === "number") return `{ connections: ${input} }`;
  const isRate = typeof input === "string" && parseRate(input) !== null;
  return isRate ? `{ connection_rate: ${input} }` : "{ connections: 10000 }";
}

const LIMITS = section(
  {
    connections: connections(
      "Open connections of this listener, over all workers; more wait until one ends. Of udp, " +
        "flows; more are refused. Without it the limit of open files bounds them.",
    ),
    connections_per_ip: connections(
      "Of one client address, more are refused; IPv6 addresses count by their first 64 bits.",
    ),
    connection_rate: v.optional(
      rate("New connections of this listener, over all workers; more are refused."),
    ),
    connection_rate_per_ip: v.optional(
      rate("New connections of one client address; more are refused."),
    ),
  },
  VOCABULARY.limits,
  "What one listener may take.",
  hintLimits,
);

const UDP = section(
  {
    responses: v.optional(
      wholeNumber(
        0,
        limits.RESPONSES_MAX,
        "Answers after which a flow ends: 1 for DNS. 0 is no such end.",
      ),
      0,
    ),
    idle_timeout: v.optional(
      duration(1, "Ends a flow in which neither side sent anything for so long."),
      "30s",
    ),
    flows: v.optional(
      wholeNumber(
        1,
        limits.CONNECTIONS_MAX,
        "Flows at once, over all workers; at more, the one that rested longest ends.",
      ),
      65_536,
    ),
  },
  VOCABULARY.udp,
  "Of protocol: udp. A flow is what one client address sends, and its answers.",
  "{ responses: 1 }",
);

const PROTOCOL = choice(
  PROTOCOLS,
  VOCABULARY.protocolValues,
  "What is spoken. tcp is copied unread, udp datagram by datagram; of tls the server name is " +
    "read, which chooses the route.",
);

const TLS = byType(
  {
    string: choice(
      ["passthrough"],
      VOCABULARY.tlsValues,
      "What is done with TLS: passthrough leaves it to the servers, which have the certificates.",
    ),
  },
  (input) => {
    if (typeof input === "object" && input !== null) return notYet("TLS termination");
    return must("passthrough", input, input === true ? "write passthrough" : undefined);
  },
);

function hintProxyProtocol(input: unknown): string | undefined {
  const isVersion = /^(v?[12]|send.proxy.*|accept.proxy)$/i.test(writtenOf(input));
  return isVersion ? "write true; both versions are read" : undefined;
}

export const LISTENER = section(
  {
    bind: BIND,
    protocol: v.optional(PROTOCOL, "tcp"),
    tls: v.optional(TLS),
    backend: v.optional(
      name(
        "The backend that gets the connections; with routes, those of none.",
        explainBackendName,
      ),
    ),
    routes: v.optional(
      list(ROUTE, "route", limits.ROUTES_MAX, "For protocol: tls. The first that matches wins."),
    ),
    subset: v.optional(LISTENER_SUBSET),
    proxy_protocol: v.optional(
      flag(
        "Whether connections and flows begin with a PROXY header (version 1 or 2), which names " +
          "the client; needs trusted_proxies.",
        hintProxyProtocol,
      ),
      false,
    ),
    trusted_proxies: v.optional(
      ranges("Whose PROXY headers are believed; a connection from elsewhere is closed."),
    ),
    allow: v.optional(ALLOW),
    deny: v.optional(DENY),
    timeouts: v.optional(TIMEOUTS, {}),
    limits: v.optional(LIMITS, {}),
    udp: v.optional(UDP, {}),
    socket: v.optional(LISTENER_SOCKET, {}),
  },
  VOCABULARY.listener,
  "Where connections come in, and which backend gets them.",
  '{ bind: ":8080", backend: NAME }',
  ["backend", "routes"],
);
