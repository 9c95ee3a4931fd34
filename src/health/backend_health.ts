/**
 * The health of one backend: what probes, agents, errors of connections and operators say about its
 * servers, combined into what workers choose by.
 *
 * The supervisor feeds it and publishes its read side in shared memory; so there is one opinion per
 * backend however many workers there are. It is a function of what it is told, time included, and
 * asks nobody: the same words at the same times give the same states.
 *
 * Who says what, and what of it counts:
 *
 *     operator   drain, maint, ready, weight    command()    server_state.ts has the order
 *     agent      drain, maint, up, down, NN%    onAgent()      in which these count
 *     probes     up, down                       onProbe()
 *     errors     ejection for some time         observe()    ejection.ts: who and how long
 *                                                            ejection_bounds.ts: how many
 *
 * server_standing.ts has the claims of these on a server, and what follows for it alone. This file
 * is about what concerns several: ejection, whose bounds are held after every word that comes in,
 * and the events and revisions that the rest of the program follows.
 *
 * Whoever works again begins with a clean slate. Its errors are forgotten and its rows of errors
 * are to be cleared (`takeClearedStreaks`), for what a server did before it went down would else
 * eject it as soon as it is back.
 *
 * Established connections are left alone here in all states. They are to be closed when a server
 * goes down and `closesOnDown`, and at the deadline of a drain: `closings` grows by one each time.
 */
import { assert } from "../base/assert.ts";
import type { AgentVerdict } from "./agent_line.ts";
import { type EjectionRules, Ejections, type ServerCounters } from "./ejection.ts";
import { admitEjections, findRelease } from "./ejection_bounds.ts";
import { type HealthMember, ServerStanding } from "./server_standing.ts";
import type { ServerState } from "./server_state.ts";

/** Equal to what balance/ takes for a weight; that folder and this one do not know each other. */
const WEIGHT_MAX = 256;

/** Events kept for whoever takes them; at more than this the oldest give way. */
const EVENTS_PER_SERVER_MAX = 16;

export interface HealthRules {
  /** Null: servers are never ejected. */
  readonly ejection: EjectionRules | null;
  /** 0: a server that comes back gets its full share at once. */
  readonly slowStartMs: number;
  readonly closesOnDown: boolean;
  /** Before the first word of a probe; "up" where there are no probes. */
  readonly initial: "up" | "down";
}

export type HealthCommand =
  /** What is open so many milliseconds after the command is closed; null: it may stay. */
  | { readonly kind: "drain"; readonly deadlineMs: number | null }
  | { readonly kind: "maint" }
  /** Ends drain, maint and an ejection. The weight stays as it is. */
  | { readonly kind: "ready" }
  /** 0..256. */
  | { readonly kind: "weight"; readonly weight: number };

export interface StateChange {
  readonly server: number;
  readonly from: ServerState;
  readonly to: ServerState;
  readonly reason: string;
  readonly nowMs: number;
}

export class BackendHealth {
  readonly #standings: readonly ServerStanding[];
  readonly #ejections: Ejections | null;
  readonly #clearedStreaks = new Set<number>();
  #events: StateChange[] = [];
  #revision = 0;
  #nowMs: number;

  /**
   * Here and in all methods `nowMs` is of any clock that does not go back (a step back counts as
   * none), and a server is its index in `servers`.
   */
  constructor(servers: readonly HealthMember[], rules: HealthRules, nowMs: number) {
    const { ejection, initial } = rules;
    this.#standings = servers.map((server) => new ServerStanding(server, rules, initial, nowMs));
    this.#ejections = ejection === null ? null : new Ejections(servers.length, ejection);
    this.#nowMs = nowMs;
  }

  /** Grows whenever a state, weight, share or number of closings changes. */
  get revision(): number {
    return this.#revision;
  }

  get count(): number {
    return this.#standings.length;
  }

  state(server: number): ServerState {
    return this.#standings[server].state;
  }

  /** Why it is in that state; "" while it has been up from the start. */
  reason(server: number): string {
    return this.#standings[server].reason;
  }

  sinceMs(server: number): number {
    return this.#standings[server].sinceMs;
  }

  /** 0..256, configured or as an operator has set it. */
  weight(server: number): number {
    return this.#standings[server].weight;
  }

  /** What slow start and agent leave of the weight, 0..256; 0 only if the agent says 0 %. */
  share(server: number): number {
    return this.#standings[server].share;
  }

  /** Grows by one each time that all connections now open to the server are to be closed. */
  closings(server: number): number {
    return this.#standings[server].closings;
  }

  /** How often it has been ejected. */
  ejections(server: number): number {
    return this.#standings[server].ejections;
  }

  /** Whether an operator keeps it out, or has given it a weight that is not the configured one. */
  isOverridden(server: number): boolean {
    return this.#standings[server].isOverridden;
  }

  /** Servers, since last asked, whose rows of errors in shared memory the caller has to clear. */
  takeClearedStreaks(): number[] {
    const servers = [...this.#clearedStreaks];
    this.#clearedStreaks.clear();
    return servers;
  }

  /** Changes of state since last asked, oldest first. */
  takeEvents(): StateChange[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /**
   * The verdict of probes: when it has changed, and with the first probe if that agrees with it.
   * A server that is down at first and was never said to be starts at its full share.
   *
   * @param reason what came of them, such as "3 of 3 probes failed: status 500".
   */
  onProbe(server: number, isUp: boolean, reason: string, nowMs: number): void {
    this.#advance(nowMs);
    const standing = this.#standings[server];
    if (!isUp) standing.claim("probe", "down", reason);
    else if (standing.withdraw("probe")) standing.withdraw("ejection");
    this.#settle(server, reason);
    this.#holdBounds();
  }

  /** What a server's agent has said; what it has not spoken of stays as it is. */
  onAgent(server: number, verdict: AgentVerdict, nowMs: number): void {
    this.#advance(nowMs);
    const standing = this.#standings[server];
    const { state, isReady, isUp, percent, reason } = verdict;
    if (isReady) standing.withdraw("agent");
    if (state === "drain" || state === "maint") standing.claim("agent", state, reason);
    if (isUp === false) standing.claim("agent_health", "down", reason);
    // As with a probe: somebody has looked and found that it works again.
    if (isUp === true && standing.withdraw("agent_health")) standing.withdraw("ejection");
    if (percent !== null) standing.percent = percent;
    this.#settle(server, reason);
    this.#holdBounds();
  }

  command(server: number, command: HealthCommand, nowMs: number): void {
    this.#advance(nowMs);
    const standing = this.#standings[server];
    switch (command.kind) {
      case "drain":
        standing.claim("operator", "drain", "drained by operator");
        standing.drainEndsMs = this.#nowMs + (command.deadlineMs ?? Infinity);
        break;
      case "maint":
        standing.claim("operator", "maint", "set to maint by operator");
        standing.drainEndsMs = Infinity;
        break;
      case "ready":
        standing.withdraw("operator");
        standing.withdraw("ejection");
        standing.drainEndsMs = Infinity;
        break;
      case "weight":
        assert(
          Number.isInteger(command.weight) && command.weight >= 0 && command.weight <= WEIGHT_MAX,
          "a weight is an integer of 0..256",
        );
        standing.weight = command.weight;
    }
    this.#settle(server, "set to ready by operator");
    this.#holdBounds();
  }

  /** Takes in what workers count, and does what is due by time; to be called every 100 ms or so. */
  observe(counters: ServerCounters, nowMs: number): void {
    this.#advance(nowMs);
    for (const standing of this.#standings) {
      if (standing.drainEndsMs > this.#nowMs) continue;
      standing.drainEndsMs = Infinity;
      standing.closings++;
    }
    if (this.#ejections !== null) this.#eject(this.#ejections, counters);
    for (let server = 0; server < this.count; server++) this.#settle(server, "");
    this.#holdBounds();
  }

  #eject(ejections: Ejections, counters: ServerCounters): void {
    ejections.count(counters, this.#nowMs);
    this.#standings.forEach((standing, server) => {
      // First: what has passed since the last call was not spent up by one that is let in now.
      ejections.credit(server, standing.state === "up", this.#nowMs);
      if (!standing.has("ejection") || ejections.untilMs(server) > this.#nowMs) return;
      standing.withdraw("ejection");
      this.#settle(server, "its ejection has ended");
    });
    const due = ejections.due(counters);
    for (const server of admitEjections(due, this.#standings, ejections.ejectedMax)) {
      const standing = this.#standings[server];
      standing.claim("ejection", "ejected", ejections.begin(server, counters, this.#nowMs));
      standing.ejections++;
      this.#settle(server, "");
    }
  }

  /** Whatever has come in: no ejection may be the reason that too few servers are left. */
  #holdBounds(): void {
    const ejections = this.#ejections;
    if (ejections === null) return;
    const untilMs = (server: number) => ejections.untilMs(server);
    for (;;) {
      const release = findRelease(this.#standings, ejections.ejectedMax, untilMs);
      if (release === null) return;
      this.#standings[release.server].withdraw("ejection");
      this.#settle(release.server, release.reason);
    }
  }

  #settle(server: number, upReason: string): void {
    const standing = this.#standings[server];
    const from = standing.state;
    const wasWorking = standing.isWorking;
    if (standing.settle(upReason, this.#nowMs)) this.#revision++;
    if (standing.isWorking && !wasWorking) {
      this.#ejections?.forgive(server);
      this.#clearedStreaks.add(server);
    }
    const { state: to, reason } = standing;
    if (from === to) return;
    this.#events.push({ server, from, to, reason, nowMs: this.#nowMs });
    if (this.#events.length > EVENTS_PER_SERVER_MAX * this.count) this.#events.shift();
  }

  #advance(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
  }
}
