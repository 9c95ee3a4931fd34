/**
 * The size of the tables in this folder: 8-way set associative, as a cache of a processor is.
 *
 * A key has one set, found by its hash, and stands in any of the set's eight ways. Unlike a table
 * with open addressing nothing ever moves, and a look at eight places is all that the fullest table
 * and the most patient peer can make it cost. The price is that a set can be full while others are
 * not; how often is a matter of how full the table may get.
 */
import { assert } from "../base/assert.ts";

export const WAYS = 8;

/**
 * The smallest power of two of sets that hold `clients` with `perSet` of them in each on average.
 * Of a client's chance to find its set full: 0.8 % at 4 per set, 0.015 % at 2 (Poisson).
 */
export function countSets(clients: number, perSet: number): number {
  assert(clients >= 1 && clients <= 2 ** 30, "a table is made for some clients");
  let sets = 1;
  while (sets * perSet < clients) sets *= 2;
  return sets;
}

/** The sets that a table of `floats` has, a power of two, so that a mask finds one. */
export function setsWithin(floats: number, floatsPerSet: number): number {
  const sets = floats / floatsPerSet;
  assert(Number.isInteger(sets) && sets >= 1, "a table has whole sets");
  assert((sets & (sets - 1)) === 0, "sets are a power of two");
  return sets;
}
