/**
 * @hot
 * Weighted draws: each candidate holds as many tickets as its weight, one ticket is drawn.
 *
 * The tickets are counted afresh for each draw, because the caller changes who is eligible between
 * draws. That is two passes over some dozen integers, which costs less than keeping an alias table
 * true to them would. Only eligibility is asked for: a server of weight 0 has no ticket anyway.
 */
import { assert } from "../base/assert.ts";
import { mixBits } from "../base/hash.ts";
import type { ServerSet } from "./server_set.ts";

/** For `exceptServer`: nobody is left out. As a result: there is nobody. */
export const NO_SERVER = -1;

/** Any odd constant: makes the second number differ from the first where mixing would not (0). */
const SECOND_DRAW_SALT = 0x9e3779b9;

/**
 * A number of 0..count-1, each as likely as the other to within 2^-32, out of one random number.
 *
 * @param random unsigned 32-bit integer, all values equally likely.
 * @param count 1..2^20; the product is then exact in a double.
 */
export function drawTicket(random: number, count: number): number {
  assert(random >>> 0 === random, "a random number is an unsigned 32-bit integer");
  assert(count > 0, "a draw needs a ticket");
  // Scaling rather than a remainder: no loop to reject a biased rest, and it uses the high bits.
  return Math.floor((random * count) / 0x1_0000_0000);
}

/** The number of tickets: the sum of the candidates' weights, 0 when there is none. */
export function countTickets(servers: ServerSet): number {
  const { count, weights, eligible } = servers;
  let tickets = 0;
  for (let server = 0; server < count; server++) {
    if (eligible[server] !== 0) tickets += weights[server];
  }
  return tickets;
}

/**
 * The server that holds a ticket, when candidates hold them in the order of their indices.
 *
 * @param ticket below `countTickets`, less the weight of `exceptServer`.
 * @param exceptServer a candidate whose tickets are not counted, or `NO_SERVER`.
 */
export function findHolder(servers: ServerSet, ticket: number, exceptServer: number): number {
  const { count, weights, eligible } = servers;
  let left = ticket;
  for (let server = 0; server < count; server++) {
    if (eligible[server] === 0 || server === exceptServer) continue;
    left -= weights[server];
    if (left < 0) return server;
  }
  assert(false, "each ticket has a holder");
}

/**
 * A second draw among the other candidates, or `NO_SERVER` when there is no other.
 *
 * @param random the number that `first` was drawn by.
 * @param tickets of all candidates, as `countTickets` has them.
 */
export function drawOther(
  servers: ServerSet,
  random: number,
  tickets: number,
  first: number,
): number {
  const ticketsLeft = tickets - servers.weights[first];
  if (ticketsLeft === 0) return NO_SERVER;
  // The first draw depends on the high bits of `random` only; mixing all bits gives a second number
  // that those do not tell.
  const secondRandom = mixBits(random ^ SECOND_DRAW_SALT);
  const second = findHolder(servers, drawTicket(secondRandom, ticketsLeft), first);
  assert(second !== first, "the two choices differ");
  return second;
}
