/**
 * How long a tunnel may rest: its idle timeout, once a half has ended the one for that as well, and
 * in times of need only a part of it. An entry in the timer wheel is only when to look again: bytes
 * that move do not touch the wheel.
 *
 * @hot
 */
import type { TimerWheel } from "./timer_wheel.ts";
import { ENDED, OPEN, type Tunnels } from "./tunnels.ts";

export class IdleLimit {
  readonly #clock: { readonly nowMs: number };
  readonly #tunnels: Tunnels;
  readonly #wheel: TimerWheel;
  /** Of its idle timeout a tunnel gets one part in so many. */
  #parts = 1;

  constructor(clock: { readonly nowMs: number }, tunnels: Tunnels, wheel: TimerWheel) {
    this.#clock = clock;
    this.#tunnels = tunnels;
    this.#wheel = wheel;
  }

  /** Sets when a tunnel is looked at next. */
  set(slot: number): void {
    this.#wheel.set(slot, this.#tunnels.activeMs[slot] + this.#silenceMs(slot));
  }

  /** Whether a tunnel that is looked at has rested too long; else it is looked at again. */
  isOver(slot: number): boolean {
    if (this.#tunnels.activeMs[slot] + this.#silenceMs(slot) <= this.#clock.nowMs) return true;
    this.set(slot);
    return false;
  }

  isHalfEnded(slot: number): boolean {
    const { flags } = this.#tunnels;
    return ((flags[slot * 2] | flags[slot * 2 + 1]) & ENDED) !== 0;
  }

  #silenceMs(slot: number): number {
    const { idleTimeoutMs, halfCloseTimeoutMs } = this.#tunnels;
    const idleMs = idleTimeoutMs[slot] / this.#parts;
    return this.isHalfEnded(slot) ? Math.min(idleMs, halfCloseTimeoutMs[slot]) : idleMs;
  }

  /** From now on tunnels get one part in so many of their idle timeout. */
  divide(parts: number): void {
    this.#parts = parts;
    for (let slot = 0; slot < this.#tunnels.capacity; slot++) {
      if (this.#tunnels.state[slot] === OPEN) this.set(slot);
    }
  }
}
