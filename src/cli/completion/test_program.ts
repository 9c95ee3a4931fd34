/**
 * A program of the machine that reads a script, for tests of what is written for it: shells, roff.
 * Where one is not installed its tests are ignored, which the sum of a test run shows.
 */
export interface ProgramResult {
  readonly out: string;
  readonly err: string;
}

export function isInstalled(program: string): boolean {
  const folders = (Deno.env.get("PATH") ?? "").split(":");
  return folders.some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}

/** @param script its standard input. */
export async function runProgram(
  words: readonly string[],
  script: string,
  folder?: string,
): Promise<ProgramResult> {
  const [program, ...args] = words;
  const child = new Deno.Command(program, {
    args,
    cwd: folder,
    // A home of nobody: no settings of the person who runs the test.
    env: { LC_ALL: "C", HOME: "/nonexistent" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { out: decoder.decode(stdout), err: decoder.decode(stderr) };
}
