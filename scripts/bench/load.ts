/**
 * What a load generator found out, whichever it was: all cases under load are judged by the same
 * few figures.
 */
export interface Load {
  /** How often the case's work was done: requests, round trips, datagrams that arrived. */
  readonly count: number;
  readonly seconds: number;
  /** NaN where the generator does not tell. */
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** What failed, was refused or got lost; not part of the count. */
  readonly errors: number;
}
