/**
 * The checks of a backend in the file: what is asked of each server (`health_check`), and what an
 * agent beside it is asked (`agent_check`).
 *
 * The kind of a check is a key of its own (`path`, `tcp`, `grpc`, `dns`, `udp`), so that what
 * belongs to one kind stands beside it and nothing has to be said twice. That there is one kind and
 * no more, and that times fit together, is in check_health.ts.
 */
import * as v from "valibot";
import { quoteText } from "../base/quoted_text.ts";
import { formatIp, isHostName, parseIp, PORT_MAX } from "../net/address.ts";
import * as limits from "./config_limits.ts";
import { must, notYet, type Problem, writtenOf } from "./problem.ts";
import * as probe from "./probe_schema.ts";
import { byType, choice, section, short, text, wholeNumber } from "./schema_field.ts";
import { duration } from "./unit_field.ts";
import { VOCABULARY } from "./vocabulary.ts";

function explainAddress(address: string): Problem | null {
  if (parseIp(address) !== null || isHostName(address)) return null;
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::([0-9]{1,5}))?$/.exec(address);
  const host = parts?.[1] ?? parts?.[2] ?? "";
  if (parts === null || parseIp(host) === null && !isHostName(host)) {
    return must("an IP address or a host name", address);
  }
  const port = parts[3] === undefined ? "" : `, port: ${parts[3]}`;
  const without = port === "" ? "brackets" : "its port";
  return must(`an address without ${without}`, address, `write address: ${quoteHost(host)}${port}`);
}

function quoteHost(host: string): string {
  return host.includes(":") ? quoteText(host) : host;
}

/** As it goes into the configuration. */
export function canonicalHost(address: string): string {
  const bytes = parseIp(address);
  return bytes === null ? address.toLowerCase() : formatIp(bytes);
}

function address(description: string) {
  return v.optional(text(explainAddress, "^[^\\s/]+$", ["10.0.0.1", "app.internal"], description));
}

function port(description: string) {
  return wholeNumber(1, PORT_MAX, description);
}

/** What both kinds of checks have. */
function times(interval: string, timeout: string) {
  return {
    interval: v.optional(duration(limits.CHECK_INTERVAL_MS_MIN, interval), "5s"),
    timeout: v.optional(duration(1, timeout)),
  };
}

const IN_A_ROW = limits.CHECKS_IN_A_ROW_MAX;

export const HEALTH_CHECK_KINDS = ["tcp", "path", "grpc", "dns", "udp"] as const;

const HEALTH_CHECK_LONG = section(
  {
    tcp: v.optional(probe.TCP),
    path: v.optional(probe.PATH),
    grpc: v.optional(probe.GRPC),
    dns: v.optional(probe.DNS),
    udp: v.optional(probe.UDP),
    method: v.optional(probe.METHOD),
    host: v.optional(probe.HOST),
    headers: v.optional(probe.HEADERS),
    expect: v.optional(probe.STATUSES),
    body: v.optional(probe.BODY),
    ...times(
      "How often each server is checked.",
      "How long a check may take; without it 2s, or the interval where that is shorter.",
    ),
    rise: v.optional(wholeNumber(1, IN_A_ROW, "Good checks in a row until a server is up."), 2),
    fall: v.optional(wholeNumber(1, IN_A_ROW, "Bad checks in a row until a server is down."), 3),
    fast_interval: v.optional(
      duration(
        limits.CHECK_INTERVAL_MS_MIN,
        "How often while a server goes up or down; without it 1s, or the interval where that is " +
          "shorter.",
      ),
    ),
    initial: v.optional(
      choice(
        ["up", "down"],
        VOCABULARY.initialValues,
        "What a server is taken for until it has been checked.",
      ),
      "up",
    ),
    address: address("Where checks go, if not to the server's own address."),
    port: v.optional(port("The port that checks go to, if not the server's own.")),
  },
  VOCABULARY.healthCheck,
  "How servers are checked; one of tcp, path, grpc, dns and udp says what is asked.",
  undefined,
  HEALTH_CHECK_KINDS,
);

const HEALTH_CHECK_FORM = "tcp, a path or a map";

/** Kinds that the short form does not have. */
const KIND_HINTS: Readonly<Record<string, string>> = {
  http: "write a path, such as /healthz",
  httpchk: "write a path, such as /healthz",
  grpc: "write { grpc: true }",
  dns: "write { dns: NAME }",
  udp: "write { udp: { send: TEXT } }",
};

const NO_TLS_HINT = "write tcp, which tells that the port answers";

/** @param written text, true or whatever stands there. */
function explainHealthCheck(written: unknown): Problem {
  const word = writtenOf(written).toLowerCase();
  if (/^(https|ssl|tls|ssl-hello-chk)$/.test(word)) {
    return { ...notYet(`a check by ${quoteText(word)}`), hint: NO_TLS_HINT };
  }
  const isPath = typeof written === "string" && /[/]/.test(written);
  const problem = isPath ? probe.explainPath(written) : null;
  if (problem !== null) return problem;
  const isOff = written === false || /^(off|no|none|false)$/.test(word);
  const isOn = written === true || /^(on|yes|true|tcp-check|connect)$/.test(word);
  const hint = KIND_HINTS[word] ??
    (isOff ? "leave the key out" : isOn || word === "tcp" ? "write tcp" : undefined);
  return must(HEALTH_CHECK_FORM, written, hint);
}

const HEALTH_CHECK_SHORT = text(
  (written) => {
    const isGood = written === "tcp" || written.startsWith("/") &&
        probe.explainPath(written) === null;
    return isGood ? null : explainHealthCheck(written);
  },
  `^tcp$|${probe.PATH_PATTERN}`,
  ["tcp", "/healthz"],
  "tcp, or a path that is requested by HTTP.",
);

export const HEALTH_CHECK = byType(
  {
    string: short(
      HEALTH_CHECK_SHORT,
      (written) => written === "tcp" ? { tcp: true } : { path: written },
      HEALTH_CHECK_LONG,
    ),
    object: HEALTH_CHECK_LONG,
  },
  explainHealthCheck,
  "How servers are checked: tcp, a path that is requested by HTTP, or a map.",
);

const AGENT_CHECK_LONG = section(
  {
    port: port("The port of the agent."),
    address: address("Where agents are, if not at the server's own address."),
    send: v.optional(
      probe.escapedText("What an agent is sent first, with escapes \\r \\n \\t \\\\ \\xHH.", [
        "a\\n",
      ]),
    ),
    ...times(
      "How often each agent is asked.",
      "How long an answer may take; without it 2s, or the interval where that is shorter.",
    ),
  },
  VOCABULARY.agentCheck,
  "A program beside each server that says how much it can take.",
);

export const AGENT_CHECK = byType(
  {
    number: short(
      port("The port of the agents."),
      (port) => ({ port }),
      AGENT_CHECK_LONG,
    ),
    object: AGENT_CHECK_LONG,
  },
  (input) => {
    const written = writtenOf(input);
    const [, host, port] = /^(?:\[?([^[\]\s]*?)\]?)?:([0-9]{1,5})$/.exec(written) ?? [];
    const hint = /^[0-9]{1,5}$/.test(written)
      ? `write ${input} without quotes`
      : port !== undefined
      ? `write ${host ? `{ port: ${port}, address: ${quoteHost(host)} }` : port}`
      : input === true
      ? "write the port of the agents"
      : input === false
      ? "leave the key out"
      : undefined;
    return must("a port or a map", input, hint);
  },
  "A program beside each server that is asked by TCP and answers one line: up, down, drain, " +
    "maint, ready, or a percentage of the server's weight.",
);
