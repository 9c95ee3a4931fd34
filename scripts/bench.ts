/**
 * The bench: Ringway against nginx (stream), HAProxy (mode tcp) and, where names are asked for,
 * dnsdist, on this machine, in one run. `deno task bench --help` tells the options; setup.ts has
 * installed the peers before.
 *
 * Each proxy has one core; load generator, origin and this program share another. The cases and the
 * goals stand in bench/goal.ts, what belongs to each case in bench/measurement.ts, what a round
 * measures in bench/load_case.ts and memory_case.ts. A missed goal is printed as one, and the exit
 * status is 0 all the same: it tells whether measuring worked. 1 means that it did not, 2 a bad
 * command line, 128 and the signal's number an interrupt.
 *
 * Progress goes to stderr and the result to stdout, so that `--markdown > page.md` holds a page.
 */
import { drawChart } from "./bench/chart.ts";
import { Children } from "./bench/children.ts";
import type { Workbench } from "./bench/contender.ts";
import { chooseCores, type CorePair, readAllowedCpus, readSiblings } from "./bench/cores.ts";
import { readMachine } from "./bench/machine.ts";
import { measureCases } from "./bench/measurement.ts";
import { findObstacle, readMeans } from "./bench/obstacle.ts";
import { type BenchOptions, readOptions, USAGE, UsageError } from "./bench/options.ts";
import { listPrograms } from "./bench/program.ts";
import { makeReport, type Report } from "./bench/report.ts";
import { renderPage, renderTerminal } from "./bench/report_table.ts";
import { SetupFailure } from "./command.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const SIGNALS = [["SIGHUP", 129], ["SIGINT", 130], ["SIGTERM", 143]] as const;

function tell(line: string): void {
  console.error(`bench: ${line}`);
}

/** Moves this program off the proxies' core; a thread that ends meanwhile is no reason to stop. */
async function stayOn(core: number): Promise<void> {
  const args = ["--all-tasks", "--cpu-list", "--pid", String(core), String(Deno.pid)];
  await new Deno.Command("taskset", { args, stdout: "null", stderr: "null" }).output();
}

async function makeRun(bench: Workbench, cores: CorePair, options: BenchOptions): Promise<Report> {
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const machine = await readMachine(cores, readAllowedCpus().length, listPrograms(options.cases));
  await stayOn(cores.load);
  const found = await measureCases(bench, options, tell);
  const durationSeconds = Math.round((performance.now() - startMs) / 1000);
  const { rounds, seconds, cases } = options;
  const chosen = { rounds, seconds, cases };
  return makeReport({ startedAt, durationSeconds, machine, options: chosen, ...found });
}

async function publish(report: Report, out: string, markdown: boolean): Promise<void> {
  const file = `${out}/bench.json`;
  const chart = `${out}/bench.svg`;
  await Deno.writeTextFile(file, JSON.stringify(report, null, 2) + "\n");
  await Deno.writeTextFile(chart, drawChart(report));
  console.log(markdown ? renderPage(report) : renderTerminal(report));
  tell(`wrote ${file}`);
  tell(`wrote ${chart}`);
}

/** Settles with an exit status when the bench is interrupted. */
function listenForSignals(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  for (const [signal, status] of SIGNALS) {
    Deno.addSignalListener(signal, () => {
      tell(`${signal}: ending what was started ...`);
      resolve(status);
    });
  }
  return promise;
}

/**
 * Makes the folder of the results, before anything is measured that could not be written then.
 * @returns its absolute path.
 */
async function makeFolder(path: string): Promise<string> {
  try {
    await Deno.mkdir(path, { recursive: true });
    return await Deno.realPath(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`cannot make the folder of the results: ${reason}; name another with --out`);
  }
}

/** @returns the exit status. @throws Error that says why nothing could be measured. */
async function runBench(options: BenchOptions): Promise<number> {
  // Debian keeps nginx and HAProxy in a folder that only root's PATH has.
  Deno.env.set("PATH", `${Deno.env.get("PATH") ?? ""}:/usr/local/sbin:/usr/sbin`);
  const obstacle = findObstacle(readMeans(listPrograms(options.cases).map(({ name }) => name)));
  if (obstacle !== null) throw new Error(obstacle);
  const cores = chooseCores(readAllowedCpus(), readSiblings)!;
  const out = await makeFolder(options.out ?? `${import.meta.dirname}/../.cache/bench`);
  const interrupted = listenForSignals();
  const folder = await Deno.makeTempDir({ prefix: "ringway_bench_" });
  const children = new Children();
  const bench = { children, folder, proxyCore: cores.proxy, loadCore: cores.load };
  const run = async () => {
    await publish(await makeRun(bench, cores, options), out, options.markdown);
    return 0;
  };
  try {
    return await Promise.race([run(), interrupted]);
  } finally {
    await children.endAll();
    await Deno.remove(folder, { recursive: true });
  }
}

async function main(): Promise<number> {
  try {
    const options = readOptions(Deno.args);
    if (!options.help) return await runBench(options);
    console.log(USAGE);
    return 0;
  } catch (failure) {
    if (!(failure instanceof Error)) throw failure;
    tell(
      failure.name === "Error" || failure instanceof UsageError || failure instanceof SetupFailure
        ? failure.message
        : failure.stack ?? failure.message,
    );
    if (!(failure instanceof UsageError)) return EXIT_FAILED;
    console.error(USAGE);
    return EXIT_USAGE;
  }
}

if (import.meta.main) Deno.exit(await main());
