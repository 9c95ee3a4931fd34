/**
 * What the simulation holds the worker to: a condition with the words for its failure.
 */
export class BrokenPromise extends Error {
  override readonly name = "BrokenPromise";
}

/** @throws BrokenPromise */
export function promise(condition: boolean, what: string): asserts condition {
  if (!condition) throw new BrokenPromise(what);
}
