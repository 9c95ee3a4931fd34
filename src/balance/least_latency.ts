/**
 * @hot
 * The candidate that costs least: its latency now, times the connections open to it and the one to
 * come, for its weight.
 *
 * Use it when servers differ in speed or distance and no weights say how much: what a server has
 * open times what each of them costs is about the time until a new one gets its turn. The latencies
 * are peak_ewma.ts's, shared by all workers.
 *
 * With few candidates all are looked at. With many it is the cheaper of two, drawn in
 * proportion to weight as p2c does it, since many workers would otherwise all run to the one that
 * was best a moment ago. A tie is drawn for the same reason.
 *
 * A server never measured counts as the fastest one does, and once it has something open as if it
 * had one more. So it is tried soon, but not by everybody at once: while its first answers are
 * under way it fills up to what the fastest has, and no further. While nobody has been measured
 * this is least_conn.
 */
import { makePolicyState, type PolicyState } from "./policy_state.ts";
import { isCandidate, type ServerSet } from "./server_set.ts";
import { countTickets, drawOther, drawTicket, findHolder, NO_SERVER } from "./ticket.ts";

/** With more candidates two are drawn. */
export const CANDIDATES_COMPARED_MAX = 8;

/** Places in `PolicyState.unmeasured`. */
const COST = 0;
const OPEN = 1;

export function makeLeastLatencyState(): PolicyState {
  return makePolicyState({ unmeasured: new Float64Array(2) });
}

/** @returns a server index, or -1 without candidates. */
export function pickLeastLatency(servers: ServerSet, state: PolicyState, random: number): number {
  let candidates = 0;
  let smallest = Infinity;
  for (let server = 0; server < servers.count; server++) {
    if (!isCandidate(servers, server)) continue;
    candidates++;
    const cost = servers.costs[server];
    if (cost !== 0 && cost < smallest) smallest = cost;
  }
  if (candidates === 0) return -1;
  state.unmeasured[COST] = smallest === Infinity ? 1 : smallest;
  state.unmeasured[OPEN] = smallest === Infinity ? 0 : 1;
  if (candidates <= CANDIDATES_COMPARED_MAX) return findLeast(servers, state, random);

  const tickets = countTickets(servers);
  const first = findHolder(servers, drawTicket(random, tickets), NO_SERVER);
  const second = drawOther(servers, random, tickets, first);
  return isCheaper(servers, state, second, first) ? second : first;
}

/** The cheapest of all candidates, of which there must be one; any of those tied. */
function findLeast(servers: ServerSet, state: PolicyState, random: number): number {
  let picked = -1;
  let tied = 0;
  for (let server = 0; server < servers.count; server++) {
    if (!isCandidate(servers, server)) continue;
    if (picked === -1 || isCheaper(servers, state, server, picked)) {
      picked = server;
      tied = 1;
    } else if (!isCheaper(servers, state, picked, server)) {
      tied++;
    }
  }
  if (tied === 1) return picked;

  // As in least_conn.ts: one random number serves for all ties.
  const least = picked;
  let left = drawTicket(random, tied);
  for (let server = least; server < servers.count && left >= 0; server++) {
    if (!isCandidate(servers, server) || isCheaper(servers, state, least, server)) continue;
    picked = server;
    left--;
  }
  return picked;
}

/** By cross multiplication, so that servers with equal figures are tied whatever their weights. */
function isCheaper(servers: ServerSet, state: PolicyState, one: number, other: number): boolean {
  const { costs, open, weights } = servers;
  let costOne = costs[one];
  let openOne = open[one] + 1;
  if (costOne === 0) {
    costOne = state.unmeasured[COST];
    if (openOne > 1) openOne += state.unmeasured[OPEN];
  }
  let costOther = costs[other];
  let openOther = open[other] + 1;
  if (costOther === 0) {
    costOther = state.unmeasured[COST];
    if (openOther > 1) openOther += state.unmeasured[OPEN];
  }
  // The whole numbers first: their products are exact.
  return openOne * weights[other] * costOne < openOther * weights[one] * costOther;
}
