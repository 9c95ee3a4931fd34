/**
 * Watches one backend: takes in what workers count, and publishes what follows from it on the board
 * that they read. Everything is decided by rules of health/ and balance/; here they are given their
 * figures, ten times a second.
 */
import { Tiers } from "../balance/tiers.ts";
import { assert } from "../base/assert.ts";
import type { BackendConfig } from "../config/config.ts";
import { BackendHealth } from "../health/backend_health.ts";
import { BREAKER_HALF_OPEN, CircuitBreaker } from "../health/circuit_breaker.ts";
import type { ServerCounters } from "../health/ejection.ts";
import { Rebalance } from "../health/rebalance.ts";
import { RetryWindow } from "../health/retry_budget.ts";
import { isTakenOut, SERVER_STATES } from "../health/server_state.ts";
import * as metric from "../metrics/metric_names.ts";
import { backendOffset, serverOffset } from "../metrics/shared_state.ts";
import { CONNECT_STREAK, RESET_STREAK } from "../upstream/server_board.ts";
import type { SharedRegion } from "../upstream/shared_region.ts";

/** A change of the backend as a whole. */
export interface BackendChange {
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** Where a backend begins in what is numbered through all backends. */
export interface BackendPlace {
  readonly backend: number;
  readonly firstServer: number;
  /** By server of the backend: whether it stands in another zone than this node. */
  readonly isForeignZone: readonly boolean[];
  /** Whether the address of a server, counted through all backends, is known. */
  isKnown(server: number): boolean;
}

export class BackendWatch {
  readonly health: BackendHealth;
  readonly breaker: CircuitBreaker | null;
  readonly #config: BackendConfig;
  readonly #place: BackendPlace;
  readonly #region: SharedRegion;
  readonly #tiers: Tiers;
  readonly #retries = new RetryWindow();
  readonly #rebalance: Rebalance;
  readonly #counters: ServerCounters;
  /** Share of each server in what is open for long; 0 takes nothing new. */
  readonly #weights: Float64Array;
  #hasWeights = false;
  readonly #counted: Uint8Array;
  readonly #available: Uint8Array;
  readonly #moves: Int32Array;
  /** The revision that is on the board; none yet. */
  #published = -1;
  #trialsGrantedMs = 0;
  #wasPanicking = false;
  #wasAvailable = true;

  constructor(config: BackendConfig, place: BackendPlace, region: SharedRegion, nowMs: number) {
    const { servers, healthCheck, ejection, slowStartMs, onDown, circuitBreaker } = config;
    this.#config = config;
    this.#place = place;
    this.#region = region;
    this.health = new BackendHealth(servers, {
      ejection,
      slowStartMs,
      closesOnDown: onDown === "close",
      initial: healthCheck?.initial ?? "up",
    }, nowMs);
    this.breaker = circuitBreaker === null ? null : new CircuitBreaker(circuitBreaker);
    this.#rebalance = new Rebalance(
      { sharePerSecond: config.rebalancePerSecond },
      servers.length,
    );
    this.#tiers = new Tiers(
      servers.map(({ priority }) => priority),
      place.isForeignZone.map(Number),
      servers.map(({ backup }) => Number(backup)),
      config.panicThreshold,
    );
    const count = servers.length;
    this.#counters = {
      connectFailures: new Float64Array(count),
      resets: new Float64Array(count),
      open: new Float64Array(count),
      connectStreak: new Float64Array(count),
      resetStreak: new Float64Array(count),
    };
    this.#weights = new Float64Array(count);
    this.#counted = new Uint8Array(count);
    this.#available = new Uint8Array(count);
    this.#moves = new Int32Array(count);
    this.#updateTiers();
  }

  /** Fewer servers are available than can carry the load: all are used. */
  get isPanicking(): boolean {
    return this.#tiers.isPanicking;
  }

  #sumOf(server: number, which: number): number {
    const { state } = this.#region;
    return state.sum(serverOffset(state.shape, this.#place.firstServer + server) + which);
  }

  /** Whether anybody can get a connection. */
  get isAvailable(): boolean {
    return this.#tiers.tierCount > 0;
  }

  /** @returns what has changed of the backend as a whole. */
  observe(nowMs: number): BackendChange[] {
    this.#readCounters();
    this.health.observe(this.#counters, nowMs);
    this.#observeRetries(nowMs);
    const changes = [...this.#observeBreaker(nowMs)];
    this.publish();
    this.#moveConnections(nowMs);
    if (this.isPanicking !== this.#wasPanicking) {
      this.#wasPanicking = this.isPanicking;
      changes.push(this.#describePanic());
    }
    if (this.isAvailable !== this.#wasAvailable) {
      this.#wasAvailable = this.isAvailable;
      changes.push(
        this.isAvailable
          ? { from: "nobody available", to: "available", reason: "a server takes connections" }
          : {
            from: "available",
            to: "nobody available",
            reason: "all servers are down, taken out, or get no share: clients are refused",
          },
      );
    }
    return changes;
  }

  #readCounters(): void {
    const { board } = this.#region;
    const { connectFailures, resets, open, connectStreak, resetStreak } = this.#counters;
    for (let server = 0; server < this.health.count; server++) {
      connectFailures[server] = this.#sumOf(server, metric.SERVER_CONNECT_FAILURES);
      resets[server] = this.#sumOf(server, metric.SERVER_RESETS);
      open[server] = this.#sumOf(server, metric.SERVER_OPEN);
      const at = board.streaksAt(this.#place.firstServer + server);
      connectStreak[server] = board.cells[at + CONNECT_STREAK];
      resetStreak[server] = board.cells[at + RESET_STREAK];
    }
  }

  #observeRetries(nowMs: number): void {
    const { state, board } = this.#region;
    const { backend } = this.#place;
    const at = backendOffset(state.shape, backend);
    const connections = state.sum(at + metric.BACKEND_CONNECTIONS);
    let retries = 0;
    for (let server = 0; server < this.health.count; server++) {
      retries += this.#sumOf(server, metric.SERVER_RETRIES);
    }
    if (!this.#retries.observe(connections, retries, nowMs)) return;
    board.setRetryBase(backend, this.#retries.baseConnections, this.#retries.baseRetries);
  }

  *#observeBreaker(nowMs: number): Iterable<BackendChange> {
    const { breaker } = this;
    if (breaker === null) return;
    const { trials, openMs } = this.#config.circuitBreaker!;
    let attempts = 0;
    let failures = 0;
    for (let server = 0; server < this.health.count; server++) {
      attempts += this.#sumOf(server, metric.SERVER_CONNECTIONS);
      failures += this.#counters.connectFailures[server];
    }
    const from = breaker.state;
    const isChanged = breaker.observe(attempts + failures, failures, nowMs);
    // Trials may be used up by clients that went away before they told anything.
    const isStuck = breaker.code === BREAKER_HALF_OPEN && nowMs - this.#trialsGrantedMs >= openMs;
    if (isChanged || isStuck) {
      this.#trialsGrantedMs = nowMs;
      this.#region.board.setBreaker(this.#place.backend, breaker.code, trials);
    }
    if (!isChanged) return;
    const { state: to, reason } = breaker;
    yield { from: nameOfBreaker(from), to: nameOfBreaker(to), reason };
  }

  /** Puts states, weights and shares on the board when any of them has changed. */
  publish(): void {
    const { health } = this;
    const { board } = this.#region;
    this.#updateTiers();
    for (const server of health.takeClearedStreaks()) {
      board.clearStreaks(this.#place.firstServer + server);
    }
    if (health.revision === this.#published) return;
    this.#published = health.revision;
    for (let server = 0; server < health.count; server++) {
      board.setServer(
        this.#place.firstServer + server,
        SERVER_STATES.indexOf(health.state(server)),
        health.weight(server),
        health.share(server),
        health.closings(server),
      );
    }
    board.publish();
  }

  #updateTiers(): void {
    const { health } = this;
    for (let server = 0; server < health.count; server++) {
      const state = health.state(server);
      const weight = health.weight(server) * health.share(server);
      const isCounted = weight > 0 && !isTakenOut(state);
      const isUp = isCounted && state === "up";
      this.#counted[server] = Number(isCounted);
      this.#available[server] = Number(
        isUp && this.#place.isKnown(this.#place.firstServer + server),
      );
    }
    this.#tiers.update(this.#counted, this.#available);
  }

  /** What each server should have of the connections that last; 0 takes nothing new. */
  #updateWeights(nowMs: number): void {
    const { health } = this;
    const tiers = this.#tiers;
    const weightOf = (server: number) => health.weight(server) * health.share(server);
    const sums = new Float64Array(tiers.tierCount);
    for (let server = 0; server < health.count; server++) {
      const tier = this.#available[server] === 1 ? tiers.tierOf[server] : -1;
      if (tier >= 0) sums[tier] += weightOf(server);
    }
    for (let server = 0; server < health.count; server++) {
      const tier = this.#available[server] === 1 ? tiers.tierOf[server] : -1;
      const weight = tier < 0 ? 0 : tiers.loadOf(tier) * weightOf(server) / sums[tier];
      // At the start nobody has joined: there is nothing to move yet.
      const hasJoined = this.#weights[server] === 0 && weight > 0;
      if (hasJoined && this.#hasWeights) this.#rebalance.join(server, nowMs);
      this.#weights[server] = weight;
    }
    this.#hasWeights = true;
  }

  #moveConnections(nowMs: number): void {
    if (this.#config.rebalancePerSecond === 0) return;
    this.#updateWeights(nowMs);
    if (!this.#rebalance.isActive) return;
    const { open } = this.#counters;
    if (this.#rebalance.plan(open, this.#weights, nowMs, this.#moves) === 0) return;
    for (let server = 0; server < this.health.count; server++) {
      if (this.#moves[server] > 0) this.#moveFrom(server, this.#moves[server]);
    }
    this.#region.board.publish();
  }

  /** Asks workers to move so many connections from a server, each as many as it has of them. */
  #moveFrom(server: number, count: number): void {
    const { state, board } = this.#region;
    const number = this.#place.firstServer + server;
    const at = serverOffset(state.shape, number) + metric.SERVER_OPEN;
    const open = state.rows.map((row) => row[at]);
    for (let left = count; left > 0; left--) {
      const most = open.indexOf(Math.max(...open));
      if (open[most] <= 0) return;
      open[most]--;
      board.addMoves(most, number, 1);
    }
  }

  #describePanic(): BackendChange {
    const { servers } = this.#config;
    // Backups are no part of what the threshold is about, unless there is nobody else.
    const isAsked = servers.map(({ backup }) => !backup || servers.every((each) => each.backup));
    const count = (flags: Uint8Array) => flags.filter((flag, i) => flag === 1 && isAsked[i]).length;
    const [available, counted] = [count(this.#available), count(this.#counted)];
    assert(counted > 0 || !this.isPanicking, "nobody is left to panic about");
    if (counted === 0) return { from: "panic", to: "calm", reason: "no server is in use" };
    const reason = counted === 1
      ? `its only server is ${available === 1 ? "available" : "not available"}`
      : `${available} of ${counted} servers are available`;
    const then = counted === 1 ? "it is tried all the same" : "all of them are used";
    return this.isPanicking
      ? { from: "calm", to: "panic", reason: `${reason}: ${then}` }
      : { from: "panic", to: "calm", reason };
  }
}

function nameOfBreaker(state: string): string {
  return `breaker ${state.replace("_", " ")}`;
}
