/**
 * @hot
 * The first candidate in the order of the configuration, whatever the others do.
 *
 * Use it to fill servers one after the other, so that the last ones stay idle and can be switched
 * off, or for a plain order of preference. It is the caller who makes a server that has reached its
 * limit of connections ineligible: without such a limit everything goes to one server. Weights
 * count for nothing but zero.
 */
import { isCandidate, type ServerSet } from "./server_set.ts";

/** @returns a server index, or -1 without candidates. */
export function pickFirst(servers: ServerSet): number {
  for (let server = 0; server < servers.count; server++) {
    if (isCandidate(servers, server)) return server;
  }
  return -1;
}
