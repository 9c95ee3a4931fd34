/**
 * The frame that every check runs in: it ends in time, ends once, and closes what it opened.
 *
 * A check opens sockets, hangs its callbacks on them, and settles whenever it knows enough. What a
 * hostile server makes happen after that is heard by nobody: the first outcome stands, and the
 * sockets are closed before it is returned.
 */
import { failureOutcome } from "./failure_outcome.ts";
import { failed, notAsked, type ProbeOutcome } from "./probe_outcome.ts";

/**
 * A timer that is so late shows that this process stood still. The runtime serves timers first, so
 * the answer may be there, unread: after a pause of the machine all servers would seem down.
 */
const HELD_UP_MS = 100;

/**
 * For the same reason nothing fails before what lies in the sockets is read: a program that was
 * busy for less than that, as at its start, must not take its own delay for the server's.
 */
const UNREAD_MS = 5;

/** What holds for a check of any kind. */
export interface CheckTerms {
  /** How long it may take. */
  readonly timeoutMs: number;
  /** What a failure says that was, where finding the way there took a part of it. */
  readonly statedMs?: number;
  /** Ends it early; its outcome is then worth nothing. */
  readonly signal: AbortSignal | null;
  /** Goes out before anything else; null: nothing. */
  readonly preface: Uint8Array | null;
}

/** A check under way. */
export interface Talk {
  /** What it lacks at this moment, such as "no answer". */
  missing(): string;
  /** Settles when its files are closed; called once. */
  close(): Promise<void>;
}

/** @param begin may throw, but then it has to leave nothing open. */
export async function runTalk(
  terms: CheckTerms,
  begin: (settle: (outcome: ProbeOutcome) => void) => Talk,
): Promise<ProbeOutcome> {
  const { timeoutMs, statedMs = timeoutMs, signal } = terms;
  if (signal?.aborted) return notAsked("stopped");
  const { promise, resolve } = Promise.withResolvers<ProbeOutcome>();
  const stop = () => resolve(notAsked("stopped"));
  signal?.addEventListener("abort", stop);
  let talk: Talk | null = null;
  const startMs = performance.now();
  let timer = setTimeout(() => {
    const heldUpMs = Math.round(performance.now() - startMs - timeoutMs);
    timer = setTimeout(() => {
      const text = `${talk?.missing() ?? "no answer"} within ${statedMs} ms`;
      if (heldUpMs < HELD_UP_MS) resolve(failed(text));
      else resolve(notAsked(`${text}, but this program was held up for ${heldUpMs} ms`));
    }, UNREAD_MS);
  }, timeoutMs);
  try {
    talk = begin(resolve);
    return await promise;
  } catch (error) {
    return failureOutcome(error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    await talk?.close();
  }
}
