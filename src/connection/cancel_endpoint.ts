/**
 * Cancels what is in flight on one connection of a tunnel.
 *
 * One by one and by name: the kernel finds an operation that is named at once, but for an fd it
 * walks all operations there are, which made each end as dear as there were connections.
 *
 * @hot
 */
import { CONNECT, type Ring, SEND, WRITABLE } from "../ring/ring.ts";
import { IN_CONNECT, POLLING, RECEIVING, SENDING, type Tunnels } from "./tunnels.ts";

/** @param receive the kind of its receive: RECEIVE, or PEEK while it is being looked at. */
export function cancelEndpoint(
  ring: Ring,
  tunnels: Tunnels,
  endpoint: number,
  receive: number,
): void {
  const flags = tunnels.flags[endpoint];
  const generation = tunnels.generation[endpoint >> 1];
  if ((flags & RECEIVING) !== 0) ring.cancel(receive, endpoint, generation);
  if ((flags & SENDING) !== 0) ring.cancel(SEND, endpoint, generation);
  if ((flags & POLLING) !== 0) ring.cancel(WRITABLE, endpoint, generation);
  if ((flags & IN_CONNECT) !== 0) ring.cancel(CONNECT, endpoint, generation);
}
