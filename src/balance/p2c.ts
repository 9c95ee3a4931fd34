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
import { assert } from "../base/assert.ts";
import { mixBits } from "../base/hash.ts";
import type { PolicyState } from "./policy_state.ts";
import type { ServerSet } from "./server_set.ts";
import { countTickets, drawTicket, findHolder, NO_SERVER } from "./ticket.ts";

/** Any odd constant: makes the second number differ from the first where mixing would not (0). */
const SECOND_DRAW_SALT = 0x9e3779b9;

/** @returns a server index, or -1 without candidates. */
export function pickP2c(servers: ServerSet, _state: PolicyState, random: number): number {
  const tickets = countTickets(servers);
  if (tickets === 0) return -1;
  const weights = servers.weights;
  const first = findHolder(servers, drawTicket(random, tickets), NO_SERVER);
  const ticketsLeft = tickets - weights[first];
  if (ticketsLeft === 0) return first;
  // The first draw depends on the high bits of `random` only; mixing all bits gives a second number
  // that those do not tell.
  const secondRandom = mixBits(random ^ SECOND_DRAW_SALT);
  const second = findHolder(servers, drawTicket(secondRandom, ticketsLeft), first);
  assert(second !== first, "the two choices differ");
  const firstLoad = (servers.open[first] + 1) * weights[second];
  const secondLoad = (servers.open[second] + 1) * weights[first];
  return secondLoad < firstLoad ? second : first;
}
