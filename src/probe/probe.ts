/**
 * Asks a server once whether it works, in the way that its backend is configured.
 *
 * Never throws, never outlives its time, reads at most 64 KiB, and has closed its sockets when it
 * returns, whatever the server does. When to ask and what an outcome leads to is decided elsewhere.
 */
import type { ProbeConfig } from "../config/config.ts";
import { probeDns } from "./dns_probe.ts";
import { probeGrpc } from "./grpc_probe.ts";
import { probeHttp } from "./http_probe.ts";
import type { ProbeOutcome, ProbeTarget } from "./probe_outcome.ts";
import { probeTcp } from "./tcp_probe.ts";
import type { CheckTerms } from "./timed_talk.ts";
import { probeUdp } from "./udp_probe.ts";

export function runProbe(
  probe: ProbeConfig,
  target: ProbeTarget,
  timeoutMs: number,
  more: Partial<CheckTerms> = {},
): Promise<ProbeOutcome> {
  const terms = { signal: null, preface: null, ...more, timeoutMs };
  switch (probe.kind) {
    case "tcp":
      return probeTcp(probe, target, terms);
    case "http":
      return probeHttp(probe, target, terms);
    case "grpc":
      return probeGrpc(probe, target, terms);
    case "dns":
      return probeDns(probe, target, terms);
    case "udp":
      return probeUdp(probe, target, terms);
  }
}
