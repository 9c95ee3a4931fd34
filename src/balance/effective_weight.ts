/**
 * @hot
 * What a server's weight comes to while it gets only a share of it, in slow start or at the wish of
 * its agent.
 *
 * Weights are small integers, often all 1, and a tenth of 1 is none. So all weights of a backend
 * are first raised by the same whole factor, as far as WEIGHT_MAX lets them: no policy minds, since
 * only proportions count. It is done even while all shares are full. Were the factor applied only
 * to ramps, the claims that round robin holds at the end of one would be two hundred times what
 * turns cost from then on, and the server that is owed most would get them all in a row.
 *
 * consistent_hash does not use this: a change of weight would move keys of all servers. It keeps
 * the table of plain weights and thins out keys by share (consistent_hash.ts).
 */
import { assert } from "../base/assert.ts";
import { SHARE_FULL, WEIGHT_MAX } from "./server_set.ts";

/**
 * Writes the weights that policies other than consistent_hash use, 0..WEIGHT_MAX. A server with a
 * weight and a share keeps at least 1: it is to get little, not nothing.
 *
 * @param weights of all servers of the backend, 0..WEIGHT_MAX.
 * @param shares of the same servers, 0..SHARE_FULL.
 */
export function fillEffectiveWeights(
  weights: ArrayLike<number>,
  shares: ArrayLike<number>,
  out: Int32Array,
): void {
  const count = out.length;
  assert(weights.length === count && shares.length === count, "arrays are by server");
  let largest = 1;
  for (let server = 0; server < count; server++) {
    assert(weights[server] >= 0 && weights[server] <= WEIGHT_MAX, "a weight is 0..WEIGHT_MAX");
    largest = Math.max(largest, weights[server]);
  }
  const factor = Math.floor(WEIGHT_MAX / largest);
  for (let server = 0; server < count; server++) {
    const share = shares[server];
    assert(share >= 0 && share <= SHARE_FULL, "a share is 0..SHARE_FULL");
    const isUsed = weights[server] > 0 && share > 0;
    const scaled = Math.round((weights[server] * factor * share) / SHARE_FULL);
    out[server] = isUsed ? Math.max(1, scaled) : 0;
  }
}
