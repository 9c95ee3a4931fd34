/**
 * Names to socket addresses, by the system's own resolver (so /etc/hosts counts).
 *
 * Of several addresses the first is used: one server is one address. When a name fails its last
 * address stays in use; a server whose name never resolved is not picked until it does.
 */
import { lookup } from "node:dns/promises";

/** @returns an IP literal; @throws Error with the resolver's reason. */
export async function resolveName(name: string): Promise<string> {
  const { address } = await lookup(name);
  return address;
}
