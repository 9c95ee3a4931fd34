/**
 * Which configuration to use, and its text: -c, $RINGWAY_CONFIG, ./ringway.yaml,
 * /etc/ringway/ringway.yaml, the demonstration. A file that was named must exist; falling back to
 * another one in silence would run what nobody asked for.
 */

export class ConfigSourceError extends Error {
  override readonly name = "ConfigSourceError";
}

export interface ConfigSource {
  /** As shown in messages. */
  readonly file: string;
  readonly text: string;
  /** The demonstration runs because nothing else was found. */
  readonly isDemo: boolean;
}

const DEMO_PATH = `${import.meta.dirname}/../../config/demo.yaml`;
const SEARCHED = ["ringway.yaml", "/etc/ringway/ringway.yaml"];

function tryRead(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return null;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigSourceError(`cannot read "${path}": ${reason}`);
  }
}

/** A task runner changes the folder; INIT_CWD is where the person was. */
function readNamed(path: string, saidBy: string): string {
  const text = tryRead(path);
  if (text !== null) return text;
  const start = Deno.env.get("INIT_CWD");
  const again = start !== undefined && !path.startsWith("/") ? tryRead(`${start}/${path}`) : null;
  if (again !== null) return again;
  throw new ConfigSourceError(`cannot read "${path}" (${saidBy}): no such file`);
}

async function readStandardInput(): Promise<string> {
  return await new Response(Deno.stdin.readable).text();
}

/** @throws ConfigSourceError naming the file and why. */
export async function findConfig(named: string | undefined): Promise<ConfigSource> {
  if (named === "-") {
    return { file: "<stdin>", text: await readStandardInput(), isDemo: false };
  }
  if (named !== undefined) {
    return { file: named, text: readNamed(named, "from the command line"), isDemo: false };
  }
  const fromEnvironment = Deno.env.get("RINGWAY_CONFIG");
  if (fromEnvironment !== undefined) {
    const text = readNamed(fromEnvironment, "from RINGWAY_CONFIG");
    return { file: fromEnvironment, text, isDemo: false };
  }
  for (const path of SEARCHED) {
    const text = tryRead(path);
    if (text !== null) return { file: path, text, isDemo: false };
  }
  return { file: "config/demo.yaml", text: Deno.readTextFileSync(DEMO_PATH), isDemo: true };
}
