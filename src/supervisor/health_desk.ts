/**
 * The desk where all news about servers comes in: probes, agents, operators, and what workers
 * count. Each backend has its watch (backend_watch.ts), which decides and publishes; here are the
 * clock, the checks, the memory of events, and what people are told.
 *
 * When the supervisor is gone workers go on with what it published last.
 */
import { RecentList } from "../base/recent_list.ts";
import { quoteText } from "../base/quoted_text.ts";
import type { Config } from "../config/config.ts";
import type { Level } from "../log/log.ts";
import type { CheckReport } from "../probe/check_report.ts";
import type { ProbeTarget } from "../probe/probe_outcome.ts";
import type { ProbeVerdict } from "../probe/probe_record.ts";
import { ServerChecks } from "../probe/server_checks.ts";
import type { AgentVerdict } from "../health/agent_line.ts";
import type { SharedRegion } from "../upstream/shared_region.ts";
import { BackendWatch } from "./backend_watch.ts";
import type { BackendHealthReport, HealthEvent, ServerHealth } from "./health_report.ts";
import { isForeignZone } from "./make_plan.ts";
import { memoryUse } from "./memory_use.ts";
import type { ServerCommand, ServerPlace } from "./server_command.ts";
import { EVENTS_KEPT_MAX } from "./snapshot.ts";

/** What can become of a backend, and how bad it is. */
const BAD_NEWS: ReadonlyMap<string, Level> = new Map([
  ["panic", "warn"],
  ["breaker open", "warn"],
  ["nobody available", "error"],
]);

/** How often counters are looked at. */
const OBSERVE_MS = 100;
const MEMORY_LOOK_MS = 1000;

export interface HealthDeskOptions {
  /** The address of a server, counted through all backends; null while its name is not resolved. */
  targetOf(server: number): ProbeTarget | null;
  /** An IP literal for a name; rejects when there is none. */
  lookUp(name: string): Promise<string>;
  log(level: Level, text: string): void;
}

/** Where a server stands: its backend and its place there. */
interface Place {
  readonly backend: number;
  readonly server: number;
}

export class HealthDesk {
  readonly events = new RecentList<HealthEvent>(EVENTS_KEPT_MAX);
  readonly #config: Config;
  readonly #region: SharedRegion;
  readonly #options: HealthDeskOptions;
  readonly #watches: readonly BackendWatch[];
  /** By server, counted through all backends. */
  readonly #places: readonly Place[];
  /** By backend, where its servers begin in that count. */
  readonly #firstServers: readonly number[];
  readonly #probes: (CheckReport | null)[];
  readonly #agents: (CheckReport | null)[];
  /** Since when it is in its state, milliseconds since 1970. */
  readonly #sinceMs: number[];
  #checks: ServerChecks | null = null;
  #timers: ReturnType<typeof setInterval>[] = [];

  constructor(config: Config, region: SharedRegion, options: HealthDeskOptions) {
    this.#config = config;
    this.#region = region;
    this.#options = options;
    const nowMs = performance.now();
    this.#places = config.backends.flatMap(({ servers }, backend) =>
      servers.map((_, server) => ({ backend, server }))
    );
    let first = 0;
    this.#firstServers = config.backends.map(({ servers }) =>
      (first += servers.length) - servers.length
    );
    this.#watches = config.backends.map((backend, i) =>
      new BackendWatch(
        backend,
        {
          backend: i,
          firstServer: this.#firstServers[i],
          isForeignZone: backend.servers.map((server) => isForeignZone(config, server)),
          isKnown: (server) => options.targetOf(server) !== null,
        },
        region,
        nowMs,
      )
    );
    this.#probes = this.#places.map(() => null);
    this.#agents = this.#places.map(() => null);
    this.#sinceMs = this.#places.map(() => Date.now());
    for (const watch of this.#watches) watch.publish();
  }

  /** Begins to look and to probe. */
  start(): void {
    this.#timers = [
      setInterval(() => this.observe(performance.now()), OBSERVE_MS),
      setInterval(() => this.#region.board.setMemory(memoryUse()), MEMORY_LOOK_MS),
    ];
    this.#checks = new ServerChecks(this.#config.backends, this.#options, {
      onProbe: (server, verdict, report) => this.#onProbe(server, verdict, report),
      onAgent: (server, verdict, report) => this.#onAgent(server, verdict, report),
    });
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#checks?.stop();
  }

  /** Takes in what workers have counted. */
  observe(nowMs: number): void {
    this.#watches.forEach((watch, i) => {
      const { name } = this.#config.backends[i];
      for (const { from, to, reason } of watch.observe(nowMs)) {
        this.#record({ backend: name, server: "", from, to, reason });
        const level = BAD_NEWS.get(to) ?? "info";
        this.#options.log(level, `backend ${quoteText(name)}: ${to}: ${reason}`);
      }
      this.#tell(i);
    });
  }

  #onProbe(server: number, verdict: ProbeVerdict, report: CheckReport): void {
    this.#probes[server] = report;
    // The first one counts for its reason, unless it speaks against what holds until it turns.
    const isNews = verdict.changed || (verdict.isFirst && report.isOk === verdict.isUp);
    if (!isNews) return;
    const place = this.#places[server];
    const reason = verdict.streak === "" ? report.text : `${verdict.streak}: ${report.text}`;
    this.#hear(place, (watch, nowMs) => {
      watch.health.onProbe(place.server, verdict.isUp, reason, nowMs);
    });
  }

  #onAgent(server: number, verdict: AgentVerdict | null, report: CheckReport): void {
    this.#agents[server] = report;
    if (verdict === null) return; // what is not understood changes nothing
    const place = this.#places[server];
    const { health } = this.#watches[place.backend];
    const from = health.share(place.server);
    this.#hear(place, (watch, nowMs) => watch.health.onAgent(place.server, verdict, nowMs));
    const to = health.share(place.server);
    // What a slow start adds in the same moment is no word of the agent.
    if (verdict.percent === null || from === to) return;
    this.#recordChange(place, `share ${percent(from)}`, `share ${percent(to)}`, verdict.reason);
  }

  command({ backend, server }: ServerPlace, command: ServerCommand): void {
    if (command.kind === "weight") this.#recordWeight({ backend, server }, command.weight);
    this.#hear({ backend, server }, (watch, nowMs) => watch.health.command(server, command, nowMs));
  }

  #recordWeight(place: Place, weight: number): void {
    const from = this.#watches[place.backend].health.weight(place.server);
    if (from === weight) return;
    this.#recordChange(place, `weight ${from}`, `weight ${weight}`, "set by operator");
  }

  /** Of a server, but not of its state. */
  #recordChange({ backend, server }: Place, from: string, to: string, reason: string): void {
    const { name, servers } = this.#config.backends[backend];
    this.#record({ backend: name, server: servers[server].name, from, to, reason });
    const which = `server ${quoteText(servers[server].name)} of backend ${quoteText(name)}`;
    this.#options.log("info", `${which} has ${to}, before ${from}: ${reason}`);
  }

  #hear({ backend }: Place, tell: (watch: BackendWatch, nowMs: number) => void): void {
    const nowMs = performance.now();
    const watch = this.#watches[backend];
    tell(watch, nowMs);
    watch.publish();
    this.#tell(backend);
  }

  /** Passes on what has changed of a backend's servers. */
  #tell(backend: number): void {
    const watch = this.#watches[backend];
    const { name, servers } = this.#config.backends[backend];
    const changes = watch.health.takeEvents();
    for (const change of changes) {
      const { from, to, reason } = change;
      this.#sinceMs[this.#numberOf(backend, change.server)] = Date.now();
      const server = servers[change.server].name;
      this.#record({ backend: name, server, from, to, reason });
      const why = reason === "" ? "" : `: ${reason}`;
      const text = `server ${quoteText(server)} of backend ${quoteText(name)} is ${to}${why}`;
      this.#options.log(to === "down" || to === "ejected" ? "warn" : "info", text);
    }
  }

  #record(event: Omit<HealthEvent, "atMs">): void {
    this.events.push({ atMs: Date.now(), ...event });
  }

  #numberOf(backend: number, server: number): number {
    return this.#firstServers[backend] + server;
  }

  /** What is known now, by backend. */
  reports(): BackendHealthReport[] {
    return this.#watches.map((watch, backend) => ({
      isPanicking: watch.isPanicking,
      isAvailable: watch.isAvailable,
      breaker: watch.breaker?.state ?? null,
      servers: this.#config.backends[backend].servers.map((_, server) =>
        this.#report(watch, server, this.#numberOf(backend, server))
      ),
    }));
  }

  #report({ health }: BackendWatch, server: number, number: number): ServerHealth {
    // Without an address it gets nothing, whatever its state would be otherwise.
    const isUnresolved = this.#options.targetOf(number) === null && health.state(server) === "up";
    return {
      state: isUnresolved ? "down" : health.state(server),
      reason: isUnresolved ? "its name does not resolve" : health.reason(server),
      sinceMs: this.#sinceMs[number],
      weight: health.weight(server),
      share: health.share(server) / 256,
      isOverridden: health.isOverridden(server),
      probe: this.#probes[number],
      agent: this.#agents[number],
      ejections: health.ejections(server),
    };
  }
}

function percent(share: number): string {
  return `${Math.round(share / 2.56)}%`;
}
