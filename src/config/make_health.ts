/**
 * From the values of checks and of ejection to their parts of the `Config`: kinds become `kind`,
 * escapes become bytes, and times that depend on others are filled in.
 */
import { assert } from "../base/assert.ts";
import type {
  AgentCheckConfig,
  CheckTarget,
  EjectionConfig,
  HealthCheckConfig,
  ProbeConfig,
} from "./config.ts";
import { parseDnsQuestion } from "./dns_question.ts";
import { decodeEscapes } from "./escaped_text.ts";
import { canonicalHost } from "./health_schema.ts";
import { readMs, readShare } from "./parsed_value.ts";
import { parseStatusRange } from "./probe_schema.ts";
import type { ConfigFile } from "./schema.ts";

type BackendValues = ConfigFile["backends"][string];
type HealthCheckValues = NonNullable<BackendValues["health_check"]>;

const TIMEOUT_MS = 2000;
const FAST_INTERVAL_MS = 1000;
const STATUSES_GOOD = [[200, 399]] as const;
const EJECT_MS_MAX = 300_000;

export function makeHealthCheck(values: BackendValues["health_check"]): HealthCheckConfig | null {
  if (values === undefined) return null;
  const intervalMs = readMs(values.interval);
  const { timeout, fast_interval: fast } = values;
  return {
    probe: makeProbe(values),
    ...makeTarget(values),
    intervalMs,
    // Unless it was said, nothing takes longer than what it is a part of.
    fastIntervalMs: fast === undefined ? Math.min(FAST_INTERVAL_MS, intervalMs) : readMs(fast),
    timeoutMs: timeout === undefined ? Math.min(TIMEOUT_MS, intervalMs) : readMs(timeout),
    rise: values.rise,
    fall: values.fall,
    initial: values.initial,
  };
}

function makeProbe(values: HealthCheckValues): ProbeConfig {
  const { tcp, path, grpc, dns, udp } = values;
  if (path !== undefined) return makeHttpProbe(path, values);
  if (grpc !== undefined) return { kind: "grpc", service: grpc === true ? "" : grpc };
  if (udp !== undefined) {
    return { kind: "udp", send: readEscaped(udp.send), expect: readOptional(udp.expect) };
  }
  if (dns !== undefined) {
    const question = parseDnsQuestion(dns);
    assert(question.ok, "the schema accepts only what can be asked");
    return { kind: "dns", name: question.name, type: question.type };
  }
  assert(tcp !== undefined, "a check without a kind is refused");
  if (tcp === true) return { kind: "tcp", send: null, expect: null };
  return { kind: "tcp", send: readOptional(tcp.send), expect: readOptional(tcp.expect) };
}

function makeHttpProbe(path: string, values: HealthCheckValues): ProbeConfig {
  const { method = "GET", host = null, headers, expect, body = null } = values;
  const status = expect?.map(readStatus) ?? STATUSES_GOOD;
  return { kind: "http", method, path, host, headers: { ...headers }, status, body };
}

function readStatus(status: number | string): readonly [first: number, last: number] {
  if (typeof status === "number") return [status, status];
  const range = parseStatusRange(status);
  assert(range !== null, "the schema accepts ranges only");
  return range;
}

function readEscaped(text: string): string {
  const decoded = decodeEscapes(text);
  assert(decoded.ok, "the schema accepts known escapes only");
  return decoded.bytes;
}

function readOptional(text: string | undefined): string | null {
  return text === undefined ? null : readEscaped(text);
}

function makeTarget(values: { readonly address?: string; readonly port?: number }): CheckTarget {
  const { address, port = null } = values;
  return { host: address === undefined ? null : canonicalHost(address), port };
}

export function makeAgentCheck(values: BackendValues["agent_check"]): AgentCheckConfig | null {
  if (values === undefined) return null;
  const intervalMs = readMs(values.interval);
  return {
    ...makeTarget(values),
    port: values.port,
    send: readOptional(values.send),
    intervalMs,
    timeoutMs: values.timeout === undefined
      ? Math.min(TIMEOUT_MS, intervalMs)
      : readMs(values.timeout),
  };
}

export function makeEjection(values: BackendValues["outlier_detection"]): EjectionConfig | null {
  if (values === null) return null;
  const ejectMs = readMs(values.eject);
  const { max_eject: most } = values;
  return {
    errors: values.errors,
    windowMs: readMs(values.window),
    ejectMs,
    ejectMsMax: most === undefined ? Math.max(EJECT_MS_MAX, ejectMs) : readMs(most),
    ejectedMax: readShare(values.max_ejected),
  };
}
