/**
 * @hot
 * The same key to the same server, on every worker and node, before and after a restart: the key's
 * hash is looked up in a Maglev table (maglev_table.ts).
 *
 * Use it when a server keeps something for a key, such as a cache or a session, or when packets of
 * one flow may arrive at several nodes. Keys are spread evenly, requests are not: a single busy key
 * cannot be shared out.
 *
 * The table is built of all servers that have a weight, and stays when a server stops being
 * eligible: only keys which that server owns move, and they move back when it returns. Where to is
 * decided for each key on its own, so that they spread over all others instead of doubling one
 * neighbour's load. First the hash is mixed again for some further lookups. When those hit nobody
 * either, most servers are out, and the rest is decided by weighted rendezvous hashing, which
 * always finds a candidate. Both ways a key's order of preference is fixed: it moves only when the
 * server it is at leaves, or one that it prefers returns.
 *
 * Weights are built into the table. After a change of weight the caller makes the policy again;
 * until then the old shares hold, except that weight 0 is honoured at once.
 */
import { assert } from "../base/assert.ts";
import { hashString, mixBits } from "../base/hash.ts";
import { MAGLEV_SLOTS, makeMaglevTable } from "./maglev_table.ts";
import { makePolicyState, type PolicyState } from "./policy_state.ts";
import { isCandidate, type ServerSet } from "./server_set.ts";

/** With half of all servers out, 1 key in 256 is left over for the search through all servers. */
const LOOKUPS_MAX = 8;

/** Odd, so that each lookup mixes another number. */
const LOOKUP_STEP = 0x9e3779b9;

/** Fixed forever, as those of the table. */
const RENDEZVOUS_SEED = 0x4d454554;

/** Builds the table: takes milliseconds. */
export function makeConsistentHashState(servers: ServerSet): PolicyState {
  const nameHashes = new Uint32Array(servers.count);
  for (let server = 0; server < servers.count; server++) {
    nameHashes[server] = hashString(servers.names[server], RENDEZVOUS_SEED);
  }
  return makePolicyState({
    maglevTable: makeMaglevTable(servers.names, servers.weights),
    nameHashes,
  });
}

/**
 * @param hash of the key, well mixed: `hashBytes` will do, a plain address will not.
 * @returns a server index, or -1 without candidates.
 */
export function pickConsistentHash(
  servers: ServerSet,
  state: PolicyState,
  _random: number,
  hash: number,
): number {
  assert(hash >>> 0 === hash, "a hash is an unsigned 32-bit integer");
  assert(state.nameHashes.length === servers.count, "the state was made for these servers");
  const table = state.maglevTable;
  // Empty when no server had a weight as the table was built; one may have been given since.
  if (table.length !== 0) {
    let mixed = hash;
    for (let lookup = 1; lookup <= LOOKUPS_MAX; lookup++) {
      const owner = table[mixed % MAGLEV_SLOTS];
      if (isCandidate(servers, owner)) return owner;
      mixed = mixBits(hash + Math.imul(lookup, LOOKUP_STEP));
    }
  }
  return findRendezvous(servers, state.nameHashes, hash);
}

/**
 * Weighted rendezvous hashing (Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit
 * Rates", IEEE/ACM ToN 6(1), 1998): each candidate draws an exponentially distributed time from key
 * and name, at a rate of its weight, and the earliest wins. That happens in proportion to weights.
 */
function findRendezvous(servers: ServerSet, nameHashes: Uint32Array, hash: number): number {
  let picked = -1;
  let earliest = Infinity;
  for (let server = 0; server < servers.count; server++) {
    if (!isCandidate(servers, server)) continue;
    // Between 0 and 1, both exclusive: neither an infinite time nor a tie at zero.
    const uniform = (mixBits(hash ^ nameHashes[server]) + 0.5) / 0x1_0000_0000;
    const time = -Math.log(uniform) / servers.weights[server];
    if (time < earliest) {
      earliest = time;
      picked = server;
    }
  }
  return picked;
}
