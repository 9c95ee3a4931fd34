/**
 * Texts of the machine: files of /proc, /sys and /etc, of which any may be missing or not for us.
 * What is not there is an answer here, never a failure. Those who read take the function as an
 * argument, so that their tests need no such machine.
 */
export type ReadText = (path: string) => string | null;

/** The text of a file; null when there is none, or none for us. */
export function readText(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
}
