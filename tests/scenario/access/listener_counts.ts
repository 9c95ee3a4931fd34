/**
 * What a listener counts beyond connections, as `status --json` shows it: refusals by reason, and
 * datagrams. Read by name here, so that tests fail with the name of a counter that is not there.
 */
import type { Snapshot } from "../../../src/supervisor/snapshot.ts";

export type Reason =
  | "denied"
  | "client_limit"
  | "limit"
  | "rate"
  | "client_rate"
  | "proxy_header"
  | "client_hello"
  | "no_route"
  | "untrusted";

function listenerOf(snapshot: Snapshot, name: string | undefined): Record<string, unknown> {
  const found = snapshot.listeners.find((listener) => {
    return name === undefined || listener.name === name;
  });
  if (found === undefined) throw new Error(`no listener "${name}"`);
  return { ...found };
}

function countOf(place: unknown, name: string): number {
  const count = (place as Record<string, unknown> | undefined)?.[name];
  if (typeof count !== "number") throw new Error(`no count "${name}" in ${JSON.stringify(place)}`);
  return count;
}

/** How many were refused for a reason; of the first listener unless named. */
export function refusals(snapshot: Snapshot, reason: Reason, listener?: string): number {
  return countOf(listenerOf(snapshot, listener).refusals, reason);
}

export function datagramCount(
  snapshot: Snapshot,
  which: "received" | "sent" | "dropped",
  listener?: string,
): number {
  return countOf(listenerOf(snapshot, listener).datagrams, which);
}

export function flowsEvicted(snapshot: Snapshot, listener?: string): number {
  return countOf(listenerOf(snapshot, listener).datagrams, "flows_evicted");
}
