/**
 * One worker process as the supervisor sees it: started with its sockets, told by a pipe, heard by
 * a pipe. Knows nothing of restarts; see supervisor.ts.
 */
import type { Shim } from "../../ffi/shim.ts";
import { selfCommand } from "../../ffi/parts.ts";
import type { ControlMessage, Plan, WorkerMessage } from "../upstream/plan.ts";

/**
 * A worker makes no garbage when it serves; a small heap and no helper threads are enough. Which
 * line an instruction comes from is kept from the start: else the first stack trace, which every
 * worker makes before it may read no file any more (hardening.ts), has the whole program parsed
 * again, 25 ms of a start.
 */
const V8_FLAGS = [
  "--max-old-space-size=256",
  "--single-threaded-gc",
  "--no-enable-lazy-source-positions",
];

/** The above and, for those who measure, what RINGWAY_WORKER_V8_FLAGS adds (comma separated). */
function v8Flags(): string[] {
  const more = Deno.env.get("RINGWAY_WORKER_V8_FLAGS") ?? "";
  return [...V8_FLAGS, ...more.split(",").filter((flag) => flag !== "")];
}

/** How this program starts itself again as a worker. */
function workerCommand(): readonly string[] {
  const executable = selfCommand(v8Flags());
  if (executable !== null) return [...executable, "--worker"];
  const config = `${import.meta.dirname}/../../deno.json`;
  const flags = ["-A", "--quiet", "--no-check", "--cached-only", "--config", config];
  const main = import.meta.resolve("../main.ts");
  return [Deno.execPath(), "run", `--v8-flags=${v8Flags().join(",")}`, ...flags, main, "--worker"];
}

export class WorkerProcess {
  readonly pid: number;
  /** Settles when the process has ended and everything it wrote was handled. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #control: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();

  /** Starts the process; it inherits the fds that its plan names, and no others. */
  constructor(shim: Shim, plan: Plan, onMessage: (message: WorkerMessage) => void) {
    const sockets = plan.listeners.flatMap((listener) => listener.sockets);
    const inherited = [plan.sharedFd, ...sockets.map(({ fd }) => fd)];
    // Only around the fork: any other child must not keep our ports bound.
    for (const fd of inherited) shim.library.rw_close_on_exec(fd, 0);
    try {
      const [program, ...args] = workerCommand();
      this.#child = new Deno.Command(program, {
        args,
        // What the runtime says of a crash goes to the log of ours, where colors are rubbish.
        env: { NO_COLOR: "1" },
        stdin: "piped",
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
    } finally {
      for (const fd of inherited) shim.library.rw_close_on_exec(fd, 1);
    }
    this.pid = this.#child.pid;
    this.#control = this.#child.stdin.getWriter();
    this.#write(JSON.stringify(plan));
    this.ended = Promise.all([this.#child.status, this.#listen(onMessage)])
      .then(([status]) => status);
  }

  tell(message: ControlMessage): void {
    this.#write(JSON.stringify(message));
  }

  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended meanwhile; `ended` tells.
    }
  }

  #write(line: string): void {
    // A worker that is gone cannot be told; its end is handled where `ended` is awaited.
    this.#control.write(this.#encoder.encode(line + "\n")).catch(() => {});
  }

  async #listen(onMessage: (message: WorkerMessage) => void): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      rest += text;
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        try {
          onMessage(JSON.parse(line) as WorkerMessage);
        } catch {
          // Not a message: something of the runtime wrote there. Show it, as a person would want.
          onMessage({ type: "log", level: "warn", text: line });
        }
      }
    }
  }
}
