/**
 * The little statistics that the bench needs. Medians, because a disturbance by another program
 * makes single rounds bad but never good; always with the range, so that noise is seen.
 */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

export interface PeerRatio<Name extends string = string> {
  /** The peer with the smaller median. */
  readonly peer: Name;
  /** The ratio of the medians, within the ratios of the single rounds. */
  readonly ratio: Spread;
}

/**
 * Compares with the better of the peers.
 * @param own one figure per round; smaller is better.
 * @param peers the same rounds of each peer, by name; at least one.
 */
export function compareWithPeers<Name extends string>(
  own: readonly number[],
  peers: Readonly<Record<Name, readonly number[]>>,
): PeerRatio<Name> {
  const [peer, theirs] = (Object.entries(peers) as [Name, readonly number[]][])
    .reduce((best, each) => median(each[1]) < median(best[1]) ? each : best);
  const { min, max } = spreadOf(own.map((value, round) => value / theirs[round]));
  return { peer, ratio: { median: median(own) / median(theirs), min, max } };
}

/** The order of a round: everyone is first, second and last equally often. */
export function rotate<T>(items: readonly T[], round: number): T[] {
  const start = round % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
