/**
 * Makes the program two scripts: what a person runs, and what a worker runs.
 *
 * Scripts and not modules: the runtime reads every module twice, once with its own parser to learn
 * what it imports and once with V8; for a bundle, which imports nothing, the first is wasted. So a
 * module of a few lines is what the runtime is given (START), and that evaluates the script: to the
 * end of its evaluation the command takes 128 ms of CPU instead of 285, a worker 112 instead of
 * 155, of which an empty program is 87. Two scripts, so that a worker does not read the parser, the
 * schema and the command line. Not minified: that is half the text and gains nothing that could be
 * measured, and no stack trace could be read.
 *
 * The result depends on the sources alone: paths in it are relative, those of npm packages to the
 * cache that they are in.
 */
import { errorLine, run, SetupFailure } from "../command.ts";

export interface Bundle {
  /** The module that the runtime starts with. */
  readonly start: string;
  readonly command: string;
  readonly worker: string;
  /** Of npm packages inside: "yaml@2.9.1", sorted. */
  readonly packages: readonly string[];
  /** Where those are on this machine. */
  readonly npmCache: string;
}

/**
 * Which script it is says the argument that the supervisor puts there; see src/main.ts. Every
 * command reads its words with node:util, so the module imports it: that takes half the time that
 * a script's own way to it takes, which makes all of Node's `process` first.
 */
const START = `// Which of the two programs this is, and where: ffi/parts.ts explains the variable.
const isWorker = Deno.args[0] === "--worker";
if (!isWorker) globalThis.nodeUtil = await import("node:util");
const name = isWorker ? "worker.js=" : "command.js=";
const part = Deno.env.get("RINGWAY_PARTS").split(" ").find((part) => part.startsWith(name));
(0, eval)(Deno.readTextFileSync("/proc/self/fd/" + part.slice(name.length)));
`;

/** What each script does. Both never return but by Deno.exit. */
const ENTRIES = {
  command: `import { runCommand } from "ROOT/src/cli/commands.ts";
runCommand(Deno.args).then((status) => Deno.exit(status));
`,
  worker: `import { runWorker } from "ROOT/src/worker/run_worker.ts";
runWorker();
`,
} as const;

/** How the bundler gets at the runtime's own modules, which only a module could do. */
const REQUIRE = new RegExp(
  String.raw`import \{ createRequire as (\w+) \} from "node:module";\s*` +
    String.raw`var __require = \1\(import\.meta\.url\);`,
);
/**
 * How a script does. A person's command loads a module when something of it is used, because to
 * serve most of what probes need is never touched; and the YAML parser, which asks the process only
 * whether it should talk about its work, is told no: to load that takes 40 ms. A worker needs none,
 * and may load none: later it may not open files any more.
 */
const REQUIRE_IN_SCRIPT = {
  command: `var __require = (name) => name === "node:util" ? nodeUtil : name === "node:process"
    ? { env: {}, emitWarning: console.warn }
    : new Proxy({}, { get: (_, key) => process.getBuiltinModule(name)[key] });`,
  worker: 'var __require = (name) => { throw new Error("a worker does not load " + name); };',
} as const;
const PACKAGE = /\bnpm\/((?:@[^/\s]+\/)?[^/\s]+)\/([^/\s]+)\//g;

/**
 * @param root the project's folder
 * @param work a folder below it, for what is written meanwhile
 */
export async function makeBundle(root: string, work: string): Promise<Bundle> {
  const npmCache = await findNpmCache(root);
  const [command, worker] = [
    await bundleEntry("command", root, work, npmCache),
    await bundleEntry("worker", root, work, npmCache),
  ];
  const packages = new Set<string>();
  for (const [, name, version] of (command + worker).matchAll(PACKAGE)) {
    packages.add(`${name}@${version}`);
  }
  return { start: START, command, worker, packages: [...packages].sort(), npmCache };
}

async function bundleEntry(
  name: keyof typeof ENTRIES,
  root: string,
  work: string,
  npmCache: string,
): Promise<string> {
  const entry = `${work}/${name}_entry.js`;
  const output = `${work}/${name}.js`;
  Deno.writeTextFileSync(entry, ENTRIES[name].replace("ROOT", root));
  await deno(["bundle", "--quiet", "--format", "iife", "--output", output, entry], root);
  const text = Deno.readTextFileSync(output).replace(REQUIRE, REQUIRE_IN_SCRIPT[name]);
  return checkScript(`ringway/${name}.js`, removePaths(text, root, work, npmCache));
}

/** The packages' folder without the machine's part of it and without the registry's name. */
function removePaths(text: string, root: string, work: string, npmCache: string): string {
  const cache = escapePattern(relativePath(root, npmCache));
  const own = escapePattern(relativePath(root, work));
  return text
    .replaceAll(new RegExp(`${cache}/[^/\\s]+/`, "g"), "npm/")
    .replaceAll(new RegExp(`${own}/`, "g"), "");
}

/** @throws Error when the bundler has made something that cannot run, or names this machine. */
function checkScript(name: string, text: string): string {
  const statement = /^\s*(?:import|export)\s.*$/m.exec(text);
  if (statement !== null) {
    throw new Error(`the bundler left "${statement[0].trim()}" in a script; see bundle.ts`);
  }
  const folder = [Deno.env.get("HOME"), Deno.cwd()]
    .find((path) => path !== undefined && path.length > 1 && text.includes(`${path}/`));
  if (folder !== undefined) throw new Error(`${name} names the folder ${folder}; see bundle.ts`);
  // The name that stack traces show.
  return `${text.trimEnd()}\n//# sourceURL=${name}\n`;
}

async function findNpmCache(root: string): Promise<string> {
  return JSON.parse(await deno(["info", "--json"], root)).npmCache;
}

async function deno(args: readonly string[], cwd: string): Promise<string> {
  const outcome = await run({
    program: Deno.execPath(),
    args,
    step: `running deno ${args[0]}`,
    cwd,
    env: { NO_COLOR: "1" },
  });
  if (outcome.ok) return outcome.stdout;
  throw new SetupFailure(`deno ${args[0]} failed: ${errorLine(outcome)}\n${outcome.stderr}`);
}

/** From one absolute folder to another, as the bundler writes it. */
function relativePath(from: string, to: string): string {
  const [here, there] = [from, to].map((path) => path.split("/"));
  let shared = 0;
  while (shared < here.length && here[shared] === there[shared]) shared++;
  return [...here.slice(shared).map(() => ".."), ...there.slice(shared)].join("/");
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
