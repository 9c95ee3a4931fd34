/**
 * Compares what the tables of limits per client say with the connections or flows that are there:
 * of every client that was ever counted, so that one who is gone and still counted is seen.
 */
import { KeyedHash } from "../../src/base/keyed_hash.ts";
import { ClientCounts } from "../../src/limit/client_counts.ts";
import { clientKeyHigh, clientKeyLow } from "../../src/limit/client_key.ts";
import type { Plan } from "../../src/upstream/plan.ts";
import type { SharedRegion } from "../../src/upstream/shared_region.ts";
import { promise } from "./promise.ts";

/** Names a client of a listener as the tables do. */
export function clientKey(listener: number, words: Int32Array, at: number): string {
  return `${listener} ${clientKeyHigh(words, at)} ${clientKeyLow(words, at)}`;
}

export class ClientAccounts {
  readonly #plan: Plan;
  readonly #counts: ClientCounts | null;
  readonly #known = new Set<string>();

  constructor(plan: Plan, region: SharedRegion) {
    this.#plan = plan;
    const hash = new KeyedHash(plan.hashKey[0], plan.hashKey[1]);
    const { clientTables } = region;
    this.#counts = clientTables.length === 0 ? null : new ClientCounts(clientTables, -1, hash);
  }

  /** @param counted how many each client has now; none is 0. */
  check(counted: ReadonlyMap<string, number>): void {
    if (this.#counts === null) return;
    for (const key of counted.keys()) this.#known.add(key);
    for (const key of this.#known) {
      const count = counted.get(key) ?? 0;
      const [listener, high, low] = key.split(" ").map(Number);
      const sum = this.#counts.sum(listener, high, low);
      promise(sum === count, `a client with ${count} connections is counted ${sum} times`);
      const { connectionsPerIpMax } = this.#plan.listeners[listener];
      promise(count <= connectionsPerIpMax, `a client has ${count} of ${connectionsPerIpMax}`);
    }
  }
}
