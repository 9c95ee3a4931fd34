/**
 * @hot
 * A bound on what one server gets for its keys: consistent hashing with bounded loads (Mirrokni,
 * Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018; arXiv 1608.01350).
 *
 * Keys are spread evenly by consistent_hash, connections are not: one key may bring a tenth of all.
 * With a load factor c no server gets a connection that would give it more than c times its part,
 * by weight, of all that are then open, rounded up. A key whose server is full goes on in its order
 * of preference, and comes back when there is room; all others stay where they are. The paper shows
 * that few keys move: of order 1/(c-1)^2 for each server or connection that comes or goes.
 *
 * It only makes servers ineligible, so the policy knows nothing of it. Never all of them: if each
 * candidate had its bound or more, all would have c times (open + 1) together, which is more than
 * are open. A part is by weight and share: a server in slow start is not to be filled to the bound
 * of a grown one by those that the others have no room for.
 */
import { assert } from "../base/assert.ts";
import { isCandidate, type ServerSet } from "./server_set.ts";

/** Nearer to 1 nearly every key would be on the move, and rounding might leave no server. */
export const LOAD_FACTOR_MIN = 1.01;
const LOAD_FACTOR_MAX = 100;

export class LoadBound {
  /** In thousandths: products of whole numbers are exact, so a bound is not one off by rounding. */
  readonly #thousandths: number;

  /** @param factor load of a server at most, as a multiple of its part; 1.25 is usual. */
  constructor(factor: number) {
    const isUsable = factor >= LOAD_FACTOR_MIN && factor <= LOAD_FACTOR_MAX;
    assert(isUsable, "a load factor is above 1, and of some use");
    this.#thousandths = Math.round(1000 * factor);
  }

  /**
   * Makes those candidates ineligible that are full; at least one remains if there was any.
   *
   * @param servers with `eligible` and `open` as of this pick. `open` must not change meanwhile: it
   *   is a copy of what other workers write.
   */
  apply(servers: ServerSet): void {
    const { count, weights, shares, open, eligible } = servers;
    let openSum = 0;
    let partSum = 0;
    for (let server = 0; server < count; server++) {
      if (!isCandidate(servers, server)) continue;
      openSum += open[server];
      partSum += weights[server] * shares[server];
    }
    // No share at all: the policy picks nobody, whatever the bound.
    if (partSum === 0) return;
    const allowance = this.#thousandths * (openSum + 1);
    const whole = 1000 * partSum;
    let left = 0;
    for (let server = 0; server < count; server++) {
      if (!isCandidate(servers, server)) continue;
      const bound = Math.ceil((allowance * weights[server] * shares[server]) / whole);
      if (open[server] + 1 > bound) eligible[server] = 0;
      else left++;
    }
    assert(left > 0, "whatever is open, one server has room");
  }
}
