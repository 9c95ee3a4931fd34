/**
 * What is written down of bytes that pass through a tunnel: when the last one moved, how many there
 * were, how long the server took to answer, and whether it broke off.
 *
 * @hot
 */
import * as metric from "../metrics/metric_names.ts";
import { ASKED, ENDED, type Tunnels } from "./tunnels.ts";

export class TunnelAccount {
  readonly #clock: { readonly nowMs: number };
  readonly #tunnels: Tunnels;
  readonly #row: Float64Array;

  constructor(clock: { readonly nowMs: number }, tunnels: Tunnels, row: Float64Array) {
    this.#clock = clock;
    this.#tunnels = tunnels;
    this.#row = row;
  }

  touch(slot: number): void {
    this.#tunnels.activeMs[slot] = this.#clock.nowMs;
  }

  received(endpoint: number, bytes: number): void {
    this.touch(endpoint >> 1);
    this.#count(endpoint, metric.LISTENER_RECEIVED_BYTES, metric.SERVER_RECEIVED_BYTES, bytes);
  }

  sent(endpoint: number, bytes: number): void {
    this.touch(endpoint >> 1);
    this.#count(endpoint, metric.LISTENER_SENT_BYTES, metric.SERVER_SENT_BYTES, bytes);
  }

  #count(endpoint: number, ofListener: number, ofServer: number, bytes: number): void {
    const { listenerAt, serverAt } = this.#tunnels;
    const slot = endpoint >> 1;
    const at = (endpoint & 1) === 0 ? listenerAt[slot] + ofListener : serverAt[slot] + ofServer;
    this.#row[at] += bytes;
  }

  /**
   * Bytes came from an endpoint of a tunnel whose server is MEASURED, from the last byte that asks
   * to the first that answers. True when they are the answer to what was sent since `askedMs`.
   */
  measure(endpoint: number): boolean {
    const tunnels = this.#tunnels;
    const slot = endpoint >> 1;
    const server = slot * 2 + 1;
    if (endpoint !== server) {
      tunnels.flags[server] |= ASKED;
      tunnels.askedMs[slot] = this.#clock.nowMs;
      return false;
    }
    const isAnswer = (tunnels.flags[server] & ASKED) !== 0;
    tunnels.flags[server] &= ~ASKED;
    return isAnswer;
  }

  /** A server's endpoint was reset. */
  broken(endpoint: number): void {
    const tunnels = this.#tunnels;
    const slot = endpoint >> 1;
    this.#row[tunnels.serverAt[slot] + metric.SERVER_RESETS]++;
    // After a FIN, from whom ever, a reset is how many servers hang up.
    const flags = tunnels.flags[endpoint] | tunnels.flags[endpoint ^ 1];
    if ((flags & ENDED) === 0) tunnels.isBroken[slot] = 1;
  }
}
