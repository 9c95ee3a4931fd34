/**
 * Keeps accepts armed on one listener: a bank of single-shot accepts, each with an address slot of
 * its own, so that the peer's address comes with the connection (a multishot accept has none).
 *
 * Armed are never more than the worker has free tunnel slots, so an accepted connection always
 * has a place. Out of fds the bank rests and is filled again by the clock.
 *
 * A limit that holds over all workers may be reached by another one while our accepts are armed.
 * What they bring then waits here, first come, first served, and no accept is armed meanwhile; so
 * those who wait and those who are armed are ACCEPTS_ARMED_MAX together at most.
 *
 * @hot
 */
import { assert } from "../../base/assert.ts";
import { ACCEPT_PAUSE_MS, ACCEPTS_ARMED_MAX } from "../../limits.ts";
import { ACCEPT, type Ring } from "../../ring/ring.ts";

export class AcceptBank {
  readonly fd: number;
  armedCount = 0;
  /** Accepting rests until then, in the ring's milliseconds; 0 when it does not. */
  restsUntilMs = 0;
  stopped = false;
  waitingCount = 0;
  readonly #waiting = new Int32Array(ACCEPTS_ARMED_MAX);
  readonly #ring: Ring;
  readonly #firstSlot: number;
  readonly #armed = new Uint8Array(ACCEPTS_ARMED_MAX);

  /** @param firstSlot its first of ACCEPTS_ARMED_MAX address slots; also the operations' index. */
  constructor(ring: Ring, fd: number, firstSlot: number) {
    this.#ring = ring;
    this.fd = fd;
    this.#firstSlot = firstSlot;
  }

  /** The address slot of connections that are accepted without an operation. */
  get spareSlot(): number {
    assert(this.stopped && this.armedCount === 0, "no operation uses it any more");
    return this.#firstSlot;
  }

  /** Arms accepts until `room` are armed, or the bank is full. */
  arm(room: number): void {
    if (this.stopped || this.restsUntilMs > this.#ring.nowMs) return;
    this.restsUntilMs = 0;
    const places = ACCEPTS_ARMED_MAX - this.waitingCount;
    const target = room < places ? room : places;
    for (let i = 0; i < ACCEPTS_ARMED_MAX && this.armedCount < target; i++) {
      if (this.#armed[i] === 1) continue;
      this.#armed[i] = 1;
      this.armedCount++;
      this.#ring.accept(this.fd, this.#firstSlot + i, ACCEPT, this.#firstSlot + i, 0);
    }
  }

  /** One of its accepts has completed. */
  onCompletion(slot: number): void {
    const i = slot - this.#firstSlot;
    assert(this.#armed[i] === 1, "an accept completes once");
    this.#armed[i] = 0;
    this.armedCount--;
  }

  /** A tunnel that was accepted has to wait for room. */
  wait(tunnel: number): void {
    assert(this.waitingCount < ACCEPTS_ARMED_MAX, "who waits took the place of an accept");
    this.#waiting[this.waitingCount++] = tunnel;
  }

  /** The tunnel that has waited longest, which waits no more; -1 when there is none. */
  admit(): number {
    if (this.waitingCount === 0) return -1;
    const tunnel = this.#waiting[0];
    this.#waiting.copyWithin(0, 1, this.waitingCount--);
    return tunnel;
  }

  rest(): void {
    this.restsUntilMs = this.#ring.nowMs + ACCEPT_PAUSE_MS;
  }

  /** Arms no more accepts; those in flight complete, most as cancelled. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    if (this.armedCount > 0) this.#ring.cancelAll(this.fd);
  }
}
