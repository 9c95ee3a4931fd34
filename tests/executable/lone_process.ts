/**
 * The executable serving in an empty root: process 1 of its own namespace, seen from outside. Its
 * configuration comes by standard input, because there is no file.
 */
import { inEmptyRoot, PROGRAM_PATH } from "../../scripts/compile/empty_root.ts";
import { carries } from "../../scripts/compile/trial.ts";
import { childrenOf } from "../scenario/process_table.ts";
import { until } from "../scenario/until.ts";

const SIGTERM = 15;

export interface LoneOptions {
  readonly user?: number;
  readonly writable?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

export class LoneProcess {
  readonly startMs = performance.now();
  readonly ended: Promise<Deno.CommandStatus>;
  /** What it wrote. */
  log = "";
  readonly #child: Deno.ChildProcess;
  #pid = 0;

  /** @param root of makeEmptyRoot() */
  constructor(root: string, config: string, options: LoneOptions = {}) {
    const [program, ...args] = [...inEmptyRoot(root, options), PROGRAM_PATH, "serve", "-c", "-"];
    this.#child = new Deno.Command(program, {
      args,
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH")!, ...options.environment },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const written = [this.#child.stdout, this.#child.stderr].map((stream) => this.#follow(stream));
    this.ended = Promise.all([this.#child.status, ...written]).then(([status]) => status);
    const writer = this.#child.stdin.getWriter();
    writer.write(new TextEncoder().encode(config)).then(() => writer.close()).catch(() => {});
  }

  async #follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) this.log += text;
  }

  /** Waits until it relays; the milliseconds from its start, as the first client has them. */
  async untilRelaying(port: number): Promise<number> {
    await until("a byte comes through", () => carries(port), { state: () => this.log });
    return performance.now() - this.startMs;
  }

  /** The process that is number 1 inside: the child of who made the namespace. */
  async pid(): Promise<number> {
    if (this.#pid !== 0) return this.#pid;
    this.#pid = await until("it has started", () => childrenOf(this.#child.pid)[0]);
    return this.#pid;
  }

  async workerPids(): Promise<number[]> {
    const pid = await this.pid();
    return childrenOf(pid);
  }

  /** Waits until signals are kept for it that nobody hears yet. */
  async untilSignalsWait(): Promise<void> {
    const path = `/proc/${await this.pid()}/status`;
    await until("SIGTERM is blocked", () => {
      const blocked = /^SigBlk:\s*([0-9a-f]+)$/m.exec(Deno.readTextFileSync(path))?.[1] ?? "0";
      return (parseInt(blocked.slice(-8), 16) & 1 << SIGTERM - 1) !== 0;
    });
  }

  async signal(name: Deno.Signal): Promise<void> {
    Deno.kill(await this.pid(), name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Its end is that of all processes in its namespace.
    for (const pid of childrenOf(this.#child.pid)) Deno.kill(pid, "SIGKILL");
    await this.ended;
  }
}
