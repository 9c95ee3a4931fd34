/**
 * Assertions, always on. For what only this program can break: never on what a peer, the kernel's
 * load or the operator can cause. A failed assertion ends the worker; the supervisor restarts it.
 */
export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

/** @throws AssertionFailure when `condition` is false; `message` states what should have held. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}
