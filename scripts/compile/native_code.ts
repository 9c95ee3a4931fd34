/**
 * Compiles what the executable has in C, for either machine: the launcher, static against musl, and
 * the shim, against the oldest glibc that the runtime runs on. Both are linked with libraries from
 * `DebianFiles`, not with what is installed.
 */
import { announce, type Outcome, run, SetupFailure } from "../command.ts";
import type { Compiler } from "../compiler.ts";
import { compileShim } from "../shim_build.ts";
import type { DebianFiles } from "../debian_files.ts";
import type { Target } from "./target.ts";

const LAUNCHER_FOLDER = "shim/launcher";
const LAUNCHER_FLAGS = [
  ["-static", "-Os", "-std=c11", "-Wall", "-Wextra", "-Werror"],
  // zig turns undefined behaviour into traps by default; a trap says nothing.
  ["-fno-sanitize=undefined"],
  ["-Wl,--gc-sections", "-s"],
].flat();

export interface NativeBuild {
  readonly root: string;
  readonly target: Target;
  readonly compiler: Compiler;
  readonly files: DebianFiles;
  /** A folder to write to. */
  readonly work: string;
}

export async function buildLauncher(
  { root, target, compiler, files, work }: NativeBuild,
): Promise<Uint8Array<ArrayBuffer>> {
  announce(`building the launcher for ${target.name} (a minute the first time, for its libc) ...`);
  const sources = Array.from(Deno.readDirSync(`${root}/${LAUNCHER_FOLDER}`), ({ name }) => name)
    .filter((name) => name.endsWith(".c"))
    .map((name) => `${root}/${LAUNCHER_FOLDER}/${name}`)
    .sort();
  const output = `${work}/launcher`;
  const outcome = await run({
    program: compiler.program,
    args: [
      ...["cc", "-target", `${target.arch}-linux-musl`, ...LAUNCHER_FLAGS],
      `-I${files.root}/usr/include`,
      ...sources,
      archive("libzstd.a", target, files),
      ...["-o", output],
    ],
    step: "building the launcher",
    // Not above the compiler's own folder: its cache of libc would then hold for this place alone.
    cwd: work,
    env: compiler.env,
  });
  return readOutput("launcher", outcome, output);
}

export async function buildShimFor(
  { root, target, compiler, files, work }: NativeBuild,
): Promise<Uint8Array<ArrayBuffer>> {
  const output = `${work}/libringway.so`;
  const outcome = await compileShim(root, compiler, {
    arch: target.arch,
    include: `${files.root}/usr/include`,
    archives: [archive("liburing.a", target, files)],
    output,
  });
  return readOutput("shim", outcome, output);
}

function archive(name: string, target: Target, files: DebianFiles): string {
  return `${files.root}/usr/lib/${target.arch}-linux-gnu/${name}`;
}

function readOutput(what: string, outcome: Outcome, path: string): Uint8Array<ArrayBuffer> {
  if (outcome.ok) return Deno.readFileSync(path);
  throw new SetupFailure(`the ${what} does not compile:\n${outcome.stderr.trimEnd()}`);
}
