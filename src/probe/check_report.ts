/**
 * What the last check of a server was: for people, so nothing is decided by it. It is made from the
 * outcome of a check and the prober's clock, and ends in the status as it is.
 */
export interface CheckReport {
  readonly isOk: boolean;
  /** What came of it, such as "status 200" or "connection refused (ECONNREFUSED)". */
  readonly text: string;
  /** When it ended, milliseconds since 1970. */
  readonly atMs: number;
  readonly durationMs: number;
}
