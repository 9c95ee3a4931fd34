/**
 * A backend as a worker uses it: its servers, and which of them may be picked now.
 *
 * Here rules meet mechanism. The supervisor says on the board which servers are up and what weight
 * they get; `refresh` makes tiers and weights of it whenever the board's revision has moved. A pick
 * draws a tier, prepares who of it is eligible (not tried before, not full, its address known) and
 * asks the policy, a pure function.
 *
 * Limits of connections hold over all workers: a place is claimed by counting first and looking
 * after that, so that of two who take the last one at the same moment at most one keeps it.
 *
 * @hot
 */
import { LoadBound } from "../balance/bounded_load.ts";
import { PeakEwma } from "../balance/peak_ewma.ts";
import { makePolicy, type Pick, type PolicyState } from "../balance/policy.ts";
import { makeServerSet, type ServerSet } from "../balance/server_set.ts";
import type { HashOn, ProxyProtocol } from "../config/config.ts";
import { BREAKER_CLOSED, BREAKER_HALF_OPEN } from "../health/circuit_breaker.ts";
import { allowsRetry } from "../health/retry_budget.ts";
import { ATTEMPTS_MAX, LATENCY_MS_MAX, UNREACHABLE_MS } from "../limits.ts";
import { BACKEND_CONNECTIONS, SERVER_RETRIES } from "../metrics/metric_names.ts";
import { backendOffset } from "../metrics/shared_state.ts";
import { Candidates } from "./candidates.ts";
import type { BackendPlan, Plan } from "./plan.ts";
import { Places } from "./places.ts";
import type { ServerBoard } from "./server_board.ts";
import { ServerNews } from "./server_news.ts";
import { ServerSockets } from "./server_sockets.ts";
import type { SharedRegion } from "./shared_region.ts";

/** Where a backend begins in what is numbered through all backends. */
export interface BackendNumbers {
  readonly backend: number;
  readonly firstServer: number;
  /** Address slot of its first server. */
  readonly firstSlot: number;
  readonly firstLine: number;
}

/** All backends of a plan, as one worker uses them. */
export function makeBackends(
  plan: Plan,
  firstSlot: number,
  ring: { readonly nowMs: number; readonly addresses: Uint8Array },
  region: SharedRegion,
): Backend[] {
  let firstServer = 0;
  let firstLine = 0;
  const backends: Backend[] = [];
  for (let i = 0; i < plan.backends.length; i++) {
    const { servers, subsets } = plan.backends[i];
    const numbers = { backend: i, firstServer, firstSlot: firstSlot + firstServer, firstLine };
    backends.push(new Backend(plan.backends[i], numbers, ring, region, plan.worker));
    firstServer += servers.length;
    firstLine += subsets.length;
  }
  return backends;
}

/** In a panic one pick in so many may be of a server whose connections fail. */
const DOUBT_PARTS = 16;

export class Backend {
  readonly name: string;
  /** Its number among all backends. */
  readonly number: number;
  readonly serverCount: number;
  readonly connectTimeoutMs: number;
  /** Servers tried for one connection, the first included. */
  readonly attemptsMax: number;
  /** The number of its first server, counted through all backends. */
  readonly firstServer: number;
  /** The number of its first waiting line; there is one for each subset. */
  readonly firstLine: number;
  readonly serverNames: readonly string[];
  /** What makes the key of a connection; of one part at least. */
  readonly hashOn: readonly HashOn[];
  /** Whether a connection belongs where its QUIC connection id says. */
  readonly isQuic: boolean;
  /** The header that servers get first. */
  readonly proxyProtocol: ProxyProtocol | null;
  /** Whether the file says how much a socket may hold. */
  readonly hasReceiveBuffer: boolean;
  readonly pendingMax: number;
  readonly queueTimeoutMs: number;
  /** How fast servers answer; null: the policy does not want to know. */
  readonly latencies: PeakEwma | null;
  readonly sockets: ServerSockets;
  readonly places: Places;
  readonly news: ServerNews;
  /** Which servers may be used: one line of waiting connections for each. */
  readonly subsetCount: number;
  /** Where its counters begin in the worker's row. */
  readonly at: number;
  /** After a pick that found nobody: whether it was only for want of places. */
  isSaturated = false;
  readonly #region: SharedRegion;
  readonly #board: ServerBoard;
  readonly #row: Float64Array;
  readonly #plan: BackendPlan;
  readonly #servers: ServerSet;
  readonly #pick: Pick;
  readonly #state: PolicyState;
  readonly #candidates: Candidates;
  /** When a server whose port was closed is asked again, in milliseconds. */
  readonly #shunnedUntilMs: Float64Array;
  #shunnedCount = 0;
  /** Servers passed over for this pick. */
  readonly #skipped: Uint8Array;
  readonly #clock: { readonly nowMs: number };
  readonly #needsOpen: boolean;
  readonly #isHashing: boolean;
  readonly #bound: LoadBound | null;

  /** @param ring its clock, and the address slots of the servers. */
  constructor(
    plan: BackendPlan,
    numbers: BackendNumbers,
    ring: { readonly nowMs: number; readonly addresses: Uint8Array },
    region: SharedRegion,
    worker: number,
  ) {
    this.name = plan.name;
    this.number = numbers.backend;
    this.serverCount = plan.servers.length;
    this.connectTimeoutMs = plan.connectTimeoutMs;
    this.attemptsMax = Math.min(plan.retries + 1, ATTEMPTS_MAX);
    this.firstServer = numbers.firstServer;
    this.firstLine = numbers.firstLine;
    this.serverNames = plan.servers.map((server) => server.name); // cold: at start
    this.hashOn = plan.hashOn.length > 0 ? plan.hashOn : ["source_ip"];
    this.isQuic = plan.hashOn[0] === "quic_connection_id";
    this.proxyProtocol = plan.proxyProtocol;
    this.hasReceiveBuffer = plan.socket.receive_buffer !== undefined;
    this.pendingMax = plan.pendingMax;
    this.queueTimeoutMs = plan.queueTimeoutMs;
    this.latencies = plan.balance === "least_latency"
      ? new PeakEwma(region.board.cells, region.board.latencyAt(this.firstServer))
      : null;
    this.#clock = ring;
    this.#plan = plan;
    this.#region = region;
    this.#board = region.board;
    this.#row = region.state.rows[worker];
    this.at = backendOffset(region.state.shape, numbers.backend);
    const weights = plan.servers.map((server) => server.weight); // cold: at start
    this.#servers = makeServerSet(this.serverNames, weights);
    const policy = makePolicy(plan.balance, this.#servers);
    this.#pick = policy.pick;
    this.#state = policy.state;
    this.sockets = new ServerSockets(plan, numbers.firstSlot, ring.addresses);
    this.places = new Places(
      plan,
      this.firstServer,
      region.state,
      this.#row,
      this.#servers.open,
    );
    this.news = new ServerNews(region.board, this.firstServer);
    this.subsetCount = plan.subsets.length;
    this.#isHashing = plan.balance === "consistent_hash";
    this.#bound = plan.loadFactor > 0 ? new LoadBound(plan.loadFactor) : null;
    this.#needsOpen = this.places.isLimited || this.#bound !== null || this.latencies !== null ||
      plan.balance === "least_conn" || plan.balance === "p2c";
    const candidates = new Candidates(
      plan,
      this.firstServer,
      region.board,
      this.#servers,
      this.#state,
    );
    this.#candidates = candidates;
    this.#shunnedUntilMs = new Float64Array(this.serverCount);
    this.#skipped = new Uint8Array(this.serverCount);
    for (let i = 0; i < this.serverCount; i++) this.#setKnown(i, plan.servers[i].address);
    this.refresh();
  }

  // ---- What is known of the servers --------------------------------------------------------

  /** struct sockaddr bytes; empty: the server has no address now and is not picked. */
  setAddress(server: number, address: readonly number[]): void {
    this.#setKnown(server, address);
    this.latencies?.forget(server);
    this.#candidates.update();
  }

  #setKnown(server: number, address: readonly number[]): void {
    this.#candidates.known[server] = address.length > 0 ? 1 : 0;
    this.sockets.setAddress(server, address);
    // What was closed was the old address.
    if (this.#shunnedUntilMs[server] === 0) return;
    this.#shunnedUntilMs[server] = 0;
    this.#shunnedCount--;
  }

  /** Reads states, weights and shares from the board. */
  refresh(): void {
    this.#candidates.refresh();
  }

  // ---- Choosing ---------------------------------------------------------------------------

  /**
   * Picks a server that is not among the `triedCount` entries of `tried` from `triedAt` on, or -1;
   * then `isSaturated` says whether all that was missing was a place.
   * `random` and `hash` are unsigned 32-bit integers. Shunned servers are passed over for
   * datagrams: that a port of UDP is closed says nothing of TCP.
   */
  choose(
    random: number,
    hash: number,
    tried: Int16Array,
    triedAt: number,
    triedCount: number,
    subset: number,
    forDatagrams = false,
  ): number {
    this.isSaturated = false;
    if (this.#needsOpen) this.places.sum();
    if (this.#skipDoubtful(random, subset, forDatagrams)) {
      const server = this.#pickFrom(random, hash, tried, triedAt, triedCount, subset);
      this.#skipped.fill(0);
      // There is nobody else: then any may be tried.
      if (server >= 0) return server;
      this.isSaturated = false;
    }
    return this.#pickFrom(random, hash, tried, triedAt, triedCount, subset);
  }

  #pickFrom(
    random: number,
    hash: number,
    tried: Int16Array,
    triedAt: number,
    triedCount: number,
    subset: number,
  ): number {
    const candidates = this.#candidates;
    const tiers = candidates.tiers[subset];
    if (tiers.tierCount === 0) return -1;
    const drawn = tiers.tierCount === 1 ? 0 : tiers.draw(this.#isHashing ? hash : random);
    const { eligible } = this.#servers;
    for (let i = 0; i < tiers.tierCount; i++) {
      // The one that was drawn, then the others from the best on.
      const tier = i === 0 ? drawn : i <= drawn ? i - 1 : i;
      for (let j = 0; j < this.serverCount; j++) {
        eligible[j] = tiers.tierOf[j] === tier ? candidates.known[j] : 0;
      }
      const server = this.#pickEligible(random, hash, tried, triedAt, triedCount);
      if (server >= 0) return server;
    }
    // Nobody else is left for this connection, and none of them is worth waiting for: a backup, or
    // who was ejected for errors that may be over.
    if (this.isSaturated) return -1;
    const members = candidates.members[subset];
    for (let j = 0; j < this.serverCount; j++) {
      eligible[j] = members[j] & (candidates.isBackup[j] & candidates.isUp[j]);
    }
    const server = this.#pickEligible(random, hash, tried, triedAt, triedCount);
    if (server >= 0 || triedCount === 0) return server;
    for (let j = 0; j < this.serverCount; j++) {
      eligible[j] = members[j] & (candidates.isEjected(j) ? candidates.known[j] : 0);
    }
    return this.#pickEligible(random, hash, tried, triedAt, triedCount);
  }

  /** Asks the policy for one of those who are eligible, were not tried before and have a place. */
  #pickEligible(
    random: number,
    hash: number,
    tried: Int16Array,
    triedAt: number,
    triedCount: number,
  ): number {
    const servers = this.#servers;
    this.#exclude(tried, triedAt, triedCount);
    if (this.#bound !== null) this.#bound.apply(servers);
    if (this.latencies !== null) this.latencies.fillCosts(servers, this.#clock);
    return this.#pick(servers, this.#state, random, hash);
  }

  #exclude(tried: Int16Array, triedAt: number, triedCount: number): void {
    const { eligible } = this.#servers;
    const { places } = this;
    for (let i = 0; i < this.serverCount; i++) if (this.#skipped[i] === 1) eligible[i] = 0;
    for (let i = 0; i < triedCount; i++) {
      if (tried[triedAt + i] >= 0) eligible[tried[triedAt + i]] = 0;
    }
    if (!places.isLimited) return;
    for (let i = 0; i < this.serverCount; i++) {
      if (eligible[i] === 0 || !(places.isBackendFull || places.isServerFull(i))) continue;
      eligible[i] = 0;
      this.isSaturated = true;
    }
  }

  /** A server has not accepted within the time for it, which is how slow it is at the least. */
  measureTimeout(server: number): void {
    if (this.latencies === null) return;
    this.latencies.sampleMs = this.connectTimeoutMs;
    this.latencies.record(server, this.#clock);
  }

  /** A server has answered what it was asked at `askedMs[at]`. */
  measure(server: number, askedMs: Float64Array, at: number): void {
    if (this.latencies === null) return;
    this.latencies.sampleMs = Math.min(this.#clock.nowMs - askedMs[at], LATENCY_MS_MAX);
    this.latencies.record(server, this.#clock);
  }

  /** A connection ended without an answer since `askedMs[at]`: news only if that was long. */
  measureSilence(server: number, askedMs: Float64Array, at: number): void {
    if (this.latencies === null) return;
    const silenceMs = this.#clock.nowMs - askedMs[at];
    if (silenceMs > this.latencies.costOf(server)) this.measure(server, askedMs, at);
  }

  /** Whether the circuit breaker lets a new connection through. */
  admits(): boolean {
    const state = this.#board.breaker(this.number);
    if (state === BREAKER_CLOSED) return true;
    return state === BREAKER_HALF_OPEN && this.#board.takeTrial(this.number);
  }

  /** Whether the budget has another try left for a connection that failed. */
  allowsRetry(): boolean {
    // A trial of the breaker that fails has told what it was for.
    if (this.#board.breaker(this.number) !== BREAKER_CLOSED) return false;
    const { state } = this.#region;
    const connections = state.sum(this.at + BACKEND_CONNECTIONS) -
      this.#board.baseConnections(this.number);
    let retries = -this.#board.baseRetries(this.number);
    for (let i = 0; i < this.serverCount; i++) {
      retries += state.sum(this.places.at(i) + SERVER_RETRIES);
    }
    return allowsRetry(retries, connections, this.#plan.retryBudget);
  }

  // ---- Datagrams --------------------------------------------------------------------------

  /** A server has answered that its port is closed: passed over for UNREACHABLE_MS. */
  shun(server: number): void {
    if (this.#shunnedUntilMs[server] === 0) this.#shunnedCount++;
    this.#shunnedUntilMs[server] = this.#clock.nowMs + UNREACHABLE_MS;
  }

  /**
   * Whether a server may go on with a connection that it knows and we do not. It need not be one
   * that gets new ones: it may be drained, or a backup that is not needed any more.
   */
  mayKeep(server: number, subset: number): boolean {
    const candidates = this.#candidates;
    if (candidates.isInMaint(server)) return false;
    const works = !candidates.isFaulty(server) || candidates.tiers[subset].isPanicking;
    return works && candidates.members[subset][server] === 1 && candidates.known[server] === 1 &&
      this.#shunnedUntilMs[server] <= this.#clock.nowMs;
  }

  /** Marks servers that are passed over if there is another one; true when there are any. */
  #skipDoubtful(random: number, subset: number, forDatagrams: boolean): boolean {
    const isShunning = forDatagrams && this.#shunnedCount > 0;
    if (isShunning) this.#skipShunned();
    // In a panic it is not believed what probes say, but what connections have shown. One in
    // DOUBT_PARTS looks whether it is still so.
    if (!this.#candidates.tiers[subset].isPanicking || random % DOUBT_PARTS === 0) {
      return isShunning;
    }
    for (let i = 0; i < this.serverCount; i++) {
      if (this.#candidates.isFaulty(i) && this.news.isFailing(i)) this.#skipped[i] = 1;
    }
    return true;
  }

  /** Marks the servers whose port was closed lately; whose time is up is not. */
  #skipShunned(): void {
    const nowMs = this.#clock.nowMs;
    for (let i = 0; i < this.serverCount; i++) {
      const untilMs = this.#shunnedUntilMs[i];
      if (untilMs !== 0 && untilMs <= nowMs) {
        this.#shunnedUntilMs[i] = 0;
        this.#shunnedCount--;
      }
      this.#skipped[i] = this.#shunnedUntilMs[i] !== 0 ? 1 : 0;
    }
  }
}
