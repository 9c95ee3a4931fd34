/**
 * Counts attempts by the state of the circuit breaker: none while it is open, a few while it tries,
 * and it does open soon after everything has begun to fail.
 */
import type { CircuitBreakerConfig } from "../../../src/config/config.ts";
import { promise } from "../promise.ts";
import type { BackendWorld } from "./backend_world.ts";
import { BREAKER_OPEN, type Witness } from "./witness.ts";

/** Attempts may be on their way when it opens, and it is looked at by the tick. */
const OPENING_MS = 15_000;

export class BreakerWitness implements Witness {
  #attempts = 0;
  /** Clients among them who were the first to try. */
  #trials = 0;
  #turnedAway = 0;
  #openedAtMs = -1;
  #closedAtMs = -1;
  #trips = 0;
  #before = "closed";

  constructor(
    readonly config: CircuitBreakerConfig,
    readonly failsAtMs: number,
    readonly worksAtMs: number,
  ) {}

  ticked(world: BackendWorld): void {
    const state = world.supervisor.breakerState();
    if (state === this.#before) return;
    if (state === "open") {
      this.#trips++;
      if (this.#openedAtMs < 0) this.#openedAtMs = world.nowMs;
      const isFailing = world.nowMs >= this.failsAtMs &&
        world.nowMs < this.worksAtMs + this.config.windowMs + this.config.openMs;
      promise(isFailing, `the breaker opens at ${world.nowMs / 1000} s without a reason`);
    }
    if (state === "closed") this.#closedAtMs = world.nowMs;
    this.#before = state;
  }

  tried(world: BackendWorld, slot: number): void {
    const isNew = world.connections.attempts[slot] === 1;
    promise(
      !isNew || this.#before !== "open",
      `nobody new is let through while the breaker is open, at ${world.nowMs / 1000} s`,
    );
    const { nowMs } = world;
    if (nowMs <= this.failsAtMs + OPENING_MS || nowMs >= this.worksAtMs) return;
    this.#attempts++;
    if (isNew) this.#trials++;
  }

  refused(_world: BackendWorld, _slot: number, why: number): void {
    if (why === BREAKER_OPEN) this.#turnedAway++;
  }

  conclude(): void {
    const { config, failsAtMs, worksAtMs } = this;
    promise(this.#openedAtMs >= 0, "the breaker opens");
    promise(
      this.#openedAtMs - failsAtMs <= OPENING_MS,
      `the breaker opens late, after ${(this.#openedAtMs - failsAtMs) / 1000} s`,
    );
    const rounds = Math.ceil((worksAtMs - failsAtMs) / config.openMs) + 1;
    const most = rounds * config.trials;
    promise(
      this.#trials <= most,
      `${this.#trials} clients tried behind a breaker, at most ${most}`,
    );
    promise(this.#before === "closed", `the breaker is ${this.#before} in the end`);
    promise(
      this.#closedAtMs <= worksAtMs + 2 * config.openMs + config.windowMs,
      `the breaker closes late, ${(this.#closedAtMs - worksAtMs) / 1000} s after`,
    );
  }

  figures(): string[] {
    return [
      `breaker open after ${((this.#openedAtMs - this.failsAtMs) / 1000).toFixed(1)} s, ` +
      `closed ${((this.#closedAtMs - this.worksAtMs) / 1000).toFixed(1)} s after the end; ` +
      `opened ${this.#trips} times, ${this.#trials} trials, ${this.#attempts} attempts, ` +
      `${this.#turnedAway} turned away`,
    ];
  }
}
