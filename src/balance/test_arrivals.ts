/**
 * Arrivals for the tests of policies: connections that come one after the other and stay open, with
 * random numbers and hashes that are a function of a seed, so that every run of a test is the same.
 */
import { mixBits } from "../base/hash.ts";
import type { Pick, PolicyState } from "./policy.ts";
import type { ServerSet } from "./server_set.ts";

/** The unsigned 32-bit number at `index` of the stream of `seed`; random enough for counting. */
export function randomAt(seed: number, index: number): number {
  return mixBits(mixBits(seed + 0x6d2b79f5) + Math.imul(index, 0x9e3779b1));
}

/** Names `server-0`, `server-1`, ... */
export function makeNames(count: number): string[] {
  return Array.from({ length: count }, (_, server) => `server-${server}`);
}

/**
 * Lets `count` connections arrive, counts each in `servers.open`, and closes none.
 *
 * @returns the picks of each server.
 */
export function arrive(
  servers: ServerSet,
  policy: { pick: Pick; state: PolicyState },
  count: number,
  seed: number,
): Float64Array {
  const picks = new Float64Array(servers.count);
  for (let arrival = 0; arrival < count; arrival++) {
    const random = randomAt(seed, 2 * arrival);
    const hash = randomAt(seed, 2 * arrival + 1);
    const server = policy.pick(servers, policy.state, random, hash);
    if (server === -1) continue;
    picks[server]++;
    servers.open[server]++;
  }
  return picks;
}

/** Like Math.max of all values, for any number of them. */
export function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((left, right) => Math.max(left, right));
}

/** Like Math.min of all values, for any number of them. */
export function smallest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((left, right) => Math.min(left, right));
}
