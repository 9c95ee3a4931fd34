/**
 * Looks at every connect that the worker asks for, of connections and of flows: may this server be
 * picked now, by this client, by what the supervisor has said; is there a place; was it tried
 * before; is it a retry that the budget has, a trial that the breaker lets through.
 */
import { BREAKER_CLOSED, BREAKER_HALF_OPEN } from "../../src/health/circuit_breaker.ts";
import { ATTEMPTS_MAX } from "../../src/limits.ts";
import { WITHDRAWN } from "../../src/connection/tunnels.ts";
import * as metric from "../../src/metrics/metric_names.ts";
import { serverOffset } from "../../src/metrics/shared_state.ts";
import { CONNECT } from "../../src/ring/ring.ts";
import type { Backend } from "../../src/upstream/backend.ts";
import type { SharedRegion } from "../../src/upstream/shared_region.ts";
import type { Worker } from "../../src/worker/worker.ts";
import type { OtherWorkers } from "./other_workers.ts";
import { promise } from "./promise.ts";
import type { PublishedBoard } from "./published_board.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedRing } from "./simulated_ring.ts";

/** Of a backend, in the worker's row: reasons to refuse a client whatever servers there are. */
const REASONS = [
  metric.BACKEND_QUEUE_TIMEOUTS,
  metric.BACKEND_PENDING_REFUSED,
  metric.BACKEND_BREAKER_REFUSED,
  metric.BACKEND_RETRIES_REFUSED,
];
const RETRIES_MIN = 30;
/** A tier takes everything as long as so many of its servers are there. */
const TIER_SHARE = 1 / 1.4;

/** What a client has asked for so far. */
interface Tries {
  readonly generation: number;
  readonly servers: Set<number>;
}

export class ChoiceWitness {
  /** What was met; for telling that it was. */
  panics = 0;
  fallbacks = 0;
  /** The tunnel that `Connector.begin` was called for and has not returned from; -1 none. */
  #beginning = -1;
  /** The tunnel whose connect is over, while that is handled; -1 none. */
  #told = -1;
  readonly #scene: Scene;
  readonly #worker: Worker;
  readonly #ring: SimulatedRing;
  readonly #region: SharedRegion;
  readonly #board: PublishedBoard;
  readonly #others: OtherWorkers;
  readonly #row: Float64Array;
  readonly #tries = new Map<number, Tries>();
  readonly #connects = new Map<number, number>();
  /** Servers that could not be connected to at some time. */
  readonly #failed = new Set<number>();
  /** By backend: reasons counted before, trials used up, how often its breaker was set. */
  readonly #reasons: number[];
  readonly #trialsUsed: number[];
  readonly #breakerSeen: number[];

  constructor(
    scene: Scene,
    worker: Worker,
    ring: SimulatedRing,
    region: SharedRegion,
    board: PublishedBoard,
    others: OtherWorkers,
  ) {
    this.#scene = scene;
    this.#worker = worker;
    this.#ring = ring;
    this.#region = region;
    this.#board = board;
    this.#others = others;
    this.#row = region.state.rows[scene.plan.worker];
    const none = scene.plan.backends.map(() => 0);
    this.#reasons = [...none];
    this.#trialsUsed = [...none];
    this.#breakerSeen = [...none];
    const { connector } = worker.tcp;
    const begin = connector.begin.bind(connector);
    connector.begin = (slot) => {
      this.#beginning = slot;
      begin(slot);
      this.#beginning = -1;
    };
  }

  // ---- Connections --------------------------------------------------------------------------

  /** A completion is about to be handled. */
  onTold(): void {
    const { kind, index } = this.#ring;
    this.#told = kind === CONNECT ? index >> 1 : -1;
    if (kind !== CONNECT) return;
    // Who has to leave a server that is closed has not failed there.
    const { flags, backend, server } = this.#worker.tcp.tunnels;
    if ((flags[index] & WITHDRAWN) === 0 || server[this.#told] < 0) return;
    const left = this.#board.numberOf(backend[this.#told], server[this.#told]);
    this.#tries.get(this.#told)?.servers.delete(left);
    this.#told = -1;
  }

  endTurn(): void {
    this.#told = -1;
  }

  /** What a tunnel has tried: it is not asked for again, not even where there was no socket. */
  triedBy(tunnel: number): Set<number> {
    const { tried, attempts, backend } = this.#worker.tcp.tunnels;
    const at = tunnel * ATTEMPTS_MAX;
    const servers = tried.subarray(at, at + attempts[tunnel]).filter((each) => each >= 0);
    return new Set(Array.from(servers, (each) => this.#board.numberOf(backend[tunnel], each)));
  }

  /** What a tunnel has asked the kernel for. */
  #askedBy(tunnel: number): ReadonlySet<number> {
    const { generation } = this.#worker.tcp.tunnels;
    const tries = this.#tries.get(tunnel);
    return tries?.generation === generation[tunnel] ? tries.servers : new Set();
  }

  /** @param wasInLine whether it has waited for a place until now. */
  onConnect(tunnel: number, server: number, wasInLine: boolean): void {
    const { tunnels } = this.#worker.tcp;
    const backend = tunnels.backend[tunnel];
    const subset = tunnels.subset[tunnel];
    const asked = this.#askedBy(tunnel);
    const tried = this.triedBy(tunnel);
    promise(tried.delete(server), `server ${server} is one that the connection has tried then`);
    this.#checkPlace(server);
    promise(!asked.has(server), `a connection goes to server ${server} once`);
    this.#checkChoice(backend, subset, server, tried);
    const isNew = this.#beginning === tunnel && tried.size === 0;
    if (isNew || wasInLine) this.#checkBreaker(backend);
    if (tried.size > 0 && this.#told === tunnel && !wasInLine) this.#checkBudget(backend);
    promise(tried.size <= this.#scene.plan.backends[backend].retries, "retries are bounded");
    this.#connects.set(tunnel, this.connectsOf(tunnel) + 1);
    const generation = tunnels.generation[tunnel];
    this.#tries.set(tunnel, { generation, servers: new Set([...asked, server]) });
  }

  onFlowConnect(server: number): void {
    const { backend } = this.#board.servers[server];
    // A connection of QUIC that goes on where it was needs no other place.
    const isQuic = this.#scene.plan.backends[backend].hashOn[0] === "quic_connection_id";
    if (!isQuic) this.#checkPlace(server);
    const { listeners } = this.#scene.plan;
    const subsets = listeners.filter((each) => each.udp !== null && each.backend === backend);
    // Who has failed is passed over for a while, or asked again if there is nobody else.
    const failed = new Set(this.#failedOf(backend).filter((each) => each !== server));
    const isRight = subsets.some(({ subset }) =>
      this.#isChoice(backend, subset, server, new Set()) ||
      this.#isChoice(backend, subset, server, failed) || this.#mayKeep(backend, subset, server)
    );
    promise(isRight, `server ${server} may be picked for a flow`);
  }

  /** A connection of QUIC that is known already goes on where it was. */
  #mayKeep(backend: number, subset: number, server: number): boolean {
    const board = this.#board;
    const { state, isKnown } = board.servers[server];
    const isFaulty = state === "down" || state === "ejected";
    return state !== "maint" &&
      this.#scene.plan.backends[backend].hashOn[0] === "quic_connection_id" && isKnown &&
      board.membersOf(backend, subset).includes(server) &&
      (!isFaulty || board.choiceOf(backend, subset).isPanic);
  }

  onConnectFailed(backend: Backend, server: number): void {
    this.#failed.add(backend.firstServer + server);
  }

  /** Servers with failures so far: those that flows may pass over. */
  #failedOf(backend: number): number[] {
    return this.#serversOf(backend).filter((server) => this.#failed.has(server));
  }

  #serversOf(backend: number): number[] {
    return this.#board.membersOf(backend, 0);
  }

  // ---- Servers ------------------------------------------------------------------------------

  #openAt(server: number): number {
    const { rows, shape } = this.#region.state;
    const at = serverOffset(shape, server) + metric.SERVER_OPEN;
    return rows.reduce((sum, row) => sum + row[at], 0);
  }

  /** Places that are left at a server; Infinity: it has no limit. */
  placesAt(server: number): number {
    const { backend, index } = this.#board.servers[server];
    const { connectionsMax, servers } = this.#scene.plan.backends[backend];
    const most = servers[index].connectionsMax;
    const left = most === 0 ? Infinity : most - this.#openAt(server);
    if (connectionsMax === 0) return left;
    const all = this.#serversOf(backend).reduce((sum, each) => sum + this.#openAt(each), 0);
    return Math.min(left, connectionsMax - all);
  }

  /** The connection is counted already. */
  #checkPlace(server: number): void {
    promise(this.placesAt(server) >= 0, `server ${server} has a place for a connection`);
  }

  #checkChoice(
    backend: number,
    subset: number,
    server: number,
    tried: ReadonlySet<number>,
  ): void {
    const board = this.#board;
    const { state, isKnown } = board.servers[server];
    const told = `server ${server} of backend ${backend}, ${state}`;
    promise(board.membersOf(backend, subset).includes(server), `${told} is of subset ${subset}`);
    promise(board.isCounted(server) && isKnown, `${told} gets new connections at all`);
    promise(this.#isChoice(backend, subset, server, tried), `${told} may be picked`);
    this.#checkPreference(backend, subset, server, tried);
  }

  /** Who may be picked by who has tried some; of those a few may have no place. */
  leftFor(backend: number, subset: number, tried: ReadonlySet<number>): number[] {
    const board = this.#board;
    const { servers } = board.choiceOf(backend, subset);
    const left = servers.filter((each) => !tried.has(each));
    if (left.length > 0) return left;
    // When all others were tried it is the turn of backups, and then of who was ejected.
    const rest = board.membersOf(backend, subset).filter((each) => !tried.has(each));
    const backups = rest.filter((each) => board.isBackup(each) && board.isAvailable(each));
    const ejected = tried.size === 0 ? [] : rest.filter((each) => board.isEjected(each));
    return [...backups, ...ejected];
  }

  /** How often a tunnel slot has asked for a connect. */
  connectsOf(tunnel: number): number {
    return this.#connects.get(tunnel) ?? 0;
  }

  #isChoice(
    backend: number,
    subset: number,
    server: number,
    tried: ReadonlySet<number>,
  ): boolean {
    if (!this.leftFor(backend, subset, tried).includes(server)) return false;
    const { servers, isPanic } = this.#board.choiceOf(backend, subset);
    if (!servers.includes(server)) this.fallbacks++;
    else if (isPanic && !this.#board.isAvailable(server)) this.panics++;
    return true;
  }

  /** Who is in a better group that takes everything was tried, or has no place. */
  #checkPreference(
    backend: number,
    subset: number,
    server: number,
    tried: ReadonlySet<number>,
  ): void {
    const board = this.#board;
    const { servers, isPanic } = board.choiceOf(backend, subset);
    if (isPanic || this.#others.actedWithin) return;
    if (board.isEjected(server)) {
      const isBetter = (each: number) => board.isAvailable(each) && this.placesAt(each) > 0;
      const better = this.leftFor(backend, subset, tried).find(isBetter);
      promise(better === undefined, `server ${better} goes before ${server}, which is ejected`);
    }
    if (!servers.includes(server) || board.isBackup(server)) return;
    const counted = board.membersOf(backend, subset).filter((each) =>
      board.isCounted(each) && !board.isBackup(each)
    );
    const groupOf = (number: number) => {
      const { priority, isForeignZone } =
        this.#scene.plan.backends[backend].servers[board.servers[number].index];
      return 2 * priority + Number(isForeignZone);
    };
    for (const better of counted) {
      const group = groupOf(better);
      if (group >= groupOf(server) || tried.has(better) || this.placesAt(better) <= 0) continue;
      const peers = counted.filter((each) => groupOf(each) === group);
      const there = peers.filter((each) => board.isAvailable(each));
      const takesAll = there.includes(better) && there.length / peers.length >= TIER_SHARE;
      promise(!takesAll || this.#isBounded(backend), `server ${better} goes before ${server}`);
    }
  }

  /** A bound on load may keep those of the better group from being picked, never all of them. */
  #isBounded(backend: number): boolean {
    return this.#scene.plan.backends[backend].loadFactor > 0;
  }

  // ---- Budgets ------------------------------------------------------------------------------

  /** A new connection is let through by the breaker as it is now. */
  #checkBreaker(backend: number): void {
    const state = this.#region.board.breaker(backend);
    if (state === BREAKER_CLOSED) return;
    promise(state === BREAKER_HALF_OPEN, "an open breaker lets nobody through");
    this.#trialsUsed[backend]++;
    const granted = this.#board.trials[backend];
    promise(this.#trialsUsed[backend] <= granted, `${granted} trials are no more than that`);
  }

  /** It is counted already. */
  #checkBudget(backend: number): void {
    const isClosed = this.#region.board.breaker(backend) === BREAKER_CLOSED;
    promise(isClosed, "a trial of a breaker is one connect");
    const { retries, connections } = this.#board.countTries(backend);
    const board = this.#region.board;
    const { retryBudget } = this.#scene.plan.backends[backend];
    const within = connections - board.baseConnections(backend);
    const most = Math.max(RETRIES_MIN, Math.ceil(retryBudget * within));
    const used = retries - board.baseRetries(backend);
    promise(used <= most, `${used} retries are within the budget of ${most}`);
  }

  /** At the beginning of a turn: a breaker that was set anew has its trials again. */
  beginTurn(): void {
    for (let backend = 0; backend < this.#breakerSeen.length; backend++) {
      const seen = this.#board.breakerSets[backend];
      if (seen !== this.#breakerSeen[backend]) this.#trialsUsed[backend] = 0;
      this.#breakerSeen[backend] = seen;
    }
  }

  /** A client is refused for want of a server: that is the last of reasons. */
  onRefused(backend: Backend): void {
    const { number, at } = backend;
    const counted = REASONS.reduce((sum, reason) => sum + this.#row[at + reason], 0);
    const isCounted = counted > this.#reasons[number];
    this.#reasons[number] = counted;
    if (isCounted || this.#failedOf(number).length > 0) return;
    const { subsets } = this.#scene.plan.backends[number];
    const isHopeless = subsets.some((_, subset) =>
      this.#board.choiceOf(number, subset).servers.length === 0
    );
    const isForDatagrams = this.#scene.plan.listeners.some((each) =>
      each.udp !== null && each.backend === number
    );
    promise(isHopeless || (isForDatagrams && backend.places.isLimited), "a refusal has a reason");
  }
}
