/**
 * @hot
 * Smooth weighted round robin, as nginx does it (src/http/ngx_http_upstream_round_robin.c):
 * servers take turns in proportion to their weights, and a heavy server's turns are spread out
 * between those of the others instead of following one another.
 *
 * Use it when requests cost about the same and servers differ at most by a known factor. It is the
 * most even of all policies by count of picks, and blind to load.
 *
 * Each server has a running weight. For a pick, every candidate's running weight grows by its
 * weight; the largest is picked and pays the sum of the candidates' weights. So the running weights
 * always add up to zero, and each says how many turns, times that sum, the server is owed.
 *
 * When candidates change between picks, who is out neither grows nor pays, and comes back with the
 * claim it left with: no burst makes up for the time it was away. Nor can any order of changes pump
 * a claim up. Let f(k) be the sum of the k largest running weights, in units of the largest sum of
 * weights. It grows only when a candidate is among those k and the picked server is not; as that
 * one had the largest before it paid, the k-th and the next then differ by 1 at most. So wherever f
 * has grown its slope falls by 1 per step at most, and f(0) = f(n) = 0. Hence
 * f(k) <= k (n - k) / 2: no running weight leaves +-(n - 1) / 2 sums of weights, and those of
 * SERVERS_MAX servers fit in 32 bits.
 *
 * Workers take turns independently. Started alike, all would give their first connection to the
 * same server, and with few long connections each the whole process would be uneven. So the first
 * random number decides which server wins ties; with 0 it is the order of the configuration.
 */
import { assert } from "../base/assert.ts";
import { makePolicyState, type PolicyState } from "./policy_state.ts";
import { isCandidate, type ServerSet } from "./server_set.ts";
import { drawTicket } from "./ticket.ts";

/** Nobody is owed anything yet. */
export function makeRoundRobinState(servers: ServerSet): PolicyState {
  return makePolicyState({ runningWeights: new Int32Array(servers.count) });
}

/**
 * @param random used by the first pick only.
 * @returns a server index, or -1 without candidates.
 */
export function pickRoundRobin(servers: ServerSet, state: PolicyState, random: number): number {
  const count = servers.count;
  const running = state.runningWeights;
  assert(running.length === count, "the state was made for these servers");
  if (count === 0) return -1;
  if (state.firstServer === -1) state.firstServer = drawTicket(random, count);

  let picked = -1;
  let weightSum = 0;
  let server = state.firstServer;
  for (let seen = 0; seen < count; seen++) {
    if (isCandidate(servers, server)) {
      const weight = servers.weights[server];
      weightSum += weight;
      running[server] += weight;
      if (picked === -1 || running[server] > running[picked]) picked = server;
    }
    server++;
    if (server === count) server = 0;
  }
  if (picked !== -1) running[picked] -= weightSum;
  return picked;
}
