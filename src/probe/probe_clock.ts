/**
 * Time and chance as the prober takes them, so that a test can hand it its own: what is done in an
 * hour then takes no time, and every run the same way.
 */
export interface ProbeClock {
  /** Milliseconds that only go forward. */
  nowMs(): number;
  /** Milliseconds since 1970. */
  dateMs(): number;
  /** Calls back once; the result calls it off. */
  after(ms: number, callback: () => void): () => void;
  /** In [0, 1). */
  random(): number;
}

export const SYSTEM_CLOCK: ProbeClock = {
  nowMs: () => performance.now(),
  dateMs: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
