/**
 * Names to IP literals, by the system's own resolver (so /etc/hosts counts).
 *
 * The order is the system's (RFC 6724 and gai.conf): whoever wants one address takes the first.
 * What becomes of a name that fails is for the caller to say.
 */
import { lookup } from "node:dns/promises";

/** @returns at least one; @throws Error with the resolver's reason. */
export async function resolveAddresses(name: string): Promise<string[]> {
  // Without the order the runtime might put IPv4 first, whatever the system says.
  const found = await lookup(name, { all: true, order: "verbatim" });
  return found.map(({ address }) => address);
}

/** The first of them. */
export async function resolveName(name: string): Promise<string> {
  const [address] = await resolveAddresses(name);
  return address;
}
