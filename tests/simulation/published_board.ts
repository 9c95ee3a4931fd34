/**
 * The supervisor of a simulation, as far as a worker sees it: what it writes on the board, drawn by
 * chance without any reason, and taken back when the world becomes calm. Beside it stands what
 * follows from that for who may be picked, worked out here by the words of the rules and not by the
 * code under test.
 */
import { Random } from "../../src/base/random.ts";
import {
  BREAKER_CLOSED,
  BREAKER_HALF_OPEN,
  BREAKER_OPEN,
} from "../../src/health/circuit_breaker.ts";
import { SERVER_STATES } from "../../src/health/server_state.ts";
import * as metric from "../../src/metrics/metric_names.ts";
import { backendOffset, serverOffset } from "../../src/metrics/shared_state.ts";
import type { BackendPlan, ControlMessage } from "../../src/upstream/plan.ts";
import type { SharedRegion } from "../../src/upstream/shared_region.ts";
import { FULL_SHARE } from "../../src/upstream/server_board.ts";
import { MEMORY_MARK } from "./balancing.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedClock } from "./simulated_clock.ts";

/** Something is changed before one turn in so many. */
const CHANGE_ONE_IN = 12;
const RETRIES_MIN = 30;

/** What is known of a server. */
interface Facts {
  readonly backend: number;
  /** In its backend. */
  readonly index: number;
  state: typeof SERVER_STATES[number];
  weight: number;
  share: number;
  closings: number;
  isKnown: boolean;
}

/** What may be picked of a backend, for who may have the servers of a subset. */
export interface Choice {
  /** Numbers of servers, through all backends. */
  readonly servers: readonly number[];
  readonly isPanic: boolean;
}

export class PublishedBoard {
  /** What the worker has to read in the turn to come. */
  closed: number[] = [];
  moved: { server: number; count: number }[] = [];
  /** Whose addresses were told. */
  readdressed: number[] = [];
  /** By backend: trials granted with the breaker half open. */
  readonly trials: number[];
  /** By backend: how often its breaker was set. */
  readonly breakerSets: number[];
  /** Since when the memory is as it is. */
  memorySinceMs: number;
  readonly servers: Facts[];
  readonly #scene: Scene;
  readonly #region: SharedRegion;
  readonly #clock: SimulatedClock;
  readonly #random: Random;
  readonly #tell: (message: ControlMessage) => void;
  readonly #firstServer: number[] = [];
  #isUnpublished = false;
  #wasLoud = true;

  /** @param tell sends the worker a message. */
  constructor(
    scene: Scene,
    region: SharedRegion,
    clock: SimulatedClock,
    tell: (message: ControlMessage) => void,
  ) {
    this.#scene = scene;
    this.#region = region;
    this.#clock = clock;
    this.#tell = tell;
    this.#random = new Random(scene.seed ^ 0xb0a2);
    this.memorySinceMs = clock.nowMs;
    const { backends } = scene.plan;
    this.trials = backends.map(() => 0);
    this.breakerSets = backends.map(() => 0);
    this.servers = backends.flatMap(({ servers }, backend) =>
      servers.map(({ weight }, index): Facts => ({
        ...{ backend, index, state: "up", weight, share: FULL_SHARE, closings: 0, isKnown: true },
      }))
    );
    // It may have been short before this worker was there.
    if (scene.supervised && this.#random.oneIn(4)) region.board.setMemory(1);
    let first = 0;
    for (const { servers } of backends) {
      this.#firstServer.push(first);
      first += servers.length;
    }
  }

  // ---- What the supervisor does -------------------------------------------------------------

  /** Between two turns. */
  act(): void {
    this.closed = [];
    this.moved = [];
    this.readdressed = [];
    if (!this.#scene.supervised) return;
    if (!this.#clock.hasFaults) {
      if (this.#wasLoud) this.#becomeCalm();
      return;
    }
    if (this.#random.oneIn(CHANGE_ONE_IN)) this.#change();
    if (this.#isUnpublished) this.#region.board.publish();
    this.#isUnpublished = false;
  }

  #change(): void {
    const random = this.#random;
    const { board } = this.#region;
    const number = this.#pickServer();
    const backend = this.servers[number].backend;
    switch (random.below(16)) {
      case 0:
      case 6:
      case 7:
      case 8:
        return this.#move(number);
      case 1: {
        const state = [BREAKER_CLOSED, BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN];
        return this.#setBreaker(backend, state[random.below(4)]);
      }
      case 2:
        return this.#setRetryBase(backend);
      case 3:
        board.setMemory(random.oneIn(2) ? 1 : 0.5);
        this.memorySinceMs = this.#clock.nowMs;
        return;
      case 4:
        return this.#setKnown(number, !this.servers[number].isKnown);
      case 5:
        board.clearStreaks(number);
        return;
      default:
        return this.#changeServer(number);
    }
  }

  /** One to which there is something open, if there is any. */
  #pickServer(): number {
    const random = this.#random;
    const { rows, shape } = this.#region.state;
    const row = rows[this.#scene.plan.worker];
    const used = [...this.servers.keys()].filter((number) =>
      row[serverOffset(shape, number) + metric.SERVER_OPEN] > 0
    );
    if (used.length === 0 || random.oneIn(3)) return random.below(this.servers.length);
    return used[random.below(used.length)];
  }

  #changeServer(number: number): void {
    const random = this.#random;
    const facts = this.servers[number];
    const plan = this.#scene.plan.backends[facts.backend];
    facts.state = random.oneIn(2) ? "up" : SERVER_STATES[random.below(SERVER_STATES.length)];
    facts.share = random.oneIn(3) ? random.below(FULL_SHARE + 1) : FULL_SHARE;
    // To build the table of a hash anew takes long.
    if (random.oneIn(plan.balance === "consistent_hash" ? 20 : 4)) {
      facts.weight = random.oneIn(4) ? 0 : 1 + random.below(FULL_SHARE);
    } else if (facts.weight === 0) facts.weight = plan.servers[facts.index].weight;
    if (random.oneIn(4)) {
      facts.closings++;
      this.closed.push(number);
    }
    this.#write(number);
  }

  #write(number: number): void {
    const { state, weight, share, closings } = this.servers[number];
    const code = SERVER_STATES.indexOf(state);
    this.#region.board.setServer(number, code, weight, share, closings);
    this.#isUnpublished = true;
  }

  #move(server: number): void {
    const count = 1 + this.#random.below(3);
    this.#region.board.addMoves(this.#scene.plan.worker, server, count);
    this.moved.push({ server, count });
    this.#isUnpublished = true;
  }

  #setBreaker(backend: number, state: number): void {
    this.trials[backend] = 1 + this.#random.below(3);
    this.breakerSets[backend]++;
    this.#region.board.setBreaker(backend, state, this.trials[backend]);
  }

  /** The window of retries begins now, or so that the budget is used up. */
  #setRetryBase(backend: number): void {
    const { retries, connections } = this.countTries(backend);
    const used = this.#random.oneIn(2) ? RETRIES_MIN + this.#random.below(3) : 0;
    this.#region.board.setRetryBase(backend, connections, retries - used);
  }

  #setKnown(server: number, isKnown: boolean): void {
    const facts = this.servers[server];
    const plan = this.#scene.plan.backends[facts.backend].servers[facts.index];
    facts.isKnown = isKnown;
    this.readdressed.push(server);
    this.#tell({ type: "address", server, address: isKnown ? plan.address : [] });
  }

  #becomeCalm(): void {
    this.#wasLoud = false;
    const { board } = this.#region;
    for (const [number, facts] of this.servers.entries()) {
      const { weight } = this.#scene.plan.backends[facts.backend].servers[facts.index];
      Object.assign(facts, { state: "up", weight, share: FULL_SHARE });
      this.#write(number);
      if (!facts.isKnown) this.#setKnown(number, true);
    }
    this.trials.forEach((_, backend) => this.#setBreaker(backend, BREAKER_CLOSED));
    board.setMemory(0);
    this.memorySinceMs = this.#clock.nowMs;
    board.publish();
  }

  // ---- What follows -------------------------------------------------------------------------

  numberOf(backend: number, server: number): number {
    return this.#firstServer[backend] + server;
  }

  /** Retries and connections of a backend over all workers, since the start. */
  countTries(backend: number): { retries: number; connections: number } {
    const { rows, shape } = this.#region.state;
    const at = backendOffset(shape, backend) + metric.BACKEND_CONNECTIONS;
    const count = (offset: number) => rows.reduce((sum, row) => sum + row[offset], 0);
    let retries = 0;
    for (const [number, facts] of this.servers.entries()) {
      if (facts.backend !== backend) continue;
      retries += count(serverOffset(shape, number) + metric.SERVER_RETRIES);
    }
    return { retries, connections: count(at) };
  }

  /** One of those that there are: not taken out by anybody. */
  isCounted(number: number): boolean {
    const { state, weight, share } = this.servers[number];
    return state !== "drain" && state !== "maint" && weight > 0 && share > 0;
  }

  isAvailable(number: number): boolean {
    const { state, isKnown } = this.servers[number];
    return this.isCounted(number) && state === "up" && isKnown;
  }

  /** Taken out for errors that may be over. */
  isEjected(number: number): boolean {
    const { state, isKnown } = this.servers[number];
    return this.isCounted(number) && state === "ejected" && isKnown;
  }

  /** Backups stand back where there is anybody else at all. */
  isBackup(number: number): boolean {
    const { backend, index } = this.servers[number];
    const { servers } = this.#scene.plan.backends[backend];
    return servers[index].backup && servers.some(({ backup }) => !backup);
  }

  membersOf(backend: number, subset: number): number[] {
    return this.#planOf(backend).subsets[subset].map((server) => this.numberOf(backend, server));
  }

  #planOf(backend: number): BackendPlan {
    return this.#scene.plan.backends[backend];
  }

  /** Who may be picked by who may have the servers of a subset and has tried none. */
  choiceOf(backend: number, subset: number): Choice {
    const counted = this.membersOf(backend, subset).filter((number) => this.isCounted(number));
    const available = counted.filter((number) => this.isAvailable(number));
    const backups = available.filter((number) => this.isBackup(number));
    const others = available.filter((number) => !this.isBackup(number));
    const mains = counted.filter((number) => !this.isBackup(number));
    const { panicThreshold } = this.#planOf(backend);
    const isPanic = backups.length === 0 && mains.length > 0 &&
      others.length / mains.length < panicThreshold;
    if (isPanic) {
      const servers = mains.filter((number) => this.servers[number].isKnown);
      return { servers, isPanic };
    }
    return { servers: others.length > 0 ? others : backups, isPanic };
  }

  /** What the memory is; null: as it does not matter. */
  get isOverloaded(): boolean | null {
    if (this.#scene.plan.overload.memory === null) return null;
    return this.#region.board.memory >= MEMORY_MARK;
  }
}
