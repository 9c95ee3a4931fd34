/**
 * The balancing policies by the names that the configuration uses.
 *
 * A policy is one pure function: servers, its own state, a random number and the key's hash in, the
 * index of a server out. It gets chance as an argument, so that live traffic, `explain`, tests and
 * a seeded simulation call the very same function. What all promise is in contract_test.ts.
 *
 * A policy only picks. It neither counts connections nor retries nor queues; after a failure the
 * caller makes the server ineligible for this exchange and picks again. Nor does it know of health,
 * priorities or zones (tiers.ts), of ramps (effective_weight.ts) or of bounds (bounded_load.ts):
 * they come to it as weights and as who is eligible.
 */
import {
  makeConsistentHashState,
  pickConsistentHash,
  rebuildConsistentHash,
} from "./consistent_hash.ts";
import { pickFirst } from "./first.ts";
import { pickLeastConn } from "./least_conn.ts";
import { makeLeastLatencyState, pickLeastLatency } from "./least_latency.ts";
import { pickP2c } from "./p2c.ts";
import { makePolicyState, type PolicyState } from "./policy_state.ts";
import { pickRandom } from "./random.ts";
import { makeRoundRobinState, pickRoundRobin } from "./round_robin.ts";
import type { ServerSet } from "./server_set.ts";

export type { PolicyState };

/**
 * When to use which:
 * - `round_robin`: requests that cost about the same; the most even count of picks.
 * - `least_conn`: connections that last long or differ much in length.
 * - `p2c`: nearly as even by load, and robust with many workers or servers.
 * - `random`: weights honoured by pickers that know nothing of each other.
 * - `first`: fill one server after the other, or a plain order of preference.
 * - `least_latency`: servers of different speed, or at different distances, of which nobody knows
 *   how much each can take. It goes by how long answers took lately, times what is open. With
 *   servers alike it only follows noise: `least_conn` or `p2c` are steadier.
 * - `consistent_hash`: the same key to the same server, for caches, sessions and UDP flows. Keys
 *   are spread evenly, connections are not: where a few keys bring most of them, a `load_factor`
 *   bounds what a server gets. 1.25 is usual: nobody has more than 1.25 times its part of what is
 *   open, and few keys leave their server. Nearer to 1 is more even and moves more keys; above 2
 *   only the hottest keys are shared out. What must never leave its server goes without.
 */
export const POLICY_NAMES = [
  "round_robin",
  "least_conn",
  "p2c",
  "random",
  "first",
  "least_latency",
  "consistent_hash",
] as const;

export type PolicyName = typeof POLICY_NAMES[number];

/**
 * One pick: a server whose weight is above zero and who is eligible, or -1 when there is none.
 * `random` and `hash` are unsigned 32-bit integers supplied by the caller; `hash` matters to
 * `consistent_hash` only. A pick changes nothing but `state`.
 */
export type Pick = (
  servers: ServerSet,
  state: PolicyState,
  random: number,
  hash: number,
) => number;

/**
 * The function of a policy and its state, for one worker. Made for these servers: another list of
 * servers needs another policy. Weights may change in place, see `followWeights`.
 */
export function makePolicy(
  name: PolicyName,
  servers: ServerSet,
): { pick: Pick; state: PolicyState } {
  switch (name) {
    case "round_robin":
      return { pick: pickRoundRobin, state: makeRoundRobinState(servers) };
    case "least_conn":
      return { pick: pickLeastConn, state: makePolicyState({}) };
    case "p2c":
      return { pick: pickP2c, state: makePolicyState({}) };
    case "random":
      return { pick: pickRandom, state: makePolicyState({}) };
    case "first":
      return { pick: pickFirst, state: makePolicyState({}) };
    case "least_latency":
      return { pick: pickLeastLatency, state: makeLeastLatencyState() };
    case "consistent_hash":
      return { pick: pickConsistentHash, state: makeConsistentHashState(servers) };
  }
}

/**
 * To be called after `servers.weights` have changed. For `consistent_hash` it builds the table
 * anew, which takes milliseconds; all others look at the weights with each pick. A change of
 * `servers.shares` needs no call.
 */
export function followWeights(name: PolicyName, servers: ServerSet, state: PolicyState): void {
  if (name === "consistent_hash") rebuildConsistentHash(servers, state);
}
