/**
 * Waits for a condition by asking again and again, for a bounded time. No test sleeps: it says what
 * it waits for, goes on as soon as that is so, and when it never is the failure tells what was
 * waited for and the last state.
 */
const ASK_INTERVAL_MS = 10;
/** Long, because only a failing test waits for its end, and machines may be busy. */
const PATIENCE_MS = 20_000;

export interface Patience {
  /** What to show when the wait was in vain. */
  readonly state?: () => string;
  readonly withinMs?: number;
}

/**
 * Settles with what `condition` gives once that is neither false nor undefined.
 * @throws Error naming `what`, after `withinMs`.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  { state, withinMs = PATIENCE_MS }: Patience = {},
): Promise<Exclude<T, false | undefined>> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const given = await condition();
    if (given !== false && given !== undefined) return given as Exclude<T, false | undefined>;
    if (performance.now() > deadlineMs) {
      throw new Error(`waited ${withinMs} ms in vain until ${what}\n${state?.() ?? ""}`);
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_INTERVAL_MS));
  }
}

/** Settles as `promise` does. @throws Error naming `what` when it takes longer than `withinMs`. */
export async function within<T>(
  what: string,
  promise: Promise<T>,
  { state, withinMs = PATIENCE_MS }: Patience = {},
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited ${withinMs} ms in vain until ${what}\n${state?.() ?? ""}`));
    }, withinMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
