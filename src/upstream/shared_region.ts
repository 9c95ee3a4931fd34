/**
 * The memory that all processes map, as a whole: the rows of counters (metrics/shared_state.ts),
 * and behind them what limits and QUIC need to be true across workers.
 *
 *   rows | board of servers | rate of each listener | per worker: clients |
 *   per rated listener: clients' rates | per worker: QUIC connection ids
 *
 * Tables are there only where the configuration asks for them. Supervisor and workers compute the
 * same layout from the same plan.
 */
import { assert } from "../base/assert.ts";
import { clientCountsFloats } from "../limit/client_counts.ts";
import { rateTableFloats } from "../limit/rate_table.ts";
import { QUIC_DIRECTORY_FLOATS, SHARED_CLIENTS } from "../limits.ts";
import { sharedBytes, type SharedShape, SharedState } from "../metrics/shared_state.ts";
import type { Plan } from "./plan.ts";
import { ServerBoard } from "./server_board.ts";

const FLOAT_BYTES = Float64Array.BYTES_PER_ELEMENT;

export interface RegionShape extends SharedShape {
  /** Whether connections are counted by client. */
  readonly countsClients: boolean;
  /** By listener: whether it has a rate for each client. */
  readonly ratesClients: readonly boolean[];
  /** Whether QUIC connection ids are learned. */
  readonly learnsQuic: boolean;
}

export function regionShape(plan: Pick<Plan, "workers" | "listeners" | "backends">): RegionShape {
  const { workers, listeners, backends } = plan;
  return {
    workers,
    listeners: listeners.length,
    servers: backends.reduce((count, backend) => count + backend.servers.length, 0),
    backends: backends.length,
    lines: backends.reduce((count, backend) => count + backend.subsets.length, 0),
    countsClients: listeners.some((listener) => listener.connectionsPerIpMax > 0),
    ratesClients: listeners.map((listener) => listener.connectionRatePerIp !== null),
    learnsQuic: backends.some((backend) => backend.hashOn.includes("quic_connection_id")),
  };
}

/** Bytes that a shape needs. */
export function regionBytes(shape: RegionShape): number {
  return sharedBytes(shape) + FLOAT_BYTES * (
        ServerBoard.floats(shape) + shape.listeners +
        (shape.countsClients ? shape.workers * clientCountsFloats(SHARED_CLIENTS) : 0) +
        shape.ratesClients.filter((rates) => rates).length * rateTableFloats(SHARED_CLIENTS) +
        (shape.learnsQuic ? shape.workers * QUIC_DIRECTORY_FLOATS : 0)
      );
}

export class SharedRegion {
  readonly state: SharedState;
  readonly board: ServerBoard;
  /** A token bucket's cell per listener. */
  readonly rateCells: Float64Array;
  /** By worker; empty where no clients are counted. */
  readonly clientTables: readonly Float64Array[];
  /** By listener; null where it has no rate per client. */
  readonly clientRateCells: readonly (Float64Array | null)[];
  /** By worker; empty where nothing is learned. */
  readonly quicTables: readonly Float64Array[];

  constructor(buffer: ArrayBuffer, shape: RegionShape) {
    assert(buffer.byteLength >= regionBytes(shape), "shared memory holds everything");
    this.state = new SharedState(buffer, shape);
    let at = sharedBytes(shape);
    const take = (floats: number) => {
      const view = new Float64Array(buffer, at, floats);
      at += floats * FLOAT_BYTES;
      return view;
    };
    const perWorker = (floats: number) => Array.from({ length: shape.workers }, () => take(floats));
    this.board = new ServerBoard(take(ServerBoard.floats(shape)), shape);
    this.rateCells = take(shape.listeners);
    this.clientTables = shape.countsClients ? perWorker(clientCountsFloats(SHARED_CLIENTS)) : [];
    this.clientRateCells = shape.ratesClients.map((rates) =>
      rates ? take(rateTableFloats(SHARED_CLIENTS)) : null
    );
    this.quicTables = shape.learnsQuic ? perWorker(QUIC_DIRECTORY_FLOATS) : [];
  }

  /** Forgets what a dead worker held open. */
  clearWorker(worker: number): void {
    this.state.clearGauges(worker);
    if (this.clientTables.length > 0) this.clientTables[worker].fill(0);
  }
}
