/**
 * How much of its weight a server gets in the time after it came back.
 *
 * A server that has just started has cold caches and empty pools, and under least_conn it is the
 * emptiest of all: the full rate at once would take it down again. So its share grows with time
 * until it is whole. It never begins at zero, or a server that is alone would be refused work.
 *
 * It grows in steps, as each change makes every worker prepare its tables again, and with
 * consistent hashing moves clients: twenty steps, as HAProxy has them, are fine enough for both.
 */
import { assert } from "../base/assert.ts";

/** A full share; in the memory that workers read shares are whole numbers. */
export const SHARE_FULL = 256;

const STEPS = 20;
/** Where it begins: a tenth. */
const FIRST_STEP = 2;

/**
 * The share, above 0 and at most 1; it never falls with time.
 *
 * @param elapsedMs since the server came back; Infinity when it never was away.
 * @param slowStartMs how long it takes to get to 1; 0: there is no slow start.
 */
export function slowStartShare(elapsedMs: number, slowStartMs: number): number {
  assert(slowStartMs >= 0, "a slow start takes some time or none");
  if (elapsedMs >= slowStartMs) return 1;
  const step = Math.floor(elapsedMs * STEPS / slowStartMs);
  return Math.max(step, FIRST_STEP) / STEPS;
}

/**
 * The share in whole numbers, 0..SHARE_FULL. Rounding leaves a server something, for only who says
 * zero means it.
 *
 * @param percent what the server's agent asks for, 0..100.
 */
export function wholeShare(share: number, percent: number): number {
  assert(share > 0 && share <= 1, "a slow start leaves a share");
  assert(percent >= 0 && percent <= 100, "an agent asks for 0..100 percent");
  if (percent === 0) return 0;
  return Math.max(1, Math.floor(SHARE_FULL * share * percent / 100));
}
