/**
 * A memory fence, for processes that talk through shared memory without locks: everything read
 * after it is read after everything that was written before it has been seen by the others.
 * Processors let a load pass an earlier store otherwise.
 */
const WORD = new Int32Array(1);

/** Any atomic operation on any word does. */
export function fence(): void {
  Atomics.add(WORD, 0, 1);
}
