/**
 * Lines of tunnels that wait, first come, first served; a tunnel stands in one line at most and can
 * leave it from any place. Linked through two typed arrays for all lines together.
 *
 * Knows nothing of what they wait for; see proxy/tcp/pending_queue.ts.
 *
 * @hot
 */
import { assert } from "../base/assert.ts";

const NONE = -1;
/** Is added to numbers of tunnels in `#next`: so memory that was never written means ABSENT. */
const SHIFT = 2;
const ABSENT = 0 - SHIFT;

export class WaitingLines {
  /** Tunnels that wait, of all lines. */
  count = 0;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;

  constructor(tunnels: number, lines: number) {
    this.#next = new Int32Array(tunnels);
    this.#previous = new Int32Array(tunnels);
    this.#heads = new Int32Array(lines).fill(NONE);
    this.#tails = new Int32Array(lines).fill(NONE);
  }

  /** Who has waited longest, or -1. */
  first(line: number): number {
    return this.#heads[line];
  }

  join(line: number, tunnel: number): void {
    assert(this.#next[tunnel] - SHIFT === ABSENT, "a tunnel waits once");
    const last = this.#tails[line];
    this.#next[tunnel] = NONE + SHIFT;
    this.#previous[tunnel] = last;
    if (last === NONE) this.#heads[line] = tunnel;
    else this.#next[last] = tunnel + SHIFT;
    this.#tails[line] = tunnel;
    this.count++;
  }

  leave(line: number, tunnel: number): void {
    const next = this.#next[tunnel] - SHIFT;
    const previous = this.#previous[tunnel];
    assert(next !== ABSENT, "who leaves a line has stood in it");
    if (previous === NONE) this.#heads[line] = next;
    else this.#next[previous] = next + SHIFT;
    if (next === NONE) this.#tails[line] = previous;
    else this.#previous[next] = previous;
    this.#next[tunnel] = ABSENT + SHIFT;
    this.count--;
  }
}
