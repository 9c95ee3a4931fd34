/**
 * The checks of all servers of a configuration: which there are, and what comes of them for each
 * server that has them.
 *
 * Servers are numbered through all backends, in the order of the file. Those that are checked at
 * the same place in the same way share the runs; each has a verdict of its own, since one backend
 * may be quicker than another to give a server up. What a verdict leads to is for the listener to
 * decide.
 */
import type {
  AgentCheckConfig,
  BackendConfig,
  HealthCheckConfig,
  ProxyProtocol,
  ServerConfig,
} from "../config/config.ts";
import { quoteText } from "../base/quoted_text.ts";
import { type AgentVerdict, parseAgentLine } from "../health/agent_line.ts";
import { runAgentCheck } from "./agent_check.ts";
import type { CheckReport } from "./check_report.ts";
import { type Addresses, CheckRoute } from "./check_route.ts";
import { runProbe } from "./probe.ts";
import type { ProbeClock } from "./probe_clock.ts";
import type { ProbeOutcome, ProbeTarget } from "./probe_outcome.ts";
import { ProbeRecord, type ProbeVerdict, reportOf } from "./probe_record.ts";
import { type CheckOutcome, Prober, type RunCheck } from "./prober.ts";
import { makePreface } from "./proxy_preface.ts";

/** Told while checks run, never again after `stop` was called. */
export interface ServerCheckEvents {
  onProbe(serverNumber: number, verdict: ProbeVerdict, report: CheckReport): void;
  /** @param verdict null: the agent could not be asked, or said what is not understood. */
  onAgent(serverNumber: number, verdict: AgentVerdict | null, report: CheckReport): void;
}

type Ask = (target: ProbeTarget, timeoutMs: number, signal: AbortSignal) => Promise<CheckOutcome>;

export class ServerChecks {
  readonly #addresses: Addresses;
  readonly #events: ServerCheckEvents;
  readonly #prober: Prober;

  /** The checks begin at once. */
  constructor(
    backends: readonly BackendConfig[],
    addresses: Addresses,
    events: ServerCheckEvents,
    clock?: ProbeClock,
  ) {
    this.#addresses = addresses;
    this.#events = events;
    this.#prober = new Prober(clock);
    let serverNumber = 0;
    for (const { servers, healthCheck, agentCheck, proxyProtocol } of backends) {
      for (const server of servers) {
        if (healthCheck !== null) {
          this.#addProbe(serverNumber, server, healthCheck, proxyProtocol);
        }
        if (agentCheck !== null) this.#addAgent(serverNumber, server, agentCheck);
        serverNumber++;
      }
    }
  }

  /** Nothing is open or waiting any more when it settles. */
  stop(): Promise<void> {
    return this.#prober.stop();
  }

  #addProbe(
    serverNumber: number,
    server: ServerConfig,
    check: HealthCheckConfig,
    proxyProtocol: ProxyProtocol | null,
  ): void {
    const { probe, intervalMs, fastIntervalMs, timeoutMs } = check;
    const schedule = { intervalMs, fastIntervalMs, timeoutMs };
    const route = new CheckRoute(serverNumber, server, check, this.#addresses);
    // Whoever expects the header of a client closes on those that come without. Another port is
    // another matter: it was opened for checks.
    const isDirect = check.host === null && check.port === null;
    const preface = isDirect && proxyProtocol !== null ? makePreface(proxyProtocol) : null;
    const key = JSON.stringify([route.key, probe, schedule, preface && proxyProtocol]);
    const run = runAt(route, timeoutMs, (target, restMs, signal) => {
      return runProbe(probe, target, restMs, { signal, preface, statedMs: timeoutMs });
    });
    const tell = (verdict: ProbeVerdict, report: CheckReport) => {
      this.#events.onProbe(serverNumber, verdict, report);
    };
    this.#prober.add(key, schedule, run, new ProbeRecord(check, tell));
  }

  #addAgent(serverNumber: number, server: ServerConfig, check: AgentCheckConfig): void {
    const { intervalMs, timeoutMs, send } = check;
    const schedule = { intervalMs, fastIntervalMs: intervalMs, timeoutMs };
    const route = new CheckRoute(serverNumber, server, check, this.#addresses);
    const key = JSON.stringify([route.key, "agent", send, schedule]);
    const run = runAt(route, timeoutMs, (target, restMs, signal) => {
      return runAgentCheck(check, target, restMs, { signal, statedMs: timeoutMs });
    });
    this.#prober.add(key, schedule, run, {
      onResult: (result) => {
        const { line } = result.outcome;
        if (typeof line !== "string") {
          this.#events.onAgent(serverNumber, null, reportOf(result));
          return;
        }
        const verdict = parseAgentLine(line);
        const text = verdict?.reason ?? `not understood: ${quoteText(line)}`;
        this.#events.onAgent(serverNumber, verdict, reportOf(result, verdict !== null, text));
      },
      isMoving: () => false,
    });
  }
}

/** Finding the way and asking have `timeoutMs` together. */
function runAt(route: CheckRoute, timeoutMs: number, ask: Ask): RunCheck {
  return async (signal) => {
    const startMs = performance.now();
    const found: ProbeTarget | ProbeOutcome = await route.find(timeoutMs, signal);
    if ("isOk" in found) return found;
    const restMs = Math.max(1, Math.round(timeoutMs - (performance.now() - startMs)));
    return await ask(found, restMs, signal);
  };
}
