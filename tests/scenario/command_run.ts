/**
 * Runs a command of the program to its end, as from a shell: what it wrote where, and its status.
 */
import { RUN_MAIN } from "./ringway_process.ts";

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function runRingway(
  args: readonly string[],
  options: { readonly folder?: string; readonly environment?: Record<string, string> } = {},
): Promise<CommandResult> {
  const [program, ...rest] = [...RUN_MAIN, ...args];
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: rest,
    cwd: options.folder,
    env: options.environment,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}
