/**
 * The processes that the bench starts, each on one CPU, and their end.
 *
 * Everything is ended by its process number: first asked, then forced. Processes that they started
 * in turn (nginx's and Ringway's workers) are looked up before, because a worker whose parent was
 * forced would live on. A number alone may have been reused meanwhile, so it counts together with
 * the time its process was started.
 */
import { type ProcessStat, readStat } from "./process_usage.ts";

const GRACE_MS = 5000;
const POLL_MS = 20;

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly ended: Promise<Deno.CommandStatus>;
  /** Everything written so far, both streams together. */
  output(): string;
  /** Settles with what `pattern` found in the output; rejects when the process ends before. */
  saying(pattern: RegExp): Promise<RegExpExecArray>;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** All processes below `pid`, found by their parents. */
export function descendants(pid: number): ProcessStat[] {
  const all = Array.from(Deno.readDirSync("/proc"), (entry) => entry.name)
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat !== null);
  const found: ProcessStat[] = [];
  for (let open = [pid]; open.length > 0;) {
    const children = all.filter((stat) => open.includes(stat.parent));
    found.push(...children);
    open = children.map((stat) => stat.pid);
  }
  return found;
}

function isSame(stat: ProcessStat): boolean {
  const now = readStat(stat.pid);
  return now !== null && now.startTicks === stat.startTicks && now.state !== "Z";
}

function signal(pid: number, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}

export class Children {
  readonly #running = new Map<number, Child>();
  #closed = false;

  /** @throws Error when everything is being ended, or the program is missing. */
  start(
    name: string,
    core: number,
    command: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Child {
    if (this.#closed) throw new Error(`not starting ${name}: the bench is ending`);
    const child = new Deno.Command("taskset", {
      args: ["--cpu-list", String(core), ...command],
      env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", LC_ALL: "C", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let output = "";
    const collect = async (stream: ReadableStream<Uint8Array>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) output += text;
    };
    const streams = Promise.all([collect(child.stdout), collect(child.stderr)]);
    const ended = Promise.all([child.status, streams]).then(([status]) => {
      this.#running.delete(child.pid);
      return status;
    });
    const saying = async (pattern: RegExp) => {
      for (;;) {
        const found = pattern.exec(output);
        if (found !== null) return found;
        if (!this.#running.has(child.pid)) throw new Error(`${name} ended early:\n${output}`);
        await sleep(POLL_MS);
      }
    };
    const started = { name, pid: child.pid, ended, output: () => output, saying };
    this.#running.set(child.pid, started);
    return started;
  }

  isRunning(child: Child): boolean {
    return this.#running.has(child.pid);
  }

  /** Ends a process and what it started. */
  async end(child: Child): Promise<void> {
    if (!this.isRunning(child)) return;
    const below = descendants(child.pid);
    const deadlineMs = performance.now() + GRACE_MS;
    const leftover = () => below.filter(isSame);
    signal(child.pid, "SIGTERM");
    while ((this.isRunning(child) || leftover().length > 0) && performance.now() < deadlineMs) {
      await sleep(POLL_MS);
    }
    if (this.isRunning(child)) signal(child.pid, "SIGKILL");
    for (const stat of leftover()) signal(stat.pid, "SIGKILL");
    await child.ended;
  }

  /** Ends everything and starts nothing more. */
  async endAll(): Promise<void> {
    this.#closed = true;
    await Promise.all(Array.from(this.#running.values(), (child) => this.end(child)));
  }
}
