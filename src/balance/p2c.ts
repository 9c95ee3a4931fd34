/**
 * @hot
 * Power of two choices: two different candidates at random, the less loaded one is picked.
 *
 * Use it with many workers or many servers. It needs no full view of the loads and does not mind
 * stale ones: unlike with least_conn, workers that all see the same idle server do not all run
 * there. Yet the most loaded of n servers exceeds the mean by only log log n or so, instead of
 * random's much larger excess (Mitzenmacher, "The Power of Two Choices in Randomized Load
 * Balancing", IEEE TPDS 12(10), 2001).
 *
 * Both draws are in proportion to weight, the second one among the rest. Load is compared per
 * weight, counting the connection to come, so an idle server of weight 2 goes before one of weight
 * 1. While nearly all servers are idle, heavy ones therefore get more than their share; once
 * connections last, loads settle in proportion to the weights.
 */
import type { PolicyState } from "./policy_state.ts";
import type { ServerSet } from "./server_set.ts";
import { countTickets, drawOther, drawTicket, findHolder, NO_SERVER } from "./ticket.ts";

/** @returns a server index, or -1 without candidates. */
export function pickP2c(servers: ServerSet, _state: PolicyState, random: number): number {
  const tickets = countTickets(servers);
  if (tickets === 0) return -1;
  const first = findHolder(servers, drawTicket(random, tickets), NO_SERVER);
  const second = drawOther(servers, random, tickets, first);
  if (second === NO_SERVER) return first;
  const firstLoad = (servers.open[first] + 1) * servers.weights[second];
  const secondLoad = (servers.open[second] + 1) * servers.weights[first];
  return secondLoad < firstLoad ? second : first;
}
