/**
 * The servers of a simulated backend: how each answers a connect now, and how long it takes to
 * answer a request. What is wrong with a server is told it by the faults of its scene.
 *
 * A server works on a few requests at a time; with more at once each takes longer in proportion.
 * That is coarser than a queue, and enough to punish a policy that sends too much to one place.
 */
import type { Random } from "../../../src/base/random.ts";
import { type Fault, FLAP_MS, SLOW_FACTOR } from "./fault.ts";

export const ACCEPTS = 0;
export const REFUSES = 1;
/** No answer at all: whoever asks learns it from his own deadline. */
export const SILENT = 2;

export interface ServerTraits {
  /** Mean time to answer a request while there is little to do. */
  readonly serviceMs: number;
  /** Requests at a time that do not slow each other down. */
  readonly cores: number;
  /** Open connections; who comes above that is not answered (a full accept queue drops). */
  readonly openMax: number;
}

/** Time for a packet there and back: what a connect, a refusal and a probe take at least. */
const ROUND_TRIP_MS = 1;

export class SimulatedServers {
  readonly count: number;
  /** Accepted and not closed. */
  readonly open: Int32Array;
  /** Requests that are worked on. */
  readonly busy: Int32Array;
  readonly #traits: readonly ServerTraits[];
  readonly #random: Random;
  /** What is wrong with each now. */
  readonly #faults: (Fault | null)[];

  constructor(traits: readonly ServerTraits[], random: Random) {
    this.count = traits.length;
    this.#traits = traits;
    this.#random = random;
    this.open = new Int32Array(this.count);
    this.busy = new Int32Array(this.count);
    this.#faults = new Array(this.count).fill(null);
  }

  begin(fault: Fault): void {
    this.#faults[fault.server] = fault;
  }

  end(fault: Fault): void {
    if (this.#faults[fault.server] === fault) this.#faults[fault.server] = null;
  }

  faultOf(server: number): Fault | null {
    return this.#faults[server];
  }

  /** What a connect that arrives now meets. */
  answer(server: number, nowMs: number): number {
    const fault = this.#faults[server];
    switch (fault?.kind) {
      case "refuse":
      case "crash":
        return REFUSES;
      case "hang":
      case "gone":
        return SILENT;
      case "flap":
        if (Math.floor((nowMs - fault.startMs) / FLAP_MS) % 2 === 0) return REFUSES;
    }
    return this.open[server] < this.#traits[server].openMax ? ACCEPTS : SILENT;
  }

  /** Whether it serves what it accepts, all things considered. */
  isHealthy(server: number): boolean {
    const kind = this.#faults[server]?.kind;
    return kind === undefined || kind === "slow";
  }

  /** Whether a connection that it has accepted now will be reset by it. */
  resets(server: number): boolean {
    return this.#faults[server]?.kind === "reset";
  }

  #factor(server: number): number {
    return this.#faults[server]?.kind === "slow" ? SLOW_FACTOR : 1;
  }

  roundTripMs(server: number): number {
    return ROUND_TRIP_MS * this.#factor(server);
  }

  /** How long it will take to answer a request that comes now, `busy` counting it already. */
  drawServiceMs(server: number): number {
    const { serviceMs, cores } = this.#traits[server];
    // Half of it is the same for all, half has a long tail, as the times of real services have.
    const uniform = (this.#random.next() + 0.5) / 0x1_0000_0000;
    const drawnMs = serviceMs * (0.5 - 0.5 * Math.log(uniform));
    return drawnMs * this.#factor(server) * Math.max(1, this.busy[server] / cores);
  }
}
