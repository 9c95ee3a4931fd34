/**
 * How a person writes a command of this program: by its name where it is an executable, by a task
 * where it runs from its source.
 */
import { shimPath } from "../../ffi/parts.ts";

/** @param words the verb and what follows it. */
export function ownCommand(words: string, isExecutable = shimPath() !== null): string {
  if (isExecutable) return `ringway ${words}`;
  return /^serve\b/.test(words) ? `deno task ${words}` : `deno task ringway ${words}`;
}
