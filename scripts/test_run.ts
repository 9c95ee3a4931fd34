/**
 * Runs the tests, in order of cost: type check, house rules, build, unit, then each folder of
 * tests/; at the end the executable, its own tests, and TCP, UDP and health once more by it and on
 * epoll. Every stage runs even if an earlier one failed, so that one run tells all; only without a
 * shim nothing would be told, so a failed build ends the run.
 *
 *   deno task test                          everything
 *   deno task test --all                    the same, every scenario on both engines, and arm64
 *   deno task test src/ring                 the tests in a folder or file
 *   deno task test src/ring --filter=lease  what is not a path goes to `deno test`
 *
 * `--gate` (deno task ok) adds formatting and lint. The types are checked once, for all files, and
 * not again by each stage. Test files run in parallel, but for scenarios that measure the machine.
 * The last line is the sum: "512 passed, 0 failed".
 */
import { type Counts, runStage, type Stage, type StageResult } from "./stage.ts";

const DEADLINE_MS = 40 * 60 * 1000;
const UNIT_FOLDERS = ["src", "ffi", "scripts"];
/** First those that tell more precisely what is wrong. Other folders of tests/ follow by name. */
const FOLDER_ORDER = ["scenario", "simulation", "fuzz"];
const inFolders = (...names: string[]) => (file: string) =>
  names.some((name) => file.startsWith(`tests/scenario/${name}/`));
/** Scenarios that measure or fill what all share: memory, open files, the cores themselves. */
const isMeasuring = inFolders("limits", "memory", "real", "relay");
/**
 * Scenarios that wait more than they work, and whose servers must answer within tenths of a second:
 * beside each other they do, beside those that keep the cores busy they may not.
 */
const isTimed = inFolders("health", "resilience", "samples");
/** What the executable is put through, on epoll, in every run. */
const isForExecutable = inFolders("health", "relay", "udp");
/** Of scenarios at once: they start whole programs, and some look at the clock. */
const SCENARIO_JOBS = "2";
const EXECUTABLE_PATH = "dist/ringway-linux-x64";

interface Request {
  readonly gate: boolean;
  /**
   * Every scenario by the executable and on epoll, not only some; and the executable for arm64,
   * which takes minutes to make and to emulate.
   */
  readonly all: boolean;
  /** Relative to the root; empty means everything. */
  readonly paths: readonly string[];
  /** For `deno test`. */
  readonly options: readonly string[];
}

export function readRequest(args: readonly string[], isPath: (path: string) => boolean): Request {
  const rest = args.filter((arg) => !["--gate", "--all", "--"].includes(arg));
  const clean = (path: string) => path.replace(/^\.\//, "").replace(/\/$/, "");
  return {
    gate: args.includes("--gate"),
    all: args.includes("--all"),
    paths: rest.filter((arg) => isPath(arg)).map(clean),
    options: rest.filter((arg) => !isPath(arg)),
  };
}

/**
 * @param testFiles every test file of the tree, relative to the root
 * @returns the stages in the order in which they run
 */
export function planStages(request: Request, testFiles: readonly string[]): Stage[] {
  const { gate, paths, options } = request;
  const isChosen = (file: string) =>
    paths.length === 0 || paths.some((path) => file === path || file.startsWith(`${path}/`));
  const stages: Stage[] = gate
    ? [
      { name: "format", args: ["fmt", "--check", "--quiet"] },
      { name: "lint", args: ["lint", "--quiet"] },
    ]
    : [];
  stages.push({ name: "type check", args: ["check", "--quiet", ...paths] });
  if (paths.length === 0) stages.push({ name: "tidy", args: runScript("scripts/tidy.ts") });
  const chosen = Map.groupBy(testFiles.filter(isChosen), stageName);
  // Scenarios talk to programs that come as Debian packages; nothing else needs any.
  const packages = chosen.has(SCENARIO) ? ["--peers"] : [];
  stages.push({ name: BUILD, args: [...runScript("scripts/setup.ts"), ...packages], live: true });
  const rank = (name: string) => [UNIT, ...FOLDER_ORDER, name].indexOf(name);
  const names = [...chosen.keys()].filter((name) => name !== EXECUTABLE)
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  for (const name of names) {
    const files = chosen.get(name)!;
    if (name === SCENARIO) stages.push(...planScenarios(name, files, options));
    else stages.push(testStage({ name, files, options, isTogether: name === UNIT }));
  }
  const executableTests = (chosen.get(EXECUTABLE) ?? []).filter((file) =>
    request.all || paths.length > 0 || file !== EMULATED_TEST
  );
  if (executableTests.length === 0) return stages;
  stages.push(
    { name: "compile", args: runScript("scripts/compile.ts"), live: true },
    testStage({ name: EXECUTABLE, files: executableTests, options, isAlone: true }),
  );
  // Who has chosen a few tests of the executable does not mean all that can be done with it.
  if (paths.length > 0) return stages;
  const env = { RINGWAY_PROGRAM: EXECUTABLE_PATH, RINGWAY_IO: "epoll" };
  const scenarios = (chosen.get(SCENARIO) ?? []).filter((file) =>
    request.all || isForExecutable(file)
  );
  stages.push(...planScenarios("executable on epoll", scenarios, options, env));
  return stages;
}

interface TestPart {
  readonly name: string;
  readonly files: readonly string[];
  readonly options: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** One file after the other, shown as they come. */
  readonly isAlone?: boolean;
  /** In few modules, see together.ts. */
  readonly isTogether?: boolean;
}

function testStage(part: TestPart): Stage {
  const { name, files, options, env, isAlone = false, isTogether = false } = part;
  const flags = ["-A", "--no-check", "--quiet", ...(isAlone ? [] : ["--parallel"])];
  const args = ["test", ...flags, ...options];
  // The modules are elsewhere, from where the runtime would not find the configuration.
  if (isTogether) return { name, args: [...args, "--config", "deno.json"], together: files };
  return { name, args: [...args, ...files], env, live: isAlone };
}

function planScenarios(
  name: string,
  files: readonly string[],
  options: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Stage[] {
  const kindOf = (file: string) => isMeasuring(file) ? "alone" : isTimed(file) ? "timed" : "others";
  const { others = [], timed = [], alone = [] } = Object.groupBy(files, kindOf);
  const jobs = { ...env, DENO_JOBS: SCENARIO_JOBS };
  const parts: TestPart[] = [
    { name, files: others, options, env: jobs },
    { name: `${name}, timed`, files: timed, options, env: jobs },
    { name: `${name}, alone`, files: alone, options, env, isAlone: true },
  ];
  return parts.filter((part) => part.files.length > 0)
    .map((part) => ({ ...testStage(part), live: true }));
}

const BUILD = "build";
const UNIT = "unit";
const SCENARIO = "scenario";
const EXECUTABLE = "executable";
const EMULATED_TEST = "tests/executable/arm64_test.ts";

/** The folder of tests/ that a test file is in, or "unit". */
function stageName(file: string): string {
  const [top, folder, ...rest] = file.split("/");
  return top === "tests" && rest.length > 0 ? folder : UNIT;
}

function runScript(path: string): string[] {
  return ["run", "-A", "--quiet", path];
}

function findTestFiles(root: string, folder: string): string[] {
  return Array.from(Deno.readDirSync(`${root}/${folder}`)).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) return findTestFiles(root, path);
    return path.endsWith("_test.ts") ? [path] : [];
  }).sort();
}

function renderResult({ stage, ok, seconds, counts, failures }: StageResult): string {
  const tests = counts === undefined ? "" : `   ${renderCounts(counts)}`;
  const time = `${seconds.toFixed(1)} s`.padStart(9);
  const row = `${stage.name.padEnd(26)} ${ok ? "ok    " : "FAILED"} ${time}${tests}`;
  return [row, ...failures.map((failure) => `    ${failure}`)].join("\n");
}

function renderCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

function sumCounts(results: readonly StageResult[]): Counts {
  const sum = (what: keyof Counts) =>
    results.reduce((total, { counts }) => total + (counts?.[what] ?? 0), 0);
  return { passed: sum("passed"), failed: sum("failed"), skipped: sum("skipped") };
}

async function main(): Promise<boolean> {
  const root = import.meta.dirname!.replace(/\/scripts$/, "");
  const deadlineMs = performance.now() + DEADLINE_MS;
  const names = Array.from(Deno.readDirSync(root), (entry) => entry.name);
  const folders = [...UNIT_FOLDERS, "tests"].filter((folder) => names.includes(folder));
  const request = readRequest(Deno.args, (path) => exists(`${root}/${path}`));
  const stages = planStages(request, folders.flatMap((folder) => findTestFiles(root, folder)));
  const results: StageResult[] = [];
  for (const stage of stages) {
    console.log(`== ${stage.name}`);
    const result = await runStage(stage, root, deadlineMs);
    results.push(result);
    if (!result.ok && stage.name === BUILD) break;
  }
  console.log(["", ...results.map(renderResult), ""].join("\n"));
  const counts = sumCounts(results);
  console.log(renderCounts(counts));
  if (counts.passed + counts.failed === 0) console.error("no test was run");
  return results.every(({ ok }) => ok) && counts.passed > 0;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) Deno.exit(await main() ? 0 : 1);
