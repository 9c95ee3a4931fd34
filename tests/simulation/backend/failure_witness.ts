/**
 * Counts clients who got nothing, by reason, and holds that against what was possible: while some
 * server was healthy, clients may have failed only for reasons that are given, and only so many.
 */
import { promise } from "../promise.ts";
import type { BackendWorld } from "./backend_world.ts";
import { REFUSALS, type Witness } from "./witness.ts";

/** Of all clients, those that may fail in a panic although some server is healthy. */
const PANIC_SHARE_MAX = 0.002;

export class FailureWitness implements Witness {
  readonly #byReason = new Float64Array(REFUSALS.length);
  #clients = 0;
  #avoidable = 0;
  #hopeless = 0;
  #inPanic = 0;
  #resets = 0;

  /**
   * @param reasons for which a client may fail although a server was healthy.
   * @param shareMax of all clients that may.
   */
  constructor(readonly reasons: readonly number[], readonly shareMax: number) {}

  came(): void {
    this.#clients++;
  }

  wasReset(): void {
    this.#resets++;
  }

  refused(world: BackendWorld, slot: number, why: number): void {
    const { servers, connections } = world;
    let healthy = 0;
    for (let i = 0; i < servers.count; i++) if (servers.isHealthy(i)) healthy++;
    if (healthy === 0) {
      this.#hopeless++;
      return;
    }
    // Whom health says is down is tried on purpose then, if its connections do not fail.
    if (world.supervisor.watch.isPanicking) {
      this.#inPanic++;
      return;
    }
    this.#byReason[why]++;
    this.#avoidable++;
    promise(
      this.reasons.includes(why),
      `a client fails (${REFUSALS[why]}) after ${connections.attempts[slot]} attempts, with ` +
        `${healthy} healthy servers, at ${(world.nowMs / 1000).toFixed(1)} s: ` +
        world.supervisor.told(),
    );
  }

  conclude(): void {
    const inPanic = this.#inPanic / this.#clients;
    promise(
      inPanic <= PANIC_SHARE_MAX,
      `few fail in a panic: ${this.#inPanic} of ${this.#clients}`,
    );
    const share = this.#avoidable / this.#clients;
    promise(
      share <= this.shareMax,
      `few clients fail while a server is healthy: ${this.#avoidable} of ${this.#clients}`,
    );
  }

  figures(): string[] {
    const reasons = Array.from(this.#byReason, (count, why) => `${count} ${REFUSALS[why]}`);
    const told = reasons.filter((text) => !text.startsWith("0 ")).join(", ");
    return [
      `${this.#avoidable} of ${this.#clients} clients failed while a server was healthy` +
      (told === "" ? "" : ` (${told})`),
      ...this.#inPanic > 0 ? [`${this.#inPanic} more in a panic`] : [],
      ...this.#hopeless > 0 ? [`${this.#hopeless} while none was`] : [],
      `${this.#resets} connections reset by servers`,
    ];
  }
}
