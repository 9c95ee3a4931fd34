/**
 * Runs the outside programs that set-up needs, and says what happens while they run.
 *
 * Set-up is quiet when nothing is to do, so each line printed here marks work: one line when a step
 * begins, one more every ten seconds while a slow one lasts, on stderr, because stdout belongs to
 * the program that runs next. A program that fails ends set-up with a `SetupFailure`, whose text
 * names the cause and the remedy; its stack would tell the reader nothing and is not shown.
 */

/** A failure that the person at the terminal can mend; the message says how. */
export class SetupFailure extends Error {
  override readonly name = "SetupFailure";
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** What is being done, for the lines printed while it lasts: "fetching zig 0.16.0". */
  readonly step: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The program draws its own progress: it gets the terminal, if there is one. */
  readonly showsProgress?: boolean;
}

export interface Outcome {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** No step lasts this long unless it hangs, for instance on a network that answers nothing. */
const COMMAND_TIMEOUT_MS = 15 * 60 * 1000;
const HEARTBEAT_MS = 10 * 1000;

export function announce(line: string): void {
  console.error(`setup: ${line}`);
}

/** Runs `command` to its end. A program that cannot be started counts as one that failed. */
export async function run(command: Command): Promise<Outcome> {
  const terminal = command.showsProgress === true && Deno.stderr.isTerminal();
  const startMs = performance.now();
  const heartbeat = setInterval(() => {
    const elapsed = Math.round((performance.now() - startMs) / 1000);
    if (!terminal) announce(`still ${command.step} (${elapsed} s) ...`);
  }, HEARTBEAT_MS);
  try {
    const output = await new Deno.Command(command.program, {
      args: [...command.args],
      cwd: command.cwd,
      env: { DENO_NO_UPDATE_CHECK: "1", LC_ALL: "C", ...command.env },
      stdin: "null",
      stdout: "piped",
      stderr: terminal ? "inherit" : "piped",
      signal: AbortSignal.timeout(COMMAND_TIMEOUT_MS),
    }).output();
    const stderr = terminal ? "" : decodePlain(output.stderr);
    return { ok: output.success, stdout: decodePlain(output.stdout), stderr };
  } catch (cause) {
    return { ok: false, stdout: "", stderr: cause instanceof Error ? cause.message : `${cause}` };
  } finally {
    clearInterval(heartbeat);
  }
}

/** What an error output says most: its first line that calls itself an error, and the cause. */
export function errorLine(outcome: Outcome): string {
  const lines = outcome.stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const error = lines.find((line) => /^(E:|error:)/i.test(line)) ?? lines.at(-1);
  if (error === undefined) return "the program said nothing";
  const causeIndex = lines.indexOf("Caused by:") + 1;
  const cause = causeIndex > 0 ? ` (${lines[causeIndex].replace(/^0: /, "")})` : "";
  return error.replace(/^(E|error): */i, "") + cause;
}

/** The first `program` on PATH, or undefined. Reads folders only: no process is started. */
export function findProgram(program: string): string | undefined {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    const path = `${folder}/${program}`;
    if (folder !== "" && isFile(path)) return path;
  }
  return undefined;
}

export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function decodePlain(bytes: Uint8Array): string {
  // deno-lint-ignore no-control-regex -- colour codes are control characters
  return new TextDecoder().decode(bytes).replace(/\x1b\[[0-9;]*m/g, "");
}
