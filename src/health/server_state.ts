/**
 * The states of a server, and the order in which reasons for them count.
 *
 * What an operator says counts before what the server's agent says, that before what probes and
 * errors show. Only a server that is up gets new connections; in a panic (balance/tiers.ts) also
 * those that are down or ejected, never those that somebody has taken out on purpose.
 */

/** Its place here is its number in shared memory. */
export const SERVER_STATES = ["up", "down", "ejected", "drain", "maint"] as const;
export type ServerState = typeof SERVER_STATES[number];

/** Somebody has taken the server out, so it does not count when it is asked how many work. */
export function isTakenOut(state: ServerState): boolean {
  return state === "drain" || state === "maint";
}

/**
 * What can keep a server from being up. At most one claim stands of each, and the first here that
 * stands decides: so a server that fails while it is drained stays in drain, and is down once the
 * drain ends. An agent has two, as its word about health outlives its drain or maint.
 */
export const CAUSES = ["operator", "agent", "probe", "agent_health", "ejection"] as const;
export type Cause = typeof CAUSES[number];
