/**
 * Which configuration to use, and its text: -c, $RINGWAY_CONFIG, ./ringway.yaml,
 * /etc/ringway/ringway.yaml, the demonstration. A file that was named must exist; falling back to
 * another one in silence would run what nobody asked for.
 */
import DEMO from "../../config/demo.yaml" with { type: "text" };

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

/** Where a configuration may be. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Relative names are looked for in these, in this order. */
  readonly folders: readonly string[];
  /** The file of the whole machine. */
  readonly systemFile: string;
  readStandardInput(): Promise<string>;
}

/** In the folder where the person is. */
export const LOCAL_FILE = "ringway.yaml";
const SYSTEM_FILE = "/etc/ringway/ringway.yaml";

/** Those of this process. A task runner changes the folder; INIT_CWD is where the person was. */
export function ownSurroundings(): Surroundings {
  const environment = Deno.env.toObject();
  const start = environment.INIT_CWD;
  return {
    environment,
    folders: start === undefined ? [Deno.cwd()] : [start, Deno.cwd()],
    systemFile: SYSTEM_FILE,
    readStandardInput: () => new Response(Deno.stdin.readable).text(),
  };
}

/** @throws ConfigSourceError naming the file and why. */
export async function findConfig(
  named: string | undefined,
  surroundings: Surroundings = ownSurroundings(),
): Promise<ConfigSource> {
  const { environment, systemFile } = surroundings;
  if (named === "-") {
    return { file: "<stdin>", text: await surroundings.readStandardInput(), isDemo: false };
  }
  if (named !== undefined) return readNamed(named, "from the command line", surroundings);
  // An empty variable is how a service file or a container says "none".
  const fromEnvironment = environment.RINGWAY_CONFIG;
  if (fromEnvironment !== undefined && fromEnvironment !== "") {
    return readNamed(fromEnvironment, "from $RINGWAY_CONFIG", surroundings);
  }
  const found = tryFolders(LOCAL_FILE, surroundings);
  if (found !== null) return { file: LOCAL_FILE, text: found, isDemo: false };
  const text = tryRead(systemFile, systemFile);
  if (text !== null) return { file: systemFile, text, isDemo: false };
  return { file: "config/demo.yaml", text: DEMO, isDemo: true };
}

function readNamed(path: string, saidBy: string, surroundings: Surroundings): ConfigSource {
  if (path === "") {
    throw new ConfigSourceError(`the name of the configuration file is empty (${saidBy})`);
  }
  const text = path.startsWith("/") ? tryRead(path, path) : tryFolders(path, surroundings);
  if (text !== null) return { file: path, text, isDemo: false };
  throw new ConfigSourceError(`cannot read "${path}" (${saidBy}): no such file`);
}

function tryFolders(path: string, { folders }: Surroundings): string | null {
  for (const folder of folders) {
    const text = tryRead(`${folder}/${path}`, path);
    if (text !== null) return text;
  }
  return null;
}

/** The text of a file, null when there is none; `name` is what to call it. */
function tryRead(path: string, name: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    const isMissing = cause instanceof Deno.errors.NotFound ||
      cause instanceof Deno.errors.NotADirectory;
    if (isMissing) return null;
    throw new ConfigSourceError(`cannot read "${name}": ${explain(cause, name)}`);
  }
}

function explain(cause: unknown, name: string): string {
  if (cause instanceof Deno.errors.IsADirectory) {
    return `it is a folder; name the file in it, such as ${name.replace(/\/$/, "")}/${LOCAL_FILE}`;
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return "permission denied (EACCES); make it readable for the user that runs this";
  }
  return cause instanceof Error ? cause.message : String(cause);
}
