/**
 * @hot
 * The candidate with the fewest open connections for its weight, counting the one to come.
 *
 * Use it when connections last long or differ much in length (databases, tunnels, WebSocket): it
 * sees what is open, so a slow server gets less without anybody telling. With short requests p2c is
 * as good. Mind that a server which fails fast always looks idle: eject it.
 *
 * The caller keeps `open` over all workers, but a worker sees what the others do a little late.
 * Were ties given to the first server, all workers would send what arrives at once to the same one;
 * so a tie is drawn, each tied server as likely as the other.
 */
import type { PolicyState } from "./policy_state.ts";
import { isCandidate, type ServerSet } from "./server_set.ts";
import { drawTicket } from "./ticket.ts";

/** @returns a server index, or -1 without candidates. */
export function pickLeastConn(servers: ServerSet, _state: PolicyState, random: number): number {
  const weights = servers.weights;
  const open = servers.open;
  let picked = -1;
  let load = 0;
  let tied = 0;
  for (let server = 0; server < servers.count; server++) {
    if (!isCandidate(servers, server)) continue;
    const loadHere = open[server] + 1;
    // loadHere / weight < load / weight, by cross multiplication: exact, so that ties are ties.
    const here = picked === -1 ? -1 : loadHere * weights[picked];
    const best = load * weights[server];
    if (picked === -1 || here < best) {
      picked = server;
      load = loadHere;
      tied = 1;
    } else if (here === best) {
      tied++;
    }
  }
  if (tied < 2) return picked;

  // A second pass, since a draw within the first one would take a random number for each tie. When
  // other workers write `open` meanwhile, fewer may be tied than were counted: the last one stands.
  const weight = weights[picked];
  let left = drawTicket(random, tied);
  for (let server = picked; server < servers.count; server++) {
    if (!isCandidate(servers, server)) continue;
    if ((open[server] + 1) * weight !== load * weights[server]) continue;
    picked = server;
    if (left === 0) break;
    left--;
  }
  return picked;
}
