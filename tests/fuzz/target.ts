/**
 * A fuzz target: a pure function from bytes that throws when a promise is broken.
 *
 * Everything else (what the bytes are, how long to go on, how a failure is shown) belongs to
 * fuzz_run.ts, so that a parser is fuzzed for the price of one function and one line in targets.ts.
 */
export interface FuzzTarget {
  readonly name: string;
  /** Throws when the code under test broke one of its promises for this input. */
  readonly run: (input: Uint8Array) => void;
  /** Folders, relative to the root, whose files are where mutations begin. */
  readonly folders?: readonly string[];
  /** What to put in: words of the language that is parsed. */
  readonly words?: readonly string[];
}

/** @throws Error that names the broken promise. */
export function promise(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`broken promise: ${what}`);
}
