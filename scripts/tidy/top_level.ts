/**
 * The rule about what stands at the top of the repository: these entries, dot files, nothing else.
 */
import type { Violation } from "./code_file.ts";

const TOP_LEVEL = [
  "deno.json",
  "src",
  "ffi",
  "shim",
  "config",
  "tests",
  "scripts",
  "README.md",
  "LICENSE",
];

/** Made by a build and ignored by git. */
const BUILD_OUTPUT = "dist";

export function checkTopLevel(names: readonly string[]): Violation[] {
  const missing = TOP_LEVEL
    .filter((name) => !names.includes(name))
    .map((path) => ({ path, line: 1, message: "missing at the top of the repository" }));
  const unknown = names
    .filter((name) => !TOP_LEVEL.includes(name) && !name.startsWith(".") && name !== BUILD_OUTPUT)
    .map((path) => ({ path, line: 1, message: "does not belong at the top of the repository" }));
  return [...missing, ...unknown];
}
