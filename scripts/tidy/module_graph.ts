/**
 * Rules about which file may know which: the ranks of the folders, and dead files.
 *
 * Imports are read from the tokens instead of asking `deno info`, which starts a process for each
 * root and knows nothing about the files that a program starts by path.
 */
import { type CodeFile, reads, type Source, type Violation } from "./code_file.ts";

/** Low to high. A file imports its own folder, or one that stands on an earlier line. */
const RANKS: readonly (readonly string[])[] = [
  ["base"],
  ["limits.ts", "net", "metrics", "log"],
  ["ffi", "http"],
  ["http1", "proxy_protocol", "balance", "limit", "health", "config", "buffer"],
  ["ring"],
  ["socket", "tls", "http2"],
  ["connection"],
  ["upstream"],
  ["proxy"],
  ["worker", "probe"],
  ["supervisor"],
  ["admin", "doctor"],
  ["cli"],
  ["main.ts"],
];

const PROGRAM = "src/main.ts";

/** The folder of `path` that has a rank, or undefined for scripts and tests, which have none. */
function rankedFolder(path: string): string | undefined {
  const [top, second] = path.split("/");
  if (top === "ffi") return "ffi";
  return top === "src" ? second : undefined;
}

export function checkRanks(file: CodeFile): Violation[] {
  const folder = rankedFolder(file.path);
  if (folder === undefined || file.isTest) return [];
  const rank = RANKS.findIndex((row) => row.includes(folder));
  if (rank < 0) {
    const message = `"${folder}" has no rank; give it one in RANKS of scripts/tidy/module_graph.ts`;
    return [{ path: file.path, line: 1, message }];
  }
  return findImports(file).flatMap(({ target, line }) => {
    const targetFolder = rankedFolder(target);
    // A text that becomes part of the program, such as a sample, has no rank.
    if (targetFolder === folder || !target.endsWith(".ts")) return [];
    if (targetFolder !== undefined) {
      const targetRank = RANKS.findIndex((row) => row.includes(targetFolder));
      if (targetRank >= 0 && targetRank < rank) return [];
    }
    const message = `${folder} must not import ${targetFolder ?? target}: a file imports its own ` +
      `folder or one of lower rank`;
    return [{ path: file.path, line, message }];
  });
}

/**
 * Files that nothing needs: reached neither from the program, nor a task, nor a test. A unit test
 * does not keep the file alive that it stands beside: what only its own test uses is dead too.
 *
 * @param config deno.json, whose tasks name programs by path
 */
export function checkReachable(files: readonly CodeFile[], config: Source): Violation[] {
  const known = new Map(files.map((file) => [file.path, file]));
  if (!known.has(PROGRAM)) return [{ path: PROGRAM, line: 1, message: "missing: the program" }];
  const open = [PROGRAM, ...findPaths(config.path, config.text)];
  open.push(...files.filter((file) => file.path.endsWith("_test.ts")).map((file) => file.path));
  const reached = new Set<string>();
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const file = known.get(path);
    if (file === undefined || reached.has(path)) continue;
    reached.add(path);
    const tested = path.startsWith("scripts/") ? "" : path.replace(/_test\.ts$/, ".ts");
    open.push(...findMentions(file).filter((mention) => mention !== tested));
  }
  return files
    .filter((file) => file.path.endsWith(".ts") && !reached.has(file.path))
    .map(({ path }) => ({
      path,
      line: 1,
      message: "nothing uses this file but perhaps its own test: remove it, or use it",
    }));
}

interface Import {
  /** Path from the root. */
  readonly target: string;
  readonly line: number;
}

/** Relative imports; what deno.json names is nobody's folder. */
function findImports(file: CodeFile): Import[] {
  const { code } = file;
  return code.flatMap((token, index) => {
    const isSpecifier = token.kind === "string" &&
      (reads(code, index - 1, "from") || reads(code, index - 1, "import") ||
        reads(code, index - 2, "import", "("));
    const specifier = token.text.slice(1, -1);
    if (!isSpecifier || !specifier.startsWith(".")) return [];
    return [{ target: resolvePath(file.path, specifier), line: token.line }];
  });
}

/** Every file that a string names: imported, or started as a program, or read. */
function findMentions(file: CodeFile): string[] {
  return file.code
    .filter((token) => token.kind === "string" || token.kind === "template")
    .flatMap((token) => findPaths(file.path, token.text));
}

/** What `text` may mean, relative to the file it stands in and relative to the root. */
function findPaths(from: string, text: string): string[] {
  const paths = text.match(/[\w./-]+\.ts\b/g) ?? [];
  return paths.flatMap((path) => [
    resolvePath(from, path),
    resolvePath("", path.replace(/^[./]+/, "")),
  ]);
}

function resolvePath(from: string, path: string): string {
  return new URL(path, `file:///${from}`).pathname.slice(1);
}
