/**
 * Runs the tests, in order of cost: type check, house rules, build, unit, then each folder of
 * tests/. Every stage runs even if an earlier one failed, so that one run tells all; only without a
 * shim nothing would be told, so a failed build ends the run.
 *
 *   deno task test                          everything
 *   deno task test src/ring                 the tests in a folder or file
 *   deno task test src/ring --filter=lease  what is not a path goes to `deno test`
 *
 * `--gate` (deno task ok) adds formatting and lint. The types are checked once, for all files, and
 * not again by each stage. Test files run in parallel, but for scenarios, which measure and load
 * the machine. The last line is the sum: "512 passed, 0 failed".
 */
import { type Counts, runStage, type Stage, type StageResult } from "./stage.ts";

const DEADLINE_MS = 40 * 60 * 1000;
const UNIT_FOLDERS = ["src", "ffi", "scripts"];
/** First those that tell more precisely what is wrong. Other folders of tests/ follow by name. */
const FOLDER_ORDER = ["scenario", "simulation", "fuzz"];

interface Request {
  readonly gate: boolean;
  /** Relative to the root; empty means everything. */
  readonly paths: readonly string[];
  /** For `deno test`. */
  readonly options: readonly string[];
}

export function readRequest(args: readonly string[], isPath: (path: string) => boolean): Request {
  const rest = args.filter((arg) => arg !== "--gate" && arg !== "--");
  const clean = (path: string) => path.replace(/^\.\//, "").replace(/\/$/, "");
  return {
    gate: args.includes("--gate"),
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
  const rank = (name: string) => ["unit", ...FOLDER_ORDER, name].indexOf(name);
  const names = [...chosen.keys()].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  for (const name of names) {
    const isAlone = name === SCENARIO;
    const flags = ["-A", "--no-check", "--quiet", ...(isAlone ? [] : ["--parallel"])];
    stages.push({
      name,
      args: ["test", ...flags, ...options, ...chosen.get(name)!],
      live: isAlone,
    });
  }
  return stages;
}

const BUILD = "build";
const SCENARIO = "scenario";

/** The folder of tests/ that a test file is in, or "unit". */
function stageName(file: string): string {
  const [top, folder, ...rest] = file.split("/");
  return top === "tests" && rest.length > 0 ? folder : "unit";
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
  const row = `${stage.name.padEnd(12)} ${ok ? "ok    " : "FAILED"} ${time}${tests}`;
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
