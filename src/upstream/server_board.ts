/**
 * What all processes know of servers and backends, in shared memory: "the board".
 *
 * The supervisor decides and writes, workers read: states, weights, orders to close connections,
 * breakers, the base of the retry budget. A revision that moves says that there is news, so a
 * worker's turn costs one comparison. Workers write only to streaks of errors, latencies and the
 * trials of a breaker; there a lost update among workers does no harm: the next one tells the same.
 *
 * Zeros mean "as configured, up, nothing happened", so fresh memory is a valid board.
 *
 *   revision, memory | per server: facts | per backend: facts | per server: streaks of errors |
 *   per server: latency | per worker: connections to move, by server
 *
 * @hot
 */
import { assert } from "../base/assert.ts";
import { fence } from "../base/fence.ts";

export interface BoardShape {
  readonly workers: number;
  readonly servers: number;
  readonly backends: number;
}

/** Grows with every change that workers have to read. */
const REVISION = 0;
/** Share of the memory that is in use, 0..1. */
const MEMORY = 1;
const HEADER_FLOATS = 2;

/** Facts of a server: index in SERVER_STATES (health/server_state.ts); 0 is up. */
const STATE = 0;
/** The weight set while running, plus 1; 0: the configuration's. */
const WEIGHT = 1;
/** 256ths of its weight that it does not get: slow start, agent. */
const WITHHELD = 2;
/** How often all that is open to it had to be closed. */
const CLOSINGS = 3;
const SERVER_FLOATS = 4;

/** Facts of a backend: its circuit breaker (health/circuit_breaker.ts); 0 is closed. */
const BREAKER = 0;
/** Connections that a half-open breaker lets through; workers count down. */
const TRIALS = 1;
/** New connections and retries, over all workers, as the window of the retry budget began. */
const BASE_CONNECTIONS = 2;
const BASE_RETRIES = 3;
const BACKEND_FLOATS = 4;

/** Streaks of a server: failed connects since one succeeded, */
export const CONNECT_STREAK = 0;
/** and resets by it since a connection ended well. */
export const RESET_STREAK = 1;
const STREAK_FLOATS = 2;

/** What the latency of a server costs, and since when (balance/peak_ewma.ts). */
const LATENCY_FLOATS = 2;

export const FULL_SHARE = 256;

export class ServerBoard {
  readonly cells: Float64Array;
  readonly #shape: BoardShape;
  readonly #backendsAt: number;
  readonly #streaksAt: number;
  readonly #latenciesAt: number;
  readonly #movesAt: number;

  constructor(cells: Float64Array, shape: BoardShape) {
    assert(cells.length >= ServerBoard.floats(shape), "the board holds everything");
    this.cells = cells;
    this.#shape = shape;
    this.#backendsAt = HEADER_FLOATS + shape.servers * SERVER_FLOATS;
    this.#streaksAt = this.#backendsAt + shape.backends * BACKEND_FLOATS;
    this.#latenciesAt = this.#streaksAt + shape.servers * STREAK_FLOATS;
    this.#movesAt = this.#latenciesAt + shape.servers * LATENCY_FLOATS;
  }

  static floats({ workers, servers, backends }: BoardShape): number {
    return HEADER_FLOATS + backends * BACKEND_FLOATS +
      servers * (SERVER_FLOATS + STREAK_FLOATS + LATENCY_FLOATS + workers);
  }

  get revision(): number {
    return this.cells[REVISION];
  }

  /** Tells workers that there is news, which they see before they see that there is. */
  publish(): void {
    fence();
    this.cells[REVISION]++;
  }

  get memory(): number {
    return this.cells[MEMORY];
  }

  setMemory(share: number): void {
    this.cells[MEMORY] = share;
  }

  // ---- Servers, numbered through all backends ---------------------------------------------

  state(server: number): number {
    return this.cells[HEADER_FLOATS + server * SERVER_FLOATS + STATE];
  }

  /** In force now; `configured` unless it was set while running. */
  weight(server: number, configured: number): number {
    const set = this.cells[HEADER_FLOATS + server * SERVER_FLOATS + WEIGHT];
    return set === 0 ? configured : set - 1;
  }

  /** 256ths of its weight that it gets. */
  share(server: number): number {
    return FULL_SHARE - this.cells[HEADER_FLOATS + server * SERVER_FLOATS + WITHHELD];
  }

  closings(server: number): number {
    return this.cells[HEADER_FLOATS + server * SERVER_FLOATS + CLOSINGS];
  }

  setServer(server: number, state: number, weight: number, share: number, closings: number): void {
    const at = HEADER_FLOATS + server * SERVER_FLOATS;
    this.cells[at + STATE] = state;
    this.cells[at + WEIGHT] = weight + 1;
    this.cells[at + WITHHELD] = FULL_SHARE - share;
    this.cells[at + CLOSINGS] = closings;
  }

  /** Index in `cells` of a server's streaks; add CONNECT_STREAK or RESET_STREAK. */
  streaksAt(server: number): number {
    return this.#streaksAt + server * STREAK_FLOATS;
  }

  clearStreaks(server: number): void {
    const at = this.streaksAt(server);
    this.cells[at + CONNECT_STREAK] = 0;
    this.cells[at + RESET_STREAK] = 0;
  }

  /** Index in `cells` of a server's latency. */
  latencyAt(server: number): number {
    return this.#latenciesAt + server * LATENCY_FLOATS;
  }

  /** Connections that a worker should have moved away from a server so far. */
  moves(worker: number, server: number): number {
    return this.cells[this.#movesAt + worker * this.#shape.servers + server];
  }

  addMoves(worker: number, server: number, count: number): void {
    this.cells[this.#movesAt + worker * this.#shape.servers + server] += count;
  }

  // ---- Backends ---------------------------------------------------------------------------

  breaker(backend: number): number {
    return this.cells[this.#backendsAt + backend * BACKEND_FLOATS + BREAKER];
  }

  setBreaker(backend: number, state: number, trials: number): void {
    const at = this.#backendsAt + backend * BACKEND_FLOATS;
    this.cells[at + TRIALS] = trials;
    this.cells[at + BREAKER] = state;
  }

  /** Takes one of the trials of a half-open breaker; false when none is left. */
  takeTrial(backend: number): boolean {
    const at = this.#backendsAt + backend * BACKEND_FLOATS + TRIALS;
    if (this.cells[at] <= 0) return false;
    this.cells[at]--;
    return true;
  }

  baseConnections(backend: number): number {
    return this.cells[this.#backendsAt + backend * BACKEND_FLOATS + BASE_CONNECTIONS];
  }

  baseRetries(backend: number): number {
    return this.cells[this.#backendsAt + backend * BACKEND_FLOATS + BASE_RETRIES];
  }

  /** Needs no `publish`: read afresh whenever it is used. */
  setRetryBase(backend: number, connections: number, retries: number): void {
    const at = this.#backendsAt + backend * BACKEND_FLOATS;
    this.cells[at + BASE_CONNECTIONS] = connections;
    this.cells[at + BASE_RETRIES] = retries;
  }
}
