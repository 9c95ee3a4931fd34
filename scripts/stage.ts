/**
 * One stage of a test run: a Deno command, bounded in time, with its output judged.
 *
 * Each stage runs in a process group of its own. A test may start programs, and a stage that is
 * stopped must take them along: what it leaves behind would hold its ports and its memory.
 */
import { bringTogether } from "./together.ts";

export interface Stage {
  readonly name: string;
  /** Arguments of the running Deno executable. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Test files that are run in few modules, see together.ts; not among `args`. */
  readonly together?: readonly string[];
  /** Passes output on as it comes; else it is shown only if the stage fails. */
  readonly live?: boolean;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface StageResult {
  readonly stage: Stage;
  readonly ok: boolean;
  readonly seconds: number;
  /** Where the stage ran tests. */
  readonly counts?: Counts;
  /** The failed tests, each with its place, or what else there is to say in a line. */
  readonly failures: readonly string[];
}

/** From the polite signal to the other one. */
const GRACE_MS = 2000;

/** @param deadlineMs on the clock of performance.now(); the stage is stopped then */
export async function runStage(
  stage: Stage,
  root: string,
  deadlineMs: number,
): Promise<StageResult> {
  const startMs = performance.now();
  const modules = stage.together === undefined ? null : bringTogether(root, stage.together);
  const child = new Deno.Command(Deno.execPath(), {
    args: [...stage.args, ...modules?.paths ?? []],
    cwd: root,
    env: { DENO_NO_UPDATE_CHECK: "1", ...colorEnv(), ...stage.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  let stopped = false;
  let killer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    stopped = true;
    signalGroup(child.pid, "SIGTERM");
    killer = setTimeout(() => signalGroup(child.pid, "SIGKILL"), GRACE_MS);
  };
  const interrupt = () => {
    signalGroup(child.pid, "SIGKILL");
    Deno.exit(130);
  };
  const timer = setTimeout(stop, Math.max(0, deadlineMs - startMs));
  Deno.addSignalListener("SIGINT", interrupt);
  Deno.addSignalListener("SIGTERM", interrupt);
  const chunks: Uint8Array[] = [];
  const ended = child.status.then((status) => {
    // A program that a test forgot would hold the pipes open, and this run with them.
    signalGroup(child.pid, "SIGKILL");
    return status;
  });
  const [{ success }] = await Promise.all([
    ended,
    collect(child.stdout, chunks, stage.live ? Deno.stdout : undefined),
    collect(child.stderr, chunks, stage.live ? Deno.stderr : undefined),
  ]);
  modules?.remove();
  clearTimeout(timer);
  clearTimeout(killer);
  Deno.removeSignalListener("SIGINT", interrupt);
  Deno.removeSignalListener("SIGTERM", interrupt);
  const output = await new Blob(chunks as Uint8Array<ArrayBuffer>[]).text();
  const ok = success && !stopped;
  if (!ok && !stage.live) console.log(failingPart(output));
  const seconds = (performance.now() - startMs) / 1000;
  const failures = findFailures(stripColors(output));
  if (stopped) {
    failures.push(`stopped: the time for the whole run was over after ${lastLine(output)}`);
  }
  return { stage, ok, seconds, counts: findCounts(stripColors(output)), failures };
}

/** The numbers of the last summary line that `deno test` printed. */
export function findCounts(output: string): Counts | undefined {
  const summary = output.match(/^(?:ok|FAILED) \| \d+ passed.*$/gm)?.at(-1);
  if (summary === undefined) return undefined;
  const read = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
  return { passed: read("passed"), failed: read("failed"), skipped: read("ignored") };
}

/** The lines below the last FAILURES of `deno test`: "name => ./file_test.ts:3:5". */
export function findFailures(output: string): string[] {
  const start = output.lastIndexOf("\n FAILURES \n");
  if (start < 0) return [];
  const lines = output.slice(start).split("\n").slice(2);
  const end = lines.findIndex((line) => line.startsWith("FAILED | "));
  return lines.slice(0, end).filter((line) => line.trim() !== "");
}

/** Of a test run the errors, of anything else all. */
function failingPart(output: string): string {
  const heading = /^.* ERRORS .*$/m.exec(stripColors(output))?.[0];
  const start = heading === undefined ? -1 : output.indexOf(" ERRORS ");
  return (start < 0 ? output : output.slice(output.lastIndexOf("\n", start) + 1)).trimEnd();
}

function lastLine(output: string): string {
  const lines = stripColors(output).split("\n").filter((line) => line.trim() !== "");
  return lines.length === 0 ? "no output" : `"${lines.at(-1)}"`;
}

function stripColors(text: string): string {
  // deno-lint-ignore no-control-regex -- colour codes are control characters
  return text.replace(/\x1b\[[0-9;]*m/g, "");
}

/** A pipe is no terminal to the child, so it is told what our own output is. */
function colorEnv(): Record<string, string> {
  return Deno.stdout.isTerminal() && !Deno.noColor ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" };
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  chunks: Uint8Array[],
  copy: { writeSync(bytes: Uint8Array): number } | undefined,
): Promise<void> {
  for await (const chunk of stream) {
    chunks.push(chunk);
    for (let sent = 0; copy !== undefined && sent < chunk.length;) {
      sent += copy.writeSync(chunk.subarray(sent));
    }
  }
}

function signalGroup(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-pid, signal);
  } catch (failure) {
    // The group may have ended by itself.
    if (!(failure instanceof Deno.errors.NotFound)) throw failure;
  }
}
