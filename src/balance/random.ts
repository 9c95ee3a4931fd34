/**
 * @hot
 * A candidate at random, in proportion to its weight.
 *
 * Use it when picks must not depend on one another: any number of workers and nodes, which know
 * nothing of each other, together still honour the weights. It looks at no load, so the busiest of
 * many servers gets clearly more than its share for short spells; p2c costs little more and does
 * not.
 */
import type { PolicyState } from "./policy_state.ts";
import type { ServerSet } from "./server_set.ts";
import { countTickets, drawTicket, findHolder, NO_SERVER } from "./ticket.ts";

/** @returns a server index, or -1 without candidates. */
export function pickRandom(servers: ServerSet, _state: PolicyState, random: number): number {
  const tickets = countTickets(servers);
  if (tickets === 0) return -1;
  return findHolder(servers, drawTicket(random, tickets), NO_SERVER);
}
