/**
 * The executable that these tests are about: the one that RINGWAY_PROGRAM names, or that of dist/,
 * which is made first where it is missing or older than the sources.
 */
import { executableName, ownTarget } from "../../scripts/compile/target.ts";

export const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const COMPILE_TIMEOUT_MS = 15 * 60_000;

let path: string | null = null;

export async function builtExecutable(): Promise<string> {
  path ??= await provide();
  return path;
}

async function provide(): Promise<string> {
  const named = Deno.env.get("RINGWAY_PROGRAM") ?? "";
  if (named !== "") return named.startsWith("/") ? named : `${ROOT}/${named}`;
  await compile([]);
  return `${ROOT}/dist/${executableName(ownTarget())}`;
}

/** Does nothing where dist/ is what it would make. What it said. */
export async function compile(options: readonly string[]): Promise<string> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", `${ROOT}/scripts/compile.ts`, ...options],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal: AbortSignal.timeout(COMPILE_TIMEOUT_MS),
  }).output();
  const said = new TextDecoder().decode(stderr);
  if (code !== 0) throw new Error(said);
  return said;
}
