/**
 * Which admin socket a command speaks to: the one that was named, the one of a configuration, else
 * the one that a program of this user has by default, or that of the machine's service.
 */
import { defaultAdminPath } from "../admin/admin_socket.ts";
import { EXIT_CONFIG, EXIT_FAILURE, EXIT_OK } from "./exit_status.ts";
import { say } from "./output.ts";

/** What a command was told of where the running program is. */
export interface Whereabouts {
  readonly socket?: string;
  readonly config?: string;
}

/** Where a program is that systemd started with the unit that we ship (config/systemd/). */
const SERVICE_PATH = "/run/ringway/ringway.sock";

/** Whoever has no program of their own means the one of the machine. */
export function choosePath(own: string, exists: (path: string) => boolean): string {
  return !exists(own) && exists(SERVICE_PATH) ? SERVICE_PATH : own;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The path; or the exit status, when the configuration leads to none: why was said. */
export async function findPath({ socket, config: file }: Whereabouts): Promise<string | number> {
  if (socket !== undefined) return socket;
  if (file !== undefined) {
    // Only then: most who ask have no use for a YAML parser, and do not wait for it.
    const { loadConfig } = await import("./check.ts");
    const { config } = await loadConfig(file);
    if (config === null) {
      say(`ringway: "${file}" has errors; see "ringway check ${file}"\n`);
      return EXIT_CONFIG;
    }
    if (config.admin === false) {
      say(`ringway: "${file}" switches the admin socket off ("admin: false")\n`);
      return EXIT_FAILURE;
    }
    if (config.admin !== null) return config.admin.path;
  }
  return choosePath(defaultAdminPath(Deno.env.toObject(), Deno.uid()), exists);
}

/**
 * Does something with the running program; the exit status.
 * @param body gets the path of the socket; an Error that it throws is told, and is a failure.
 */
export async function withRunning(
  whereabouts: Whereabouts,
  body: (path: string) => Promise<void>,
): Promise<number> {
  const path = await findPath(whereabouts);
  if (typeof path === "number") return path;
  try {
    await body(path);
  } catch (failure) {
    say(`ringway: ${failure instanceof Error ? failure.message : String(failure)}\n`);
    return EXIT_FAILURE;
  }
  return EXIT_OK;
}
