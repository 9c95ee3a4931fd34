/**
 * The program in a container made of the image's root file system, as one that a runtime has
 * started: watched by its log, asked by commands that run inside, ended by a signal to its first
 * process. See container_launcher.ts for what such a container is.
 */
import { followLines } from "../scenario/line_log.ts";
import { childrenOf, isAlive, signal } from "../scenario/process_table.ts";
import { until, within } from "../scenario/until.ts";
import { CONTAINER_USER, type ContainerOptions, inContainer } from "./container_launcher.ts";

/** What the image says of itself (config/container/Dockerfile). */
const PROGRAM = "/usr/bin/ringway";
const ENVIRONMENT = { RUNTIME_DIRECTORY: "/run/ringway" };
const VISITOR = new URL("./container_visitor.ts", import.meta.url).pathname;

/** What perl and util-linux need of the machine's environment. */
function launcherEnvironment(): Record<string, string> {
  return { PATH: Deno.env.get("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin", ...ENVIRONMENT };
}

export class Container {
  /** Standard error and output, by line. */
  readonly log: string[] = [];
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #launcher: Deno.ChildProcess;
  #hasEnded = false;

  constructor(options: ContainerOptions, args: readonly string[]) {
    const [program, ...rest] = [...inContainer(options), PROGRAM, ...args];
    this.#launcher = new Deno.Command(program, {
      args: rest,
      clearEnv: true,
      env: launcherEnvironment(),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const written = [this.#launcher.stdout, this.#launcher.stderr]
      .map((stream) => followLines(stream, this.log));
    this.ended = this.#launcher.status.then(async (status) => {
      this.#hasEnded = true;
      await Promise.all(written);
      return status;
    });
  }

  get state(): string {
    return `--- log\n${this.log.join("\n")}\n---`;
  }

  async untilLogged(text: string): Promise<string> {
    return await until(`the log says "${text}"`, () => {
      const line = this.log.find((line) => line.includes(text));
      if (line === undefined && this.#hasEnded) throw new Error(`it ended\n${this.state}`);
      return line;
    }, { state: () => this.state });
  }

  /** Its exit status. */
  async exitCode(): Promise<number> {
    return (await within("it has ended", this.ended, { state: () => this.state })).code;
  }

  /** Number 1 inside, by its number outside; undefined when it is not there, or not any more. */
  #findFirst(): number | undefined {
    return childrenOf(this.#launcher.pid)[0];
  }

  get first(): number {
    const pid = this.#findFirst();
    if (pid === undefined) throw new Error(`the container has no process\n${this.state}`);
    return pid;
  }

  /** Into its network; who is not root must enter its user namespace to do so. */
  #enter(): string[] {
    const user = Deno.uid() === 0 ? [] : ["--user", "--preserve-credentials"];
    return ["nsenter", "--target", String(this.first), ...user, "--net"];
  }

  /** Runs a command of the program inside, as `docker exec` does. */
  async run(args: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
    const user = Deno.uid() === 0
      ? ["--setuid", String(CONTAINER_USER), "--setgid", String(CONTAINER_USER)]
      : [];
    const [program, ...rest] = [
      ...[...this.#enter(), "--mount", "--pid", "--root", "--wd", ...user, "--"],
      ...[PROGRAM, ...args],
    ];
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: rest,
      clearEnv: true,
      env: launcherEnvironment(),
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  }

  /** Starts a client with a server of its own in the container's network. */
  visit(): Visitor {
    return new Visitor([...this.#enter(), "--", Deno.execPath(), "run", "-A", "--quiet", VISITOR]);
  }

  signal(name: Deno.Signal): void {
    signal(this.first, name);
  }

  /** The end of process 1 is the end of all. */
  async [Symbol.asyncDispose](): Promise<void> {
    const pid = this.#findFirst();
    if (pid !== undefined) signal(pid, "SIGKILL");
    signal(this.#launcher.pid, "SIGKILL");
    await this.ended;
    if (pid !== undefined) await until("nothing of it is left", () => !isAlive(pid));
  }
}

/** See container_visitor.ts: it says a line for each thing done, and goes on when it is told to. */
export class Visitor {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor([program, ...args]: readonly string[]) {
    this.#child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** What it says next. */
  async hear(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await within("the visitor speaks", this.#lines.read());
      if (done) throw new Error(`the visitor has ended, having said "${this.#rest}"`);
      this.#rest += value;
    }
    const [line, ...more] = this.#rest.split("\n");
    this.#rest = more.join("\n");
    return line;
  }

  async goOn(): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    writer.releaseLock();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    signal(this.#child.pid, "SIGKILL");
    await this.#lines.cancel();
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
  }
}
