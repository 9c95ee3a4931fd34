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
 * Weights are built into the table. After a change of weight the caller rebuilds it; until then the
 * old proportions hold, except that weight 0 is honoured at once.
 *
 * A server that is to get only a share of its keys for a while (slow start, its agent) keeps its
 * place in the table. For each key and server there is a number, and the server takes the key only
 * if its share is above that; otherwise the key goes on in its order of preference. So while the
 * share grows, keys come to the server one after the other and none goes back and forth, and no
 * table is built on the way. A key that nobody takes, as when all are new, goes to a server that
 * would take it soon, by weight.
 */
import { assert } from "../base/assert.ts";
import { hashString, mixBits } from "../base/hash.ts";
import { MAGLEV_SLOTS, makeMaglevTable } from "./maglev_table.ts";
import { makePolicyState, type PolicyState } from "./policy_state.ts";
import { isCandidate, type ServerSet, SHARE_FULL } from "./server_set.ts";

/** With half of all servers out, 1 key in 256 is left over for the search through all servers. */
const LOOKUPS_MAX = 8;

/** Odd, so that each lookup mixes another number. */
const LOOKUP_STEP = 0x9e3779b9;

/** Leaves as many bits of a 32-bit number as a share has. */
const SHARE_SHIFT = 24;

/** Fixed forever, as those of the table. */
const RENDEZVOUS_SEED = 0x4d454554;
const SHARE_SALT = 0x53484152;

/** Builds the table: takes milliseconds. */
export function makeConsistentHashState(servers: ServerSet): PolicyState {
  const nameHashes = new Uint32Array(servers.count);
  for (let server = 0; server < servers.count; server++) {
    nameHashes[server] = hashString(servers.names[server], RENDEZVOUS_SEED);
  }
  const state = makePolicyState({ nameHashes });
  rebuildConsistentHash(servers, state);
  return state;
}

/** Builds the table anew after weights have changed: takes milliseconds. */
export function rebuildConsistentHash(servers: ServerSet, state: PolicyState): void {
  state.maglevTable = makeMaglevTable(servers.names, servers.weights);
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
      if (takesKey(servers, state.nameHashes, owner, hash) && isCandidate(servers, owner)) {
        return owner;
      }
      mixed = mixBits(hash + Math.imul(lookup, LOOKUP_STEP));
    }
  }
  return findRendezvous(servers, state.nameHashes, hash);
}

/** Whether the server's share has room for this key; never with a share of 0. */
function takesKey(
  servers: ServerSet,
  nameHashes: Uint32Array,
  server: number,
  hash: number,
): boolean {
  const share = servers.shares[server];
  return share === SHARE_FULL || drawForShare(hash, nameHashes[server]) >>> SHARE_SHIFT < share;
}

/** Of a key and a server, not of the moment: 32 bits that rendezvous hashing does not look at. */
function drawForShare(hash: number, nameHash: number): number {
  return mixBits(mixBits(hash ^ nameHash) ^ SHARE_SALT);
}

/**
 * Weighted rendezvous hashing (Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit
 * Rates", IEEE/ACM ToN 6(1), 1998): each candidate draws an exponentially distributed time from key
 * and name, at a rate of its weight, and the earliest wins. That happens in proportion to weights.
 *
 * Who does not take the key waits for its share to grow that far. Counted in -ln(1 - share) that
 * wait is exponentially distributed as well, whatever the share is now; divided by the weight, the
 * shortest one is again found in proportion to weights. It serves where nobody takes the key, and
 * it gets shorter as the share grows, so that here too a growing share never loses a key.
 */
function findRendezvous(servers: ServerSet, nameHashes: Uint32Array, hash: number): number {
  let picked = -1;
  let earliest = Infinity;
  let nearest = -1;
  let shortestWait = Infinity;
  for (let server = 0; server < servers.count; server++) {
    if (!isCandidate(servers, server) || servers.shares[server] === 0) continue;
    const weight = servers.weights[server];
    if (takesKey(servers, nameHashes, server, hash)) {
      // Between 0 and 1, both exclusive: neither an infinite time nor a tie at zero.
      const uniform = (mixBits(hash ^ nameHashes[server]) + 0.5) / 0x1_0000_0000;
      const time = -Math.log(uniform) / weight;
      if (time < earliest) {
        earliest = time;
        picked = server;
      }
    } else if (picked === -1) {
      const needed = (drawForShare(hash, nameHashes[server]) + 0.5) / 0x1_0000_0000;
      const missing = 1 - servers.shares[server] / SHARE_FULL;
      const wait = Math.log(missing / (1 - needed)) / weight;
      if (wait < shortestWait) {
        shortestWait = wait;
        nearest = server;
      }
    }
  }
  return picked === -1 ? nearest : picked;
}

assert(SHARE_FULL === 2 ** (32 - SHARE_SHIFT), "a share is compared to the upper bits");
