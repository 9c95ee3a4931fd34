/**
 * What is known of the health of a backend and its servers at one moment, for people and for the
 * admin API. The supervisor makes it from its own records; shared memory has only what workers
 * need to choose by.
 */
import type { ServerState } from "../health/server_state.ts";
import type { CheckReport } from "../probe/check_report.ts";

export interface ServerHealth {
  readonly state: ServerState;
  /** Why it is in that state; "" while it has been so from the start. */
  readonly reason: string;
  /** Since when, milliseconds since 1970. */
  readonly sinceMs: number;
  /** In force: of the configuration, or set while running. */
  readonly weight: number;
  /** What slow start and agent leave of the weight, 0..1. */
  readonly share: number;
  /** Whether an operator has changed state or weight; such changes end with the process. */
  readonly isOverridden: boolean;
  /** The last of each kind; null: there is none, or none has ended yet. */
  readonly probe: CheckReport | null;
  readonly agent: CheckReport | null;
  /** How often it has been ejected. */
  readonly ejections: number;
}

export interface BackendHealthReport {
  /** Too few servers are available: all are used. */
  readonly isPanicking: boolean;
  /** Somebody can get a connection. */
  readonly isAvailable: boolean;
  /** Null: it has none. */
  readonly breaker: "closed" | "open" | "half_open" | null;
  readonly servers: readonly ServerHealth[];
}

/** A change of a server's state, or of its backend's. */
export interface HealthEvent {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly backend: string;
  /** "" when it is about the backend as a whole. */
  readonly server: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}
