/**
 * The connections of a simulated backend's clients, in all workers: struct of arrays by slot, as
 * the tunnels of a worker are. A slot's generation moves on when its connection ends, so that what
 * was planned for it before means nobody.
 */
import { ATTEMPTS_MAX } from "../../../src/limits.ts";

export const FREE = 0;
/** A connect is on its way. */
export const CONNECTING = 1;
/** Connected, and the server works on the request. */
export const WAITING = 2;
/** Answered, and still open. */
export const OPEN = 3;

const CAPACITY = 1 << 15;

export class Connections {
  readonly capacity = CAPACITY;
  openCount = 0;
  readonly state = new Uint8Array(CAPACITY);
  readonly generation = new Int32Array(CAPACITY);
  readonly worker = new Uint8Array(CAPACITY);
  readonly server = new Int16Array(CAPACITY);
  readonly hash = new Uint32Array(CAPACITY);
  readonly attempts = new Uint8Array(CAPACITY);
  readonly tried = new Int16Array(CAPACITY * ATTEMPTS_MAX);
  /** When the client came; when its server was asked. */
  readonly cameAtMs = new Float64Array(CAPACITY);
  readonly askedMs = new Float64Array(CAPACITY);
  /** How long it stays open after its first answer. */
  readonly stayMs = new Float64Array(CAPACITY);
  readonly #free = Int32Array.from({ length: CAPACITY }, (_, i) => i);

  /** A slot for a new one. */
  take(): number {
    if (this.openCount === CAPACITY) throw new Error("the scene has more connections than slots");
    const slot = this.#free[this.openCount++];
    this.attempts[slot] = 0;
    this.server[slot] = -1;
    this.state[slot] = CONNECTING;
    return slot;
  }

  give(slot: number): void {
    this.state[slot] = FREE;
    this.generation[slot]++;
    this.#free[--this.openCount] = slot;
  }
}
