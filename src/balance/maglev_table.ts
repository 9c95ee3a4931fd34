/**
 * The lookup table of Maglev hashing (Eisenbud et al., "Maglev: A Fast and Reliable Software
 * Network Load Balancer", NSDI 2016, section 3.4): a slot for each remainder of a key's hash, each
 * slot owned by one server.
 *
 * Every server has its own order of preference over all slots, a permutation made from two hashes
 * of its name. Servers take turns; at its turn a server takes the slot it likes best of those still
 * vacant. So all get as good as equal numbers of slots, and since an order of preference does not
 * depend on the other servers, a table with one server less gives nearly each remaining server the
 * slots it had before.
 *
 * The table is a function of names and weights alone. Servers are put in the order of their names
 * before they take turns, so that two nodes which list them differently still agree on every key.
 *
 * Weights: the paper leaves them at "altering the relative frequency of the backends' turns". Here
 * each round gives every server its weight as credit, and a turn costs the largest weight. Servers
 * begin with half a turn of credit, which rounds their numbers of turns to the nearest instead of
 * down; so a server of weight 1 has a slot as long as all weights add up to two tables at most.
 */
import { assert } from "../base/assert.ts";
import { hashString } from "../base/hash.ts";

/**
 * A prime, so that any skip walks over all slots; the paper's smaller size (section 5.3). Its
 * 128 KiB fit in a core's second-level cache, and with 500 servers each has 131 slots.
 */
export const MAGLEV_SLOTS = 65537;

/** Fixed forever: other seeds would move every key at an upgrade, and between old and new nodes. */
const OFFSET_SEED = 0x52494e47;
const SKIP_SEED = 0x57415921;

const VACANT = 0xffff;

/**
 * Fills a table: takes some milliseconds, so not once per connection.
 *
 * @param names what the permutations are made of.
 * @param weights by the same index as `names`; servers of weight 0 own nothing.
 * @returns `MAGLEV_SLOTS` owners as indices into `names`; empty when no server has a weight.
 */
export function makeMaglevTable(names: readonly string[], weights: Int32Array): Uint16Array {
  assert(names.length === weights.length, "each server has a name and a weight");
  assert(names.length < VACANT, "an owner and vacant differ");
  const order = orderByName(names, weights);
  if (order.length === 0) return new Uint16Array(0);

  let weightMax = 0;
  for (const server of order) weightMax = Math.max(weightMax, weights[server]);
  const turnCost = 2 * weightMax;

  const positions = new Int32Array(names.length);
  const skips = new Int32Array(names.length);
  const credits = new Int32Array(names.length).fill(weightMax);
  for (const server of order) {
    positions[server] = hashString(names[server], OFFSET_SEED) % MAGLEV_SLOTS;
    skips[server] = (hashString(names[server], SKIP_SEED) % (MAGLEV_SLOTS - 1)) + 1;
  }

  const table = new Uint16Array(MAGLEV_SLOTS).fill(VACANT);
  for (let filled = 0;;) {
    for (const server of order) {
      credits[server] += 2 * weights[server];
      if (credits[server] < turnCost) continue;
      credits[server] -= turnCost;
      positions[server] = takeVacant(table, server, positions[server], skips[server]);
      filled++;
      if (filled === MAGLEV_SLOTS) return table;
    }
  }
}

/** Indices of the servers that take turns at all, in an order that the caller's has no part in. */
function orderByName(names: readonly string[], weights: Int32Array): number[] {
  const order: number[] = [];
  for (let server = 0; server < names.length; server++) {
    if (weights[server] > 0) order.push(server);
  }
  // By code units: a locale must not decide where keys go.
  return order.sort((left, right) =>
    names[left] < names[right] ? -1 : names[left] > names[right] ? 1 : left - right
  );
}

/**
 * Gives `server` the first vacant slot from `position` on, in steps of `skip`; there must be one.
 *
 * @returns the position after it, where the server's next search begins: slots never get vacant
 *   again, so what was passed over need not be looked at a second time.
 */
function takeVacant(table: Uint16Array, server: number, position: number, skip: number): number {
  let slot = position;
  while (table[slot] !== VACANT) {
    slot += skip;
    if (slot >= MAGLEV_SLOTS) slot -= MAGLEV_SLOTS;
  }
  table[slot] = server;
  const next = slot + skip;
  return next >= MAGLEV_SLOTS ? next - MAGLEV_SLOTS : next;
}
