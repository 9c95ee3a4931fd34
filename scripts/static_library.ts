/**
 * Provides the C libraries that are linked into the shim, and the headers it is compiled against.
 *
 * They are linked statically: the shim then needs nothing but libc where it runs, and the version
 * is ours to know. The headers are copied into a folder of their own, because a compiler that is
 * pointed at /usr/include reads the host's glibc headers too, which are not those of the glibc
 * that the shim is built for.
 */
import { isFile, SetupFailure } from "./command.ts";
import { ownTarget } from "./compile/target.ts";
import { provideDebianFiles } from "./debian_files.ts";
import { hasPackages, installPackages } from "./debian_package.ts";

interface StaticLibrary {
  readonly archive: string;
  /** Files and folders below an include folder. */
  readonly headers: readonly string[];
  readonly debianPackage: string;
}

/** In the order in which the linker must see them: who uses before who is used. */
const LIBRARIES: readonly StaticLibrary[] = [
  { archive: "liburing.a", headers: ["liburing.h", "liburing"], debianPackage: "liburing-dev" },
];

/** The name that Debian gives to this processor's libraries. */
const TRIPLET = `${Deno.build.arch}-linux-gnu`;

/**
 * Finds or fetches every library and fills `cache`/include.
 *
 * @param cache the project's cache folder, with no slash at the end
 * @returns the paths of the archives
 */
export async function provideLibraries(cache: string): Promise<string[]> {
  const unpacked = `${cache}/packages`;
  const prefixes = ["/usr", "/usr/local", `${unpacked}/root/usr`];
  const archives: string[] = [];
  const staged = `${cache}/include.new`;
  removeTree(staged);
  Deno.mkdirSync(staged, { recursive: true });
  for (const library of LIBRARIES) {
    let prefix = findPrefix(library, prefixes);
    if (prefix === undefined) {
      await getLibrary(library, unpacked);
      prefix = findPrefix(library, prefixes);
    }
    if (prefix === undefined) {
      throw new SetupFailure(
        `${library.archive} and its headers are not where they should be although ` +
          `${library.debianPackage} is there; install it again and try again`,
      );
    }
    archives.push(archivePath(library, prefix)!);
    for (const header of library.headers) copyHeader(header, prefix, staged);
  }
  removeTree(`${cache}/include`);
  Deno.renameSync(staged, `${cache}/include`);
  return archives;
}

async function getLibrary(library: StaticLibrary, unpacked: string): Promise<void> {
  if (!hasPackages()) {
    throw new SetupFailure(
      `${library.archive} (a static library) or its headers are missing; install the development ` +
        `package of this distribution (on Debian it is ${library.debianPackage}) and try again`,
    );
  }
  if (Deno.uid() === 0) await installPackages([library.debianPackage]);
  else await provideDebianFiles([library.debianPackage], ownTarget().debianArchitecture, unpacked);
}

function findPrefix(library: StaticLibrary, prefixes: readonly string[]): string | undefined {
  return prefixes.find((prefix) =>
    archivePath(library, prefix) !== undefined &&
    library.headers.every((header) => headerPaths(header, prefix).length > 0)
  );
}

function archivePath(library: StaticLibrary, prefix: string): string | undefined {
  return [`lib/${TRIPLET}`, "lib64", "lib"]
    .map((folder) => `${prefix}/${folder}/${library.archive}`)
    .find(isFile);
}

/** A folder of headers may stand in two parts: one for all processors and one for this. */
function headerPaths(header: string, prefix: string): string[] {
  return [`${prefix}/include/${header}`, `${prefix}/include/${TRIPLET}/${header}`].filter(exists);
}

function copyHeader(header: string, prefix: string, target: string): void {
  for (const source of headerPaths(header, prefix)) copyTree(source, `${target}/${header}`);
}

function copyTree(source: string, target: string): void {
  if (!Deno.statSync(source).isDirectory) return Deno.copyFileSync(source, target);
  Deno.mkdirSync(target, { recursive: true });
  for (const entry of Deno.readDirSync(source)) {
    copyTree(`${source}/${entry.name}`, `${target}/${entry.name}`);
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function removeTree(path: string): void {
  if (exists(path)) Deno.removeSync(path, { recursive: true });
}
