/**
 * Builds the shim, and knows whether that is needed.
 *
 * A record beside the library holds the hash of everything it was made from: the flags, the
 * compiler's series, every file of shim/, and the archives that were linked in. Content, not time
 * stamps: a fresh clone, a branch switched back and forth or a restored cache must not build again.
 * Checking reads some hundred kilobytes and starts no process, because each start of the load
 * balancer goes through it. The library is put in place by rename: a program that is running has
 * the old file mapped, and writing into that file would crash it.
 */
import { announce, type Outcome, run, SetupFailure } from "./command.ts";
import { type Compiler, COMPILER_SERIES, provideCompiler } from "./compiler.ts";
import { hashBytes } from "./hash.ts";
import { provideLibraries } from "./static_library.ts";

/** The oldest glibc that the shim runs on, which is the oldest that Deno itself runs on. */
const GLIBC = "2.27";

const COMPILE_FLAGS = [
  ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-fvisibility=hidden", "-shared"],
  // zig turns undefined behaviour into traps by default; a trap would end the worker.
  ["-fno-sanitize=undefined"],
  ["-Ishim"],
].flat();

const LINK_FLAGS = [
  // zig knows no --exclude-libs: the version script is what keeps the archives' symbols inside.
  "-Wl,--version-script=shim/exports.map",
  "-Wl,--gc-sections",
  "-Wl,-z,defs",
  // Deno unloads libraries when it ends, while handlers inside them are still registered.
  "-Wl,-z,nodelete",
  "-s",
];

/** What differs between the shim of this machine and that of an executable for another. */
export interface ShimBuild {
  readonly arch: typeof Deno.build.arch;
  /** The folder of the libraries' headers. */
  readonly include: string;
  readonly archives: readonly string[];
  /** Path of the library to make. */
  readonly output: string;
}

interface BuildRecord {
  /** Hash of flags, compiler series and sources. */
  readonly inputs: string;
  readonly archives: readonly { readonly path: string; readonly hash: string }[];
  /** Size of the library, to notice one that was cut short by something else than us. */
  readonly libraryBytes: number;
}

/** @param root the project's folder, with no slash at the end, as in all functions here */
export async function isBuilt(root: string): Promise<boolean> {
  const record = readRecord(root);
  if (record === undefined || !hasSize(libraryPath(root), record.libraryBytes)) return false;
  if (record.inputs !== await hashInputs(root)) return false;
  for (const { path, hash } of record.archives) {
    // An archive that is gone changes nothing: what it held is inside the library.
    const bytes = readIfThere(path);
    if (bytes !== undefined && hash !== await hashBytes(bytes)) return false;
  }
  return true;
}

/** Fetches what is missing and builds. The caller holds the set-up lock. */
export async function buildShim(root: string): Promise<void> {
  const cache = `${root}/.cache`;
  // Before the build: a source that is saved meanwhile must count as new the next time.
  const inputs = await hashInputs(root);
  const archives = await provideLibraries(cache);
  const compiler = await provideCompiler(cache);
  const library = libraryPath(root);
  Deno.mkdirSync(`${cache}/shim`, { recursive: true });
  const staged = stagedPath(library);
  announce("building the shim ...");
  const include = `${cache}/include`;
  const build = { arch: Deno.build.arch, include, archives, output: staged };
  const outcome = await compileShim(root, compiler, build);
  if (!outcome.ok) {
    throw new SetupFailure(
      `the shim does not compile with ${compiler.program} and ${archives.join(", ")}; ` +
        `correct shim/, or install liburing 2.3 or newer if it is the library that lacks ` +
        `something:\n${outcome.stderr.trimEnd()}`,
    );
  }
  const record: BuildRecord = {
    inputs,
    archives: await Promise.all(archives.map(async (path) => ({
      path,
      hash: await hashBytes(Deno.readFileSync(path)),
    }))),
    libraryBytes: Deno.statSync(staged).size,
  };
  Deno.renameSync(staged, library);
  Deno.writeTextFileSync(`${recordPath(root)}.new`, `${JSON.stringify(record, null, 2)}\n`);
  Deno.renameSync(`${recordPath(root)}.new`, recordPath(root));
}

/** Runs the compiler, and nothing else. */
export async function compileShim(
  root: string,
  compiler: Compiler,
  { arch, include, archives, output }: ShimBuild,
): Promise<Outcome> {
  const sources = listShim(root).filter((name) => name.endsWith(".c"));
  return await run({
    program: compiler.program,
    args: [
      ...["cc", "-target", `${arch}-linux-gnu.${GLIBC}`, ...COMPILE_FLAGS, `-I${include}`],
      ...sources.map((name) => `shim/${name}`),
      ...archives,
      ...LINK_FLAGS,
      ...["-o", output],
    ],
    step: "building the shim",
    cwd: root,
    env: compiler.env,
  });
}

function libraryPath(root: string): string {
  return `${root}/.cache/shim/libringway.so`;
}

/**
 * A new name for each run, and the leftovers of earlier ones removed: the compiler of a set-up that
 * was killed may still be running, and writing.
 */
function stagedPath(library: string): string {
  const folder = library.slice(0, library.lastIndexOf("/"));
  for (const { name } of Deno.readDirSync(folder)) {
    if (name.includes(".new-")) Deno.removeSync(`${folder}/${name}`);
  }
  return `${library}.new-${Deno.pid}`;
}

function recordPath(root: string): string {
  return `${root}/.cache/shim/build.json`;
}

function readRecord(root: string): BuildRecord | undefined {
  const bytes = readIfThere(recordPath(root));
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

/** The names of the files of shim/, sorted, so that the hash does not depend on the disk. */
function listShim(root: string): string[] {
  return Array.from(Deno.readDirSync(`${root}/shim`))
    .filter((entry) => entry.isFile)
    .map((entry) => entry.name)
    .sort();
}

async function hashInputs(root: string): Promise<string> {
  const parts = [JSON.stringify([COMPILER_SERIES, GLIBC, COMPILE_FLAGS, LINK_FLAGS])];
  for (const name of listShim(root)) {
    parts.push(name, await hashBytes(Deno.readFileSync(`${root}/shim/${name}`)));
  }
  return await hashBytes(new TextEncoder().encode(parts.join("\n")));
}

function hasSize(path: string, bytes: number): boolean {
  try {
    return Deno.statSync(path).size === bytes;
  } catch {
    return false;
  }
}

function readIfThere(path: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Deno.readFileSync(path);
  } catch {
    return undefined;
  }
}
