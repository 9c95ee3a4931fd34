/**
 * The counters that all processes see: one row per worker in shared memory, 64-bit floats.
 *
 * A worker writes its own row with plain stores and reads the others' (least connections must be
 * true across workers); the supervisor reads all rows for `status`. An aligned 8-byte store is
 * never seen torn on the machines we run on, and each number has one writer, so nothing is locked.
 * A float counts exactly up to 2^53: 9 petabytes.
 *
 * A row: worker metrics, then listeners x LISTENER_METRICS, servers x SERVER_METRICS, backends x
 * BACKEND_METRICS, lines x LINE_METRICS, padded to a cache line so that two workers never write the
 * same one.
 */
import { assert } from "../base/assert.ts";
import {
  BACKEND_METRICS,
  LINE_METRICS,
  LISTENER_METRICS,
  SERVER_METRICS,
  WORKER_METRICS,
} from "./metric_names.ts";

const FLOATS_PER_CACHE_LINE = 8;

export interface SharedShape {
  readonly workers: number;
  readonly listeners: number;
  readonly servers: number;
  readonly backends: number;
  /** Lines of waiting connections, counted through all backends. */
  readonly lines: number;
}

/** Floats of one row. */
export function rowLength(shape: SharedShape): number {
  const used = lineOffset(shape, shape.lines);
  return Math.ceil(used / FLOATS_PER_CACHE_LINE) * FLOATS_PER_CACHE_LINE;
}

/** Bytes of shared memory that a shape needs. */
export function sharedBytes(shape: SharedShape): number {
  return rowLength(shape) * shape.workers * Float64Array.BYTES_PER_ELEMENT;
}

/** Index in a row of a listener's first metric; add LISTENER_OPEN and so on. */
export function listenerOffset(listener: number): number {
  return WORKER_METRICS.length + listener * LISTENER_METRICS.length;
}

/** Index in a row of a server's first metric; servers are numbered through all backends. */
export function serverOffset(shape: SharedShape, server: number): number {
  return listenerOffset(shape.listeners) + server * SERVER_METRICS.length;
}

/** Index in a row of a backend's first metric. */
export function backendOffset(shape: SharedShape, backend: number): number {
  return serverOffset(shape, shape.servers) + backend * BACKEND_METRICS.length;
}

/** Index in a row of a waiting line's first metric; lines are numbered through all backends. */
export function lineOffset(shape: SharedShape, line: number): number {
  return backendOffset(shape, shape.backends) + line * LINE_METRICS.length;
}

export class SharedState {
  readonly shape: SharedShape;
  /** One row per worker; the worker's own is written by nobody else while it lives. */
  readonly rows: readonly Float64Array[];

  constructor(buffer: ArrayBuffer, shape: SharedShape) {
    assert(buffer.byteLength >= sharedBytes(shape), "shared memory holds every row");
    this.shape = shape;
    const length = rowLength(shape);
    this.rows = Array.from(
      { length: shape.workers },
      (_, worker) =>
        new Float64Array(buffer, worker * length * Float64Array.BYTES_PER_ELEMENT, length),
    );
  }

  /** A metric summed over all workers; `offset` as given by the functions above. */
  sum(offset: number): number {
    let total = 0;
    for (let worker = 0; worker < this.rows.length; worker++) total += this.rows[worker][offset];
    return total;
  }

  /** A listener's metric summed over all listeners and workers. */
  sumOverListeners(metric: number): number {
    let total = 0;
    for (let i = 0; i < this.shape.listeners; i++) total += this.sum(listenerOffset(i) + metric);
    return total;
  }

  /** Forgets what a dead worker held open; its totals stay. */
  clearGauges(worker: number): void {
    const row = this.rows[worker];
    clear(row, 0, WORKER_METRICS);
    for (let i = 0; i < this.shape.listeners; i++) clear(row, listenerOffset(i), LISTENER_METRICS);
    for (let i = 0; i < this.shape.servers; i++) {
      clear(row, serverOffset(this.shape, i), SERVER_METRICS);
    }
    for (let i = 0; i < this.shape.backends; i++) {
      clear(row, backendOffset(this.shape, i), BACKEND_METRICS);
    }
    for (let i = 0; i < this.shape.lines; i++) clear(row, lineOffset(this.shape, i), LINE_METRICS);
  }
}

function clear(row: Float64Array, offset: number, metrics: readonly { kind: string }[]): void {
  for (let i = 0; i < metrics.length; i++) {
    if (metrics[i].kind === "gauge") row[offset + i] = 0;
  }
}
