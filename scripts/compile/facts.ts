/**
 * What is inside the executable, by name, version and licence: the program prints it (`version
 * --json`), and the SBOM beside the executable is made from it.
 *
 * Everything here is a function of the commit and of what was fetched: no clock, no path.
 */
import type { Component, Facts } from "../../ffi/parts.ts";
import { VERSION } from "../../src/base/version.ts";
import { run } from "../command.ts";
import { readPackageFile, splitSpecifier } from "./npm_cache.ts";

/** What goes in, for which somebody has to know where it is from. */
export interface Ingredients {
  /** By Debian package. */
  readonly debian: Readonly<Record<string, string>>;
  /** "yaml@2.9.1" */
  readonly npm: readonly string[];
  readonly npmCache: string;
  /** Hashes of the files that are parts, by the name of their component. */
  readonly hashes: Readonly<Record<string, string>>;
  /** Versions of zig and of the libc that it brings. */
  readonly compiler: string;
  readonly musl: string;
  readonly runtime: "deno" | "denort";
}

/** Those that we know; npm's packages say theirs. SPDX expressions. */
const LICENCES = {
  ringway: "MIT",
  runtime: "MIT",
  v8: "BSD-3-Clause",
  typescript: "Apache-2.0",
  glibc: "LGPL-2.1-or-later",
  libgcc: "GPL-3.0-or-later WITH GCC-exception-3.1",
  liburing: "MIT OR LGPL-2.1-or-later",
  zstd: "BSD-3-Clause OR GPL-2.0-only",
  musl: "MIT",
  compilerRuntime: "MIT",
} as const;

export function makeFacts(commit: string, ingredients: Ingredients): Facts {
  const { debian, hashes, runtime } = ingredients;
  const { deno, v8, typescript } = Deno.version;
  const known: Component[] = [
    { name: runtime, version: deno, licence: LICENCES.runtime },
    { name: "v8", version: v8, licence: LICENCES.v8 },
    // The half that runs compiled programs has no compiler.
    ...runtime === "deno"
      ? [{ name: "typescript", version: typescript, licence: LICENCES.typescript }]
      : [],
    { name: "glibc", version: debian["libc6"], licence: LICENCES.glibc },
    { name: "libgcc", version: debian["libgcc-s1"], licence: LICENCES.libgcc },
    { name: "liburing", version: debian["liburing-dev"], licence: LICENCES.liburing },
    { name: "zstd", version: debian["libzstd-dev"], licence: LICENCES.zstd },
    { name: "musl", version: ingredients.musl, licence: LICENCES.musl },
    { name: "zig", version: ingredients.compiler, licence: LICENCES.compilerRuntime },
    ...ingredients.npm.map((each) => describePackage(each, ingredients.npmCache)),
  ];
  const components = known.map((component) => {
    const sha256 = hashes[component.name];
    return sha256 === undefined ? component : { ...component, sha256 };
  });
  return { version: VERSION, commit, runtime: { name: runtime, version: deno }, components };
}

export const OWN_LICENCE = LICENCES.ringway;

function describePackage(specifier: string, npmCache: string): Component {
  const [name, version] = splitSpecifier(specifier);
  const text = readPackageFile(npmCache, specifier, ["package.json"]);
  const licence = text === null ? undefined : JSON.parse(text).license;
  if (typeof licence === "string") return { name: `npm:${name}`, version, licence };
  throw new Error(`the licence of ${specifier} is not known`);
}

/** Of the tree at `root`: marked where it is not what was committed. */
export async function readCommit(root: string): Promise<string> {
  const ask = (...args: string[]) =>
    run({ program: "git", args: ["-C", root, ...args], step: "asking git" });
  const head = await ask("rev-parse", "HEAD");
  if (!head.ok) return "unknown";
  const changes = await ask("status", "--porcelain");
  return head.stdout.trim() + (changes.ok && changes.stdout === "" ? "" : "-dirty");
}
