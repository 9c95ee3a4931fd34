/**
 * Builds the load generator of the UDP cases from udp_load/, with the compiler of the shim. The
 * name of the program holds the hash of what it was made from, so one that exists is up to date.
 */
import { announce, isFile, run, SetupFailure } from "../command.ts";
import { COMPILER_SERIES, provideCompiler } from "../compiler.ts";

const SOURCES = new URL("./udp_load/", import.meta.url).pathname;
const FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-fno-sanitize=undefined"];
const NAME = "udp_load-";

async function hashInputs(names: readonly string[]): Promise<string> {
  const parts = [JSON.stringify([COMPILER_SERIES, FLAGS])];
  for (const name of names) parts.push(name, Deno.readTextFileSync(`${SOURCES}${name}`));
  const bytes = new TextEncoder().encode(parts.join("\n"));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex().slice(0, 16);
}

/** @param cache the project's cache folder, with no slash at the end. @returns the program. */
export async function buildUdpLoad(cache: string): Promise<string> {
  const names = Array.from(Deno.readDirSync(SOURCES), ({ name }) => name).sort();
  const folder = `${cache}/bench`;
  const program = `${folder}/${NAME}${await hashInputs(names)}`;
  if (isFile(program)) return program;
  Deno.mkdirSync(folder, { recursive: true });
  for (const { name } of Deno.readDirSync(folder)) {
    if (name.startsWith(NAME)) Deno.removeSync(`${folder}/${name}`);
  }
  const compiler = await provideCompiler(cache);
  const step = "building the load generator for UDP";
  announce(`${step} ...`);
  const sources = names.filter((name) => name.endsWith(".c")).map((name) => SOURCES + name);
  // Put in place when it is complete.
  const staged = `${folder}/staged-${Deno.pid}`;
  const args = ["cc", ...FLAGS, ...sources, "-o", staged];
  const outcome = await run({ program: compiler.program, args, step, env: compiler.env });
  if (!outcome.ok) {
    throw new SetupFailure(
      `the load generator does not compile with ${compiler.program}; correct ${SOURCES}:\n` +
        outcome.stderr.trimEnd(),
    );
  }
  Deno.renameSync(staged, program);
  return program;
}
