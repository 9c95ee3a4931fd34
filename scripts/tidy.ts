/**
 * Holds the rules of the house that the formatter, the linter and the type checker know nothing of.
 * Prints one line for each place that breaks one, and fails if there is any.
 *
 * The rules stand in tidy/: module_graph.ts (ranks, dead files), shape.ts (sizes, names, headers),
 * practice.ts (hot path, pure folders, pointers, metric names, strict comparison), top_level.ts.
 * They are functions from files to violations; this file reads the tree and prints.
 */
import { type CodeFile, readCodeFile, type Source, type Violation } from "./tidy/code_file.ts";
import { checkRanks, checkReachable } from "./tidy/module_graph.ts";
import {
  checkHot,
  checkMetricNames,
  checkPointers,
  checkPure,
  checkStrictNames,
} from "./tidy/practice.ts";
import {
  checkBarrel,
  checkFileName,
  checkFunctions,
  checkHeader,
  checkIdentifiers,
  checkSize,
  checkUnfinished,
} from "./tidy/shape.ts";
import { checkTopLevel } from "./tidy/top_level.ts";

const FOLDERS = ["src", "ffi", "shim", "scripts", "tests"];
/** Input for parsers, byte for byte: nothing in it is ours to shape. */
const VECTORS = "tests/vectors/";
const TYPESCRIPT = /\.ts$/;
const C = /\.[ch]$/;
const PAGE = /\.(js|css|html)$/;

/** All violations of a tree that consists of `files`, in order of place. */
export function checkTree(files: readonly Source[], config: Source): Violation[] {
  const typescript = files.filter(({ path }) => TYPESCRIPT.test(path)).map(readCodeFile);
  const c = files.filter(({ path }) => C.test(path)).map(readCodeFile);
  const pages = files.filter(({ path }) => PAGE.test(path));
  const violations = [
    ...[...typescript, ...c, ...pages].flatMap(checkShared),
    ...[...typescript, ...c].flatMap((file) => [
      ...checkHeader(file),
      ...checkUnfinished(file),
      ...checkFunctions(file),
    ]),
    ...typescript.flatMap(checkTypescript),
    ...checkReachable(typescript, config),
  ];
  return violations.sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line);
}

function checkShared(source: Source): Violation[] {
  return [...checkSize(source), ...checkFileName(source)];
}

function checkTypescript(file: CodeFile): Violation[] {
  return [
    ...checkRanks(file),
    ...checkIdentifiers(file),
    ...checkBarrel(file),
    ...checkHot(file),
    ...checkPure(file),
    ...checkPointers(file),
    ...checkMetricNames(file),
    ...checkStrictNames(file),
  ];
}

function readTree(root: string, folder: string): Source[] {
  const sources: Source[] = [];
  for (const entry of Deno.readDirSync(`${root}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (`${path}/` === VECTORS) continue;
    if (entry.isDirectory) sources.push(...readTree(root, path));
    else if ([TYPESCRIPT, C, PAGE].some((pattern) => pattern.test(path))) {
      sources.push({ path, text: Deno.readTextFileSync(`${root}/${path}`) });
    }
  }
  return sources;
}

function main(): void {
  const root = import.meta.dirname!.replace(/\/scripts$/, "");
  const names = Array.from(Deno.readDirSync(root), (entry) => entry.name);
  const folders = FOLDERS.filter((folder) => names.includes(folder));
  const files = folders.flatMap((folder) => readTree(root, folder));
  const config = { path: "deno.json", text: Deno.readTextFileSync(`${root}/deno.json`) };
  const violations = [...checkTopLevel(names), ...checkTree(files, config)];
  for (const { path, line, message, warning } of violations) {
    console.error(`${path}:${line}: ${warning ? "warning: " : ""}${message}`);
  }
  const errors = violations.filter(({ warning }) => !warning).length;
  if (errors === 0) return;
  console.error(`tidy: ${errors} ${errors === 1 ? "violation" : "violations"}`);
  Deno.exit(1);
}

if (import.meta.main) main();
