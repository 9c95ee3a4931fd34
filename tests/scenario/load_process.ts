/**
 * A process of a scenario that makes load or takes it, so that the test itself is not what is slow:
 * a program of these folders that tells what it has to tell in lines of JSON, may be told something
 * by lines, and is killed in the end, with all that it has started.
 */
import { pidsWithEnvironment, signal } from "./process_table.ts";
import { until, within } from "./until.ts";

export class LoadProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: unknown[] = [];
  readonly #reading: Promise<void>;
  readonly #name: string;
  /** Stands in the environment of all its processes, those of a load within a load too. */
  readonly #mark = `SCENARIO_LOAD_${crypto.randomUUID()}`;
  /** Where it makes its temporary files; it may be killed before it can remove them. */
  readonly #folder = Deno.makeTempDirSync({ prefix: "ringway-load-" });
  #hasEnded = false;

  /**
   * @param program the URL of a TypeScript file; `import.meta.resolve` gives it.
   * @param launcher put before the command line.
   */
  constructor(program: string, args: readonly string[], launcher: readonly string[] = []) {
    this.#name = program.slice(program.lastIndexOf("/") + 1);
    const run = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", program, ...args];
    const [command, ...rest] = [...launcher, ...run];
    this.#child = new Deno.Command(command, {
      args: rest,
      env: { [this.#mark]: "1", TMPDIR: this.#folder },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      this.#lines.push(...lines.map((line) => JSON.parse(line)));
    }
    this.#hasEnded = true;
  }

  /** The next line that it writes. @throws Error when it ends without one. */
  async next<T>(what: string, withinMs?: number): Promise<T> {
    return await until(`${this.#name} tells ${what}`, () => {
      if (this.#lines.length > 0) return this.#lines.shift() as T;
      if (this.#hasEnded) throw new Error(`${this.#name} ended and told nothing of ${what}`);
      return undefined;
    }, { withinMs });
  }

  /** Writes a line to its standard input. */
  async tell(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(line + "\n"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await until(`all processes of ${this.#name} have ended`, () => {
      const alive = pidsWithEnvironment(this.#mark);
      for (const pid of alive) signal(pid, "SIGKILL");
      return alive.length === 0;
    });
    await within(`${this.#name} has ended`, this.#child.status);
    await this.#input.abort().catch(() => {});
    await this.#reading;
    Deno.removeSync(this.#folder, { recursive: true });
  }
}
