/**
 * Makes the executable, and what is shipped with it, in dist/:
 *
 *   deno task compile                        for this machine
 *   deno task compile --target linux-arm64   for another; may be repeated
 *   deno task compile --denort               with `deno compile`, fetching what that needs
 *   deno task compile --force                although nothing has changed
 *
 * Nothing is done when dist/ was made from what is there now: a record in the cache holds the hash
 * of all inputs. An executable that does not pass its trial is not put into dist/.
 */
import { announce, run, SetupFailure } from "./command.ts";
import { distTexts } from "./compile/dist_texts.ts";
import { inEmulation } from "./compile/emulation.ts";
import { makeExecutable } from "./compile/executable.ts";
import { readCommit } from "./compile/facts.ts";
import { hashBytes } from "./hash.ts";
import { hashInputs, isCompiled, records, writeRecord } from "./compile/inputs.ts";
import { makeRootfs } from "./compile/rootfs.ts";
import { hasDenort } from "./compile/runtime.ts";
import { runTrial } from "./compile/trial.ts";
import { makeSoftwareBill } from "./compile/software_bill.ts";
import {
  executableName,
  findTarget,
  ownTarget,
  type Target,
  TARGET_NAMES,
} from "./compile/target.ts";

const USAGE = "usage: deno task compile [--target NAME]... [--denort] [--force]";
const MEGABYTE = 1e6;

interface Request {
  readonly targets: readonly Target[];
  readonly denort: boolean;
  readonly force: boolean;
}

function readRequest(args: readonly string[]): Request {
  const targets = new Set<Target>();
  const flags = new Set<string>();
  for (let i = 0; i < args.length; i++) {
    if (args[i] === "--denort" || args[i] === "--force") flags.add(args[i]);
    else if (args[i] === "--target") targets.add(readTarget(args[++i]));
    else throw new SetupFailure(`unknown option "${args[i]}"; ${USAGE}`);
  }
  if (targets.size === 0) targets.add(ownTarget());
  return { targets: [...targets], denort: flags.has("--denort"), force: flags.has("--force") };
}

function readTarget(name: string | undefined): Target {
  const target = findTarget(name ?? "");
  if (target !== undefined) return target;
  throw new SetupFailure(`no target "${name}"; there are ${TARGET_NAMES.join(" and ")}`);
}

async function compile(root: string, target: Target, request: Request): Promise<void> {
  const tools = `${root}/.cache`;
  const name = executableName(target);
  const denoFolder = await findDenoFolder();
  const denort = request.denort || hasDenort(target, denoFolder);
  const commit = await readCommit(root);
  const inputs = await hashInputs(root, `${commit} ${denort}`);
  if (!request.force && await isCompiled(root, name, inputs)) {
    return announce(`dist/${name} is up to date`);
  }
  await check(root);
  const work = `${tools}/compile/work-${target.name}-${Deno.pid}`;
  try {
    const { bytes, facts, sizes } = await makeExecutable({
      ...{ root, tools, work, target, commit, denort },
    });
    const staged = `${work}/${name}`;
    Deno.writeFileSync(staged, bytes, { mode: 0o755 });
    Deno.chmodSync(staged, 0o755);
    await tryOut(staged, target, facts.version, `${work}/root`);
    Deno.mkdirSync(`${root}/dist`, { recursive: true });
    Deno.renameSync(staged, `${root}/dist/${name}`);
    makeRootfs(`${root}/dist/${name}`, `${root}/dist/${name}-rootfs.tar`);
    writeRecord(root, name, { inputs, sha256: await hashBytes(bytes), facts });
    for (const [part, size] of sizes) announce(`  ${part}: ${(size / MEGABYTE).toFixed(2)} MB`);
    announce(`dist/${name}: ${(bytes.length / MEGABYTE).toFixed(1)} MB`);
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
}

/** The bundler takes what has errors. */
async function check(root: string): Promise<void> {
  announce("checking the types ...");
  const args = ["check", "--quiet", "src/main.ts"];
  const outcome = await run({ program: Deno.execPath(), args, cwd: root, step: "checking" });
  if (!outcome.ok) throw new SetupFailure(`the program has type errors:\n${outcome.stderr}`);
}

async function tryOut(
  executable: string,
  target: Target,
  version: string,
  folder: string,
): Promise<void> {
  const launcher = target === ownTarget() ? [] : inEmulation(target, folder);
  if (launcher === undefined) {
    announce(
      `not tried: nothing here runs ${target.arch}; "deno task setup --arm64" gets what does`,
    );
    return;
  }
  announce("trying it ...");
  const { root, startMs } = await runTrial(executable, version, folder, launcher);
  const where = root === null ? "in the usual root: an empty one is not allowed here" : "alone";
  announce(`it carries bytes (${where}; the first after ${Math.round(startMs)} ms)`);
}

async function findDenoFolder(): Promise<string> {
  const args = ["info", "--json"];
  const { stdout } = await run({ program: Deno.execPath(), args, step: "asking deno" });
  return JSON.parse(stdout).denoDir;
}

/** What stands beside the executables, made from all that are there. */
async function writeCompanions(root: string): Promise<void> {
  const dist = `${root}/dist`;
  for (const { path, text } of distTexts()) {
    const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    Deno.mkdirSync(`${dist}/${folder}`, { recursive: true });
    Deno.writeTextFileSync(`${dist}/${path}`, text);
  }
  Deno.writeTextFileSync(`${dist}/ringway.cdx.json`, makeSoftwareBill(records(root)));
  const names = listFiles(dist, "").filter((name) => name !== "SHA256SUMS").sort();
  const lines = await Promise.all(names.map(async (name) => {
    return `${await hashBytes(Deno.readFileSync(`${dist}/${name}`))}  ${name}\n`;
  }));
  Deno.writeTextFileSync(`${dist}/SHA256SUMS`, lines.join(""));
}

function listFiles(folder: string, prefix: string): string[] {
  return Array.from(Deno.readDirSync(`${folder}/${prefix}`)).flatMap(({ name, isDirectory }) =>
    isDirectory ? listFiles(folder, `${prefix}${name}/`) : [`${prefix}${name}`]
  );
}

if (import.meta.main) {
  try {
    const root = import.meta.dirname!.replace(/\/scripts$/, "");
    const request = readRequest(Deno.args);
    for (const target of request.targets) await compile(root, target, request);
    await writeCompanions(root);
  } catch (failure) {
    if (!(failure instanceof SetupFailure)) throw failure;
    announce(failure.message);
    Deno.exit(1);
  }
}
