/**
 * Makes the executable's bytes: gathers what goes in, compresses it, puts it together.
 *
 * `root` is where the sources are, `tools` where everything is that was fetched or may be kept
 * (runtime, packages, compiler, frames), `work` what this one build writes. So a test can build a
 * copy of the sources elsewhere, with the same tools, and compare.
 */
import type { Facts } from "../../ffi/parts.ts";
import { announce } from "../command.ts";
import { type Compiler, provideCompiler } from "../compiler.ts";
import { type Bundle, makeBundle } from "./bundle.ts";
import { type DebianFiles, provideDebianFiles } from "../debian_files.ts";
import { makeFacts } from "./facts.ts";
import { makeFrames } from "./frames.ts";
import { hashBytes } from "../hash.ts";
import { makeImage, type Part } from "./image.ts";
import { gatherLicences, LICENCE_PACKAGE, provideLicencesOfGcc } from "./licences.ts";
import { buildLauncher, buildShimFor } from "./native_code.ts";
import { collectLibraries } from "./needed_libraries.ts";
import { compileProgram, provideRuntime } from "./runtime.ts";
import type { Target } from "./target.ts";

export interface BuildPlan {
  readonly root: string;
  readonly tools: string;
  readonly work: string;
  readonly target: Target;
  readonly commit: string;
  /** With that half of the runtime which carries a compiled program; see runtime.ts. */
  readonly denort: boolean;
}

export interface Build {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly facts: Facts;
  /** Stored bytes by part, for who wants to know what makes the file large. */
  readonly sizes: ReadonlyMap<string, number>;
}

const PACKAGES = ["libc6", "libgcc-s1", "liburing-dev", "libzstd-dev", LICENCE_PACKAGE];

/** Bytes and what they are; names as ffi/parts.ts has them. */
interface Content {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly executable?: boolean;
  readonly preload?: boolean;
}

export async function makeExecutable(plan: BuildPlan): Promise<Build> {
  const { root, tools, work, target } = plan;
  const frames = `${tools}/compile/frames`;
  for (const folder of [work, frames]) Deno.mkdirSync(folder, { recursive: true });
  const debianFolder = `${tools}/compile/debian-${target.debianArchitecture}`;
  const debian = await provideDebianFiles(PACKAGES, target.debianArchitecture, debianFolder);
  await provideLicencesOfGcc(debian, target.debianArchitecture, debianFolder);
  const compiler = await provideCompiler(tools);
  const native = { root, target, compiler, files: debian, work };
  const launcher = await buildLauncher(native);
  const shim = await buildShimFor(native);
  announce("bundling the program ...");
  const bundle = await makeBundle(root, work);
  const program = await provideProgram(plan, bundle);
  const libraries = loadLibraries(target, debian, program[0].bytes);
  const facts = await describe(plan, debian, compiler, bundle, program[0].bytes, shim);
  const { packages: npm, npmCache } = bundle;
  const licences = gatherLicences({
    root,
    debian,
    compilerLibrary: compiler.library,
    npm,
    npmCache,
  });
  const contents: Content[] = [
    ...libraries,
    ...program,
    { name: "libringway.so", bytes: shim, executable: true },
    { name: "facts.json", bytes: encode(`${JSON.stringify(facts)}\n`) },
    { name: "licences.txt", bytes: encode(licences) },
  ];
  announce("compressing the parts (half a minute the first time) ...");
  const parts: Part[] = [];
  for (const { bytes, ...part } of contents) {
    parts.push({ ...part, frames: await makeFrames(bytes, frames) });
  }
  const sizes = new Map(parts.map(({ name, frames }) => [
    name,
    frames.reduce((sum, { stored }) => sum + stored.length, 0),
  ]));
  return { bytes: makeImage(launcher, parts), facts, sizes };
}

/** The runtime first, whatever it is. */
async function provideProgram(plan: BuildPlan, bundle: Bundle): Promise<Content[]> {
  const { target, tools, work } = plan;
  if (plan.denort) {
    const source = `if (Deno.args[0] === "--worker") {\n${bundle.worker}} else {\n` +
      `${bundle.command}}\n`;
    const bytes = await compileProgram(target, source, `${work}/staging`);
    return [{ name: "deno", bytes, executable: true }];
  }
  const runtime = await provideRuntime(target, `${tools}/compile`);
  return [
    { name: "deno", bytes: Deno.readFileSync(runtime), executable: true },
    { name: "app.js", bytes: encode(bundle.start) },
    { name: "command.js", bytes: encode(bundle.command) },
    { name: "worker.js", bytes: encode(bundle.worker) },
  ];
}

/** The loader, and what the runtime needs; from the same packages, because they belong together. */
function loadLibraries(
  target: Target,
  { root }: DebianFiles,
  runtime: Uint8Array<ArrayBuffer>,
): Content[] {
  const folder = `${root}/lib/${target.arch}-linux-gnu`;
  const read = (name: string) => Deno.readFileSync(`${folder}/${name}`);
  const libraries = collectLibraries(runtime, target.loader, read);
  return [
    { name: "ld.so", bytes: read(target.loader), executable: true },
    ...Array.from(libraries, ([name, bytes]) => ({
      name,
      bytes,
      executable: true,
      preload: true,
    })),
  ];
}

async function describe(
  plan: BuildPlan,
  debian: DebianFiles,
  compiler: Compiler,
  bundle: Bundle,
  runtime: Uint8Array<ArrayBuffer>,
  shim: Uint8Array<ArrayBuffer>,
): Promise<Facts> {
  const header = `${compiler.library}/libc/musl/src/internal/version.h`;
  const kind = plan.denort ? "denort" : "deno";
  return makeFacts(plan.commit, {
    debian: debian.versions,
    npm: bundle.packages,
    npmCache: bundle.npmCache,
    hashes: { [kind]: await hashBytes(runtime), libringway: await hashBytes(shim) },
    compiler: compiler.version,
    musl: Deno.readTextFileSync(header).match(/"([^"]+)"/)![1],
    runtime: kind,
  });
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
