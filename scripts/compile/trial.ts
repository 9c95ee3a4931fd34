/**
 * Tries an executable as its user would, where nothing else is: it tells its version, checks a
 * configuration, and carries bytes. What was made wrongly (a runtime without a program, a library
 * that is missing) shows here and not at the user's.
 */
import { SetupFailure } from "../command.ts";
import { findFreePort } from "../free_port.ts";
import { canEmptyRoot, inEmptyRoot, makeEmptyRoot, PROGRAM_PATH } from "./empty_root.ts";

const DEADLINE_MS = 60_000;
const ASK_INTERVAL_MS = 10;

/** What it said about itself. */
export interface TrialResult {
  readonly version: string;
  /** Null: this system gives nobody an empty root, so it ran in the usual one. */
  readonly root: string | null;
  /** From its start to the first byte that came back through it. */
  readonly startMs: number;
}

/**
 * @param launcher goes first where this machine needs it for the executable's processor
 * @param folder an empty one to use
 * @throws SetupFailure
 */
export async function runTrial(
  executable: string,
  version: string,
  folder: string,
  launcher: readonly string[] = [],
): Promise<TrialResult> {
  makeEmptyRoot(executable, folder);
  const isEmpty = canEmptyRoot(folder);
  const command = isEmpty
    ? [...launcher, ...inEmptyRoot(folder), PROGRAM_PATH]
    : [...launcher, executable];
  const found = await runToEnd([...command, "version", "--json"], "");
  const told = JSON.parse(found) as { readonly ringway?: unknown };
  if (told.ringway !== version) {
    throw new SetupFailure(`the executable says that it is version ${told.ringway}`);
  }
  await runToEnd([...command, "check", "-c", "-"], configure(1, 2));
  const startMs = await tryRelay(command);
  return { version: found.trim(), root: isEmpty ? folder : null, startMs };
}

function configure(port: number, serverPort: number): string {
  return `listeners: { web: { bind: "127.0.0.1:${port}", backend: app } }\n` +
    `backends: { app: ["127.0.0.1:${serverPort}"] }\nadmin: false\n`;
}

async function runToEnd(command: readonly string[], input: string): Promise<string> {
  const child = start(command);
  const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
  await give(child, input);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (code === 0) return out;
  throw new SetupFailure(`"${command.join(" ")}" ended with ${code}: ${err}${out}`);
}

/** Bytes through the executable and back; how long that took from its start. */
async function tryRelay(command: readonly string[]): Promise<number> {
  using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const echo = (async () => {
    for await (const connection of server) {
      connection.readable.pipeTo(connection.writable).catch(() => {});
    }
  })();
  const port = findFreePort();
  const startMs = performance.now();
  const child = start([...command, "serve", "-c", "-"]);
  const output = child.output();
  let hasEnded = false;
  output.then(() => hasEnded = true, () => hasEnded = true);
  await give(child, configure(port, server.addr.port));
  let elapsedMs: number | null = null;
  while (elapsedMs === null && !hasEnded && performance.now() < startMs + DEADLINE_MS) {
    if (await carries(port)) elapsedMs = performance.now() - startMs;
    else await new Promise((resolve) => setTimeout(resolve, ASK_INTERVAL_MS));
  }
  // In namespaces the child is who made them, and does not listen to politer signals; its end is
  // that of everything in them.
  if (!hasEnded) child.kill("SIGKILL");
  const { stderr } = await output;
  server.close();
  await echo;
  if (elapsedMs !== null) return elapsedMs;
  throw new SetupFailure(`no byte came through: ${new TextDecoder().decode(stderr)}`);
}

/** Whether bytes come back from behind `port`. */
export async function carries(port: number): Promise<boolean> {
  const word = "through";
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode(word));
    const bytes = new Uint8Array(word.length);
    let count = 0;
    while (count < bytes.length) {
      const more = await connection.read(bytes.subarray(count));
      if (more === null) return false;
      count += more;
    }
    return new TextDecoder().decode(bytes) === word;
  } catch {
    return false; // it does not listen yet
  }
}

function start([program, ...args]: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(program, {
    args,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH") ?? "" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function give(child: Deno.ChildProcess, text: string): Promise<void> {
  const writer = child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // It has ended, and its end says why.
  }
}
