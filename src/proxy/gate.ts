/**
 * Who is let in at a listener: allow and deny lists, limits per client, rates. The same for
 * connections and flows.
 *
 * What costs least is asked first, and what uses something up last: a client that is refused by a
 * list or by its own limit takes no token of the others. A client without an address (of a unix
 * socket) is subject to the listener's rate alone.
 *
 * @hot
 */
import { KeyedHash } from "../base/keyed_hash.ts";
import { ClientCounts } from "../limit/client_counts.ts";
import { clientKeyHigh, clientKeyLow } from "../limit/client_key.ts";
import { RateTable } from "../limit/rate_table.ts";
import { TokenBucket } from "../limit/token_bucket.ts";
import * as metric from "../metrics/metric_names.ts";
import { listenerOffset } from "../metrics/shared_state.ts";
import { AccessList } from "../net/access_list.ts";
import { CidrSet } from "../net/cidr.ts";
import type { Plan } from "../upstream/plan.ts";
import type { SharedRegion } from "../upstream/shared_region.ts";

interface Clock {
  readonly nowMs: number;
}

export class Gate {
  readonly #number: number;
  readonly #row: Float64Array;
  /** Where the listener's counters begin in the row. */
  readonly #at: number;
  readonly #access: AccessList;
  readonly #trusted: CidrSet;
  readonly #perClientMax: number;
  readonly #counts: ClientCounts | null;
  readonly #rate: TokenBucket | null;
  readonly #rateCells: Float64Array;
  readonly #clientRates: RateTable | null;

  constructor(plan: Plan, number: number, region: SharedRegion, row: Float64Array, clock: Clock) {
    const listener = plan.listeners[number];
    const hash = new KeyedHash(plan.hashKey[0], plan.hashKey[1]);
    this.#number = number;
    this.#row = row;
    this.#at = listenerOffset(number);
    this.#access = new AccessList(listener.allow, listener.deny);
    this.#trusted = new CidrSet(listener.trustedProxies ?? []);
    this.#perClientMax = listener.connectionsPerIpMax;
    this.#counts = listener.connectionsPerIpMax > 0
      ? new ClientCounts(region.clientTables, plan.worker, hash)
      : null;
    const rate = listener.connectionRate;
    this.#rate = rate === null ? null : new TokenBucket(rate.perSecond, rate.burst, clock);
    this.#rateCells = region.rateCells;
    const each = listener.connectionRatePerIp;
    const cells = region.clientRateCells[number];
    this.#clientRates = each === null || cells === null
      ? null
      : new RateTable(cells, hash, new TokenBucket(each.perSecond, each.burst, clock));
  }

  /** Whether this address may send a PROXY header; counts when it may not. */
  trusts(words: Int32Array, at: number, port: number): boolean {
    // Who can open a unix socket was let in by its mode.
    if (port < 0 || this.#trusted.contains(words, at)) return true;
    this.#row[this.#at + metric.LISTENER_UNTRUSTED]++;
    return false;
  }

  /** Whether a client may come in now; counts why not. `port` is -1 for one without an address. */
  admits(words: Int32Array, at: number, port: number): boolean {
    const reason = this.#refusal(words, at, port);
    if (reason < 0) return true;
    this.#row[this.#at + reason]++;
    return false;
  }

  /** The counter of what speaks against it, or -1. */
  #refusal(words: Int32Array, at: number, port: number): number {
    if (port >= 0) {
      if (!this.#access.admits(words, at)) return metric.LISTENER_DENIED;
      const high = clientKeyHigh(words, at);
      const low = clientKeyLow(words, at);
      if (
        this.#counts !== null && this.#counts.sum(this.#number, high, low) >= this.#perClientMax
      ) {
        return metric.LISTENER_CLIENT_LIMIT;
      }
      if (this.#clientRates !== null && !this.#clientRates.take(high, low)) {
        return metric.LISTENER_CLIENT_RATE_LIMITED;
      }
    }
    if (this.#rate !== null && !this.#rate.take(this.#rateCells, this.#number)) {
      return metric.LISTENER_RATE_LIMITED;
    }
    return -1;
  }

  /** Counts a client that was let in; false when it is not counted and must not be uncounted. */
  count(words: Int32Array, at: number, port: number): boolean {
    if (this.#counts === null || port < 0) return false;
    const high = clientKeyHigh(words, at);
    const counted = this.#counts.add(this.#number, high, clientKeyLow(words, at));
    if (!counted) this.#row[metric.CLIENTS_UNCOUNTED]++;
    return counted;
  }

  uncount(words: Int32Array, at: number): void {
    this.#counts?.remove(this.#number, clientKeyHigh(words, at), clientKeyLow(words, at));
  }
}
