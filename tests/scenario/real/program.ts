/**
 * A program that users put in front of Ringway or behind it, started for a test: in a folder of its
 * own, on a port that was free, until the test ends. What it writes is kept for failures.
 *
 * The packages that they come in are installed by the test run; see scripts/setup.ts.
 */
import { signal } from "../process_table.ts";
import { until, within } from "../until.ts";
import { freePort, PROGRAM_HOST } from "./free_port.ts";

const STARTS_MAX = 3;
/** The system's programs too, which are on the path of root only. */
const PATH = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;

export interface ProgramPlan {
  /** The command line, to run in `folder`; what it replaces itself with keeps its pid. */
  readonly command: (folder: string, port: number) => readonly string[] | Promise<string[]>;
  /** Whether it serves. A throw means not yet. */
  readonly answers: (port: number) => boolean | Promise<boolean>;
  readonly hostname?: string;
  /** What ends it at once and cleanly; by default nothing asks it. */
  readonly endSignal?: Deno.Signal;
}

export class Program implements AsyncDisposable {
  /** Everything it wrote, standard error and output. */
  log = "";
  hasEnded = false;
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  readonly #endSignal: Deno.Signal;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  /** @param command is looked for on PATH and in the folders of system programs. */
  constructor(
    readonly command: readonly string[],
    { folder, endSignal = "SIGKILL" }: { folder?: string; endSignal?: Deno.Signal } = {},
  ) {
    const [program, ...args] = command;
    this.#child = new Deno.Command("env", {
      args: [`PATH=${PATH}`, "LC_ALL=C", program, ...args],
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#endSignal = endSignal;
    this.#input = this.#child.stdin.getWriter();
    this.#input.closed.catch(() => {}); // it has ended; that is seen elsewhere
    const written = [this.#follow(this.#child.stdout), this.#follow(this.#child.stderr)];
    this.ended = this.#child.status.then(async (status) => {
      this.hasEnded = true;
      await Promise.all(written);
      return status;
    });
  }

  async #follow(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) this.log += text;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** For failures. */
  get state(): string {
    return `--- ${this.command.join(" ")}\n${this.log}\n---`;
  }

  /** Writes to its standard input. */
  async tell(text: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(text));
  }

  /** Ends its standard input; many programs end then. */
  async endInput(): Promise<void> {
    await this.#input.close().catch(() => {});
  }

  /** Waits until it has written what `pattern` matches. @throws Error when it ends without. */
  async untilWritten(pattern: RegExp): Promise<RegExpExecArray> {
    return await until(`${this.command[0]} writes ${pattern}`, () => {
      const found = pattern.exec(this.log);
      if (found === null && this.hasEnded) throw new Error(`it ended without it\n${this.state}`);
      return found ?? undefined;
    }, { state: () => this.state });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasEnded) signal(this.pid, this.#endSignal);
    await within(`${this.command[0]} has ended`, this.ended, { state: () => this.state });
    await this.#input.abort().catch(() => {});
  }
}

/** A program that serves, on `hostname`:`port`. */
export class Service implements AsyncDisposable {
  constructor(
    readonly hostname: string,
    readonly port: number,
    readonly program: Program,
    readonly folder: string,
  ) {}

  /** As the configuration names it. */
  get address(): string {
    return `${this.hostname}:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** Starts it, on another port when somebody has taken the first, and waits until it serves. */
export async function startService(plan: ProgramPlan): Promise<Service> {
  const { hostname = PROGRAM_HOST, endSignal } = plan;
  for (let starts = 1;; starts++) {
    const folder = Deno.makeTempDirSync({ prefix: "ringway-program-" });
    const port = await freePort(hostname);
    const program = new Program(await plan.command(folder, port), { folder, endSignal });
    const service = new Service(hostname, port, program, folder);
    try {
      await until(`${program.command[0]} serves`, async () => {
        if (program.hasEnded) throw new Error(`it ended instead of serving\n${program.state}`);
        try {
          return await plan.answers(port);
        } catch {
          return false;
        }
      }, { state: () => program.state });
      return service;
    } catch (failure) {
      await service[Symbol.asyncDispose]();
      if (starts === STARTS_MAX || !/in use/i.test(program.log)) throw failure;
    }
  }
}

/** Runs a program to its end. @throws Error with all it wrote when its status is not 0. */
export async function runProgram(command: readonly string[], folder?: string): Promise<string> {
  await using program = new Program(command, { folder });
  await program.endInput();
  const { code } = await within(`${command[0]} has ended`, program.ended, {
    state: () => program.state,
  });
  if (code !== 0) throw new Error(`it ended with status ${code}\n${program.state}`);
  return program.log;
}

/** Whether something takes TCP connections there. */
export async function takesConnections(port: number, hostname = PROGRAM_HOST): Promise<boolean> {
  (await Deno.connect({ hostname, port })).close();
  return true;
}
