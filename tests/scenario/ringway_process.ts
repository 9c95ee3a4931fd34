/**
 * Ringway as a user starts it, `main.ts serve -c FILE` or the executable, in a process of its own,
 * with a folder of its own for configuration and admin socket. It is watched through what any user
 * has: its log, `status`, its pids, its exit status.
 *
 * Disposing of it kills every process that it started, by pid, also after a test has failed; and
 * fails if a worker has counted a bug, or one has crashed: whoever is replaced in milliseconds is
 * easily overlooked. The folder's path is in the environment of all of them,
 * which is how those are found whose supervisor was killed.
 */
import { fetchSnapshot } from "../../src/admin/admin_client.ts";
import type { Snapshot } from "../../src/supervisor/snapshot.ts";
import { followLines } from "./line_log.ts";
import { isAlive, pidsWithEnvironment, signal } from "./process_table.ts";
import { until, within } from "./until.ts";

export const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const MAIN = `${ROOT}/src/main.ts`;
/** The executable that is tested in place of the sources, where a test run names one. */
const PROGRAM = Deno.env.get("RINGWAY_PROGRAM");
/** How this program is run by hand. */
export const RUN_MAIN = PROGRAM === undefined
  ? [Deno.execPath(), "run", "-A", "--quiet", "--no-check", MAIN]
  : [PROGRAM.startsWith("/") ? PROGRAM : `${ROOT}/${PROGRAM}`];

/** Of what would tell the program something only what a whole test run is for. */
const PASSED_ON = ["RINGWAY_IO"];

function inheritedEnvironment(): Record<string, string> {
  const entries = Object.entries(Deno.env.toObject());
  return Object.fromEntries(
    entries.filter(([name]) =>
      PASSED_ON.includes(name) || !name.startsWith("RINGWAY_") && name !== "INIT_CWD"
    ),
  );
}

/**
 * Lines of a log that no test asks for: assertions, errors that nobody caught, ends of workers that
 * nobody has told to end. Being killed is no crash, because tests do that, and the supervisor.
 */
const CRASH = /AssertionFailure|internal error|error: Uncaught|died of SIG(?!KILL|TERM|INT)/;
const ENDED_BY_ITSELF = /ended with [1-9][0-9]*; starting another/;
/** The end of a program whose workers never came to be: its answer, for which tests ask. */
const GIVEN_UP = "workers do not start; giving up";

/** The first line that tells of a crash. */
export function findCrash(log: readonly string[]): string | undefined {
  const isGivenUp = log.some((line) => line.includes(GIVEN_UP));
  return log.find((line) => CRASH.test(line) || !isGivenUp && ENDED_BY_ITSELF.test(line));
}

export interface LaunchOptions {
  /** Put before the command line: a program that changes limits or privileges and executes it. */
  readonly launcher?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** To start it in. */
  readonly folder?: string;
  /** Where the configuration puts the admin socket, if not in its default place. */
  readonly socket?: string;
  /** Instead of `serve -c FILE` of the program; the file is not written then. */
  readonly command?: readonly string[];
}

export class RingwayProcess {
  /** Of the process started; the supervisor's unless a launcher stays in between. */
  readonly pid: number;
  /** Its temporary folder, and that of configuration and admin socket. */
  readonly folder: string;
  readonly configFile: string;
  /** Of its admin interface; the default place unless the configuration names another. */
  readonly socket: string;
  /** Everything it wrote, standard error and output, by line. */
  readonly log: string[] = [];
  readonly ended: Promise<Deno.CommandStatus>;
  hasEnded = false;
  #snapshot: Snapshot | null = null;

  constructor(config: string, options: LaunchOptions) {
    this.folder = Deno.makeTempDirSync({ prefix: "ringway-scenario-" });
    this.configFile = `${this.folder}/ringway.yaml`;
    this.socket = options.socket ?? `${this.folder}/ringway.sock`;
    Deno.writeTextFileSync(this.configFile, config);
    const serve = [...RUN_MAIN, "serve", "-c", this.configFile];
    const [program, ...args] = [...options.launcher ?? [], ...options.command ?? serve];
    const child = new Deno.Command(program, {
      args,
      cwd: options.folder,
      clearEnv: true,
      env: {
        ...inheritedEnvironment(),
        ...options.environment,
        // The default place of the admin socket, and the mark by which its processes are found.
        RUNTIME_DIRECTORY: this.folder,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = child.pid;
    const written = [child.stdout, child.stderr].map((stream) => followLines(stream, this.log));
    this.ended = child.status.then(async (status) => {
      this.hasEnded = true;
      await Promise.all(written);
      return status;
    });
  }

  /** For failures: what is known at this moment. */
  get state(): string {
    const snapshot = JSON.stringify(this.#snapshot, null, 1);
    return `--- last status\n${snapshot}\n--- log\n${this.log.join("\n")}\n---`;
  }

  async snapshot(): Promise<Snapshot> {
    this.#snapshot = await fetchSnapshot(this.socket);
    return this.#snapshot;
  }

  /** Waits until `condition` of the status is true; the status that met it. */
  async until(
    what: string,
    condition: (snapshot: Snapshot) => boolean,
    withinMs?: number,
  ): Promise<Snapshot> {
    return await until(what, async () => {
      const snapshot = await this.snapshot();
      return condition(snapshot) && snapshot;
    }, { state: () => this.state, withinMs });
  }

  /**
   * Waits until every worker has turned `count` times more: whatever was due has happened then, so
   * that a test may say that something did not.
   */
  async untilTurned(count: number): Promise<Snapshot> {
    const turns = ({ workers }: Snapshot) =>
      workers.map(({ counters }) => counters["ringway_worker_turns_total"]);
    const before = turns(await this.snapshot());
    return await this.until(`every worker has turned ${count} times more`, (snapshot) => {
      return turns(snapshot).every((each, worker) => each >= before[worker] + count);
    });
  }

  /** Waits until a line of the log holds `text`; that line. */
  async untilLogged(text: string, withinMs?: number): Promise<string> {
    return await until(`the log says "${text}"`, () => {
      return this.log.find((line) => line.includes(text));
    }, { state: () => this.state, withinMs });
  }

  /** Waits until all workers serve. @throws Error with the log when it ends instead. */
  async untilServing(): Promise<this> {
    await until("it serves", async () => {
      if (this.hasEnded) throw new Error(`it ended instead of serving\n${this.state}`);
      try {
        return (await this.snapshot()).workers.every(({ state }) => state === "serving");
      } catch {
        return false; // the admin socket is not there yet
      }
    }, { state: () => this.state });
    return this;
  }

  /** Waits for the end of the process started; its exit status. */
  async exitCode(withinMs?: number): Promise<number> {
    const patience = { state: () => this.state, withinMs };
    return (await within("it has ended", this.ended, patience)).code;
  }

  /** Port of a listener, the first one unless named. As last seen: it never changes. */
  port(listener?: string): number {
    const listeners = this.#snapshot?.listeners ?? [];
    const found = listeners.find(({ name }) => listener === undefined || name === listener);
    if (found === undefined) throw new Error(`no listener "${listener}"\n${this.state}`);
    return found.port;
  }

  /** As last seen. */
  get workerPids(): readonly number[] {
    return this.#snapshot?.workers.map(({ pid }) => pid) ?? [];
  }

  kill(name: Deno.Signal): void {
    signal(this.pid, name);
  }

  /** Every process of it that is alive, orphans too. */
  get processes(): number[] {
    return pidsWithEnvironment(`RUNTIME_DIRECTORY=${this.folder}\0`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    let bugs = 0;
    try {
      bugs = workerCount(await this.snapshot(), "ringway_worker_bugs_total");
    } catch {
      // It does not answer any more; then there is nothing to be asked.
    }
    await until("every process of it has ended", () => {
      const alive = this.processes;
      for (const pid of alive) signal(pid, "SIGKILL");
      return alive.length === 0 && !isAlive(this.pid);
    }, { state: () => this.state });
    await this.ended;
    Deno.removeSync(this.folder, { recursive: true });
    if (bugs > 0) throw new Error(`${bugs} bugs were counted\n${this.state}`);
    const crash = findCrash(this.log);
    if (crash !== undefined) throw new Error(`it crashed: ${crash}\n${this.state}`);
  }
}

/** A counter of workers by its public name, summed over all. */
export function workerCount(snapshot: Snapshot, name: string): number {
  return snapshot.workers.reduce((sum, { counters }) => {
    if (counters[name] === undefined) throw new Error(`no counter "${name}"`);
    return sum + counters[name];
  }, 0);
}

/** Starts it without waiting; the admin socket is where `status` finds it by default. */
export function launchRingway(config: string, options: LaunchOptions = {}): RingwayProcess {
  return new RingwayProcess(config, options);
}

/** Starts it and waits until it serves. */
export async function startRingway(
  config: string,
  options: LaunchOptions = {},
): Promise<RingwayProcess> {
  const ringway = launchRingway(config, options);
  try {
    return await ringway.untilServing();
  } catch (failure) {
    await ringway[Symbol.asyncDispose]();
    throw failure;
  }
}
