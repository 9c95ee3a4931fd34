/**
 * @hot
 * The first candidate in the order of the configuration, whatever the others do.
 *
 * Use it to fill servers one after the other, so that the last ones stay idle and can be switched
 * off, or for a plain order of preference. It is the caller who makes a server that has reached its
 * limit of connections ineligible: without such a limit everything goes to one server. Weights
 * count for nothing but zero. Shares do: a server that starts slowly is passed over by as many as
 * its share says, if there is another one.
 */
import { mixBits } from "../base/hash.ts";
import type { PolicyState } from "./policy_state.ts";
import { isCandidate, type ServerSet, SHARE_FULL } from "./server_set.ts";

/** @returns a server index, or -1 without candidates. */
export function pickFirst(servers: ServerSet, _state: PolicyState, random: number): number {
  let passedOver = -1;
  for (let server = 0; server < servers.count; server++) {
    const share = servers.shares[server];
    if (!isCandidate(servers, server) || share === 0) continue;
    // Drawn for each server on its own, as several may be starting.
    if (share >= SHARE_FULL || mixBits(random + server) % SHARE_FULL < share) return server;
    if (passedOver < 0) passedOver = server;
  }
  return passedOver;
}
