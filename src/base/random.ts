/**
 * A small seeded generator, so that whoever needs chance is handed it and a run can be repeated:
 * Marsaglia's xorshift32 (Journal of Statistical Software 8, 2003). Not for secrets.
 */
export class Random {
  #state: number;

  /** Any seed; zero, the generator's only fixed point, is replaced. */
  constructor(seed: number) {
    this.#state = (Math.imul(seed | 0, 0x9e3779b1) ^ 0x5bd1e995) | 0;
    if (this.#state === 0) this.#state = 1;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** Unsigned 32-bit, never zero. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** An integer in [0, end). */
  below(end: number): number {
    return Math.floor(this.next() / 0x100000000 * end);
  }

  /** True once in `n` on average. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }
}
