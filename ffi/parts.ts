/**
 * What the executable is made of, where this program runs from it: one file that carries the
 * runtime, the libraries that the runtime needs, the program and the shim. Its launcher
 * (shim/launcher) unpacks them into memory files and says in RINGWAY_PARTS under which numbers:
 *
 *   ld.so=3 deno=10 app.js=11 libringway.so=14 facts.json=15 preload=4:5:6:7:8:9
 *
 * Processes that this one starts inherit those files, and the variable. In the source tree there
 * is none, and every answer here is null: then the tree has what is asked for. This is the one
 * place that knows of all that.
 */

/** What is known of the executable since it was made; scripts/compile/facts.ts writes it. */
export interface Facts {
  readonly version: string;
  /** With "-dirty" behind it where the tree was not what was committed. */
  readonly commit: string;
  readonly runtime: { readonly name: string; readonly version: string };
  readonly components: readonly Component[];
}

export interface Component {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly licence: string;
  /** Of the file that is inside, where it is one. */
  readonly sha256?: string;
}

interface Parts {
  /** Paths by name. */
  readonly files: ReadonlyMap<string, string>;
  /** Paths of the libraries that the dynamic loader gets first. */
  readonly preload: readonly string[];
}

const VARIABLE = "RINGWAY_PARTS";
const ENTRY = /^([A-Za-z0-9._-]+)=(\d+(?::\d+)*)$/;

/** Null for a text that no launcher wrote. */
function parseParts(text: string): Parts | null {
  const files = new Map<string, string>();
  let preload: string[] = [];
  for (const word of text.split(" ")) {
    const entry = ENTRY.exec(word);
    if (entry === null) return null;
    const paths = entry[2].split(":").map((fd) => `/proc/self/fd/${fd}`);
    if (entry[1] === "preload") preload = paths;
    else files.set(entry[1], paths[0]);
  }
  return { files, preload };
}

function ownParts(text: string | undefined = Deno.env.get(VARIABLE)): Parts | null {
  return text === undefined ? null : parseParts(text);
}

/** Where the library is that ffi/ opens. @param text of the variable, for tests */
export function shimPath(text?: string): string | null {
  return ownParts(text)?.files.get("libringway.so") ?? null;
}

/**
 * The command that starts this program again, before its arguments.
 *
 * The same as in shim/launcher/launcher.c, but that the worker's runtime can be given V8's flags.
 * Where the runtime is a `deno compile` program they were given when it was made.
 */
export function selfCommand(
  v8Flags: readonly string[] = [],
  text?: string,
): readonly string[] | null {
  const parts = ownParts(text);
  const [loader, runtime] = ["ld.so", "deno"].map((name) => parts?.files.get(name));
  if (parts === null || loader === undefined || runtime === undefined) return null;
  const start = parts.files.get("app.js");
  const load = ["--inhibit-cache", "--argv0", "ringway", "--preload", parts.preload.join(":")];
  if (start === undefined) return [loader, ...load, runtime];
  const flags = v8Flags.length === 0 ? [] : [`--v8-flags=${v8Flags.join(",")}`];
  const run = ["run", ...flags, "-A", "--quiet", "--no-config", "--no-lock", "--no-remote"];
  return [loader, ...load, runtime, ...run, "--no-npm", "--ext=js", start];
}

/** Of all that is inside; null in the source tree, where each has its own beside it. */
export function readLicences(text?: string): string | null {
  const path = ownParts(text)?.files.get("licences.txt");
  return path === undefined ? null : Deno.readTextFileSync(path);
}

export function readFacts(text?: string): Facts | null {
  const path = ownParts(text)?.files.get("facts.json");
  return path === undefined ? null : JSON.parse(Deno.readTextFileSync(path)) as Facts;
}
