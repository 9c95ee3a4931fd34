/**
 * The admin interface: HTTP over a unix socket that only the user who started us may use.
 *
 * So far it answers one question, `GET /api/v1/status`. A socket file left by a dead process is
 * replaced; one that somebody still answers on is not.
 */
import type { Snapshot } from "../supervisor/snapshot.ts";

/** Where the socket is unless the configuration names a path. */
export function defaultAdminPath(
  environment: Readonly<Record<string, string | undefined>>,
  uid: number | null,
): string {
  const folder = environment.RUNTIME_DIRECTORY ??
    (uid === 0 ? "/run" : environment.XDG_RUNTIME_DIR);
  return folder !== undefined ? `${folder}/ringway.sock` : `/tmp/ringway-${uid}.sock`;
}

export interface AdminSocket {
  readonly path: string;
  stop(): Promise<void>;
}

async function isAnswered(path: string): Promise<boolean> {
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return true;
  } catch {
    return false;
  }
}

/** @throws Error with cause and remedy when the socket cannot be made. */
export async function openAdminSocket(
  path: string,
  snapshot: () => Snapshot,
): Promise<AdminSocket> {
  if (await isAnswered(path)) {
    throw new Error(
      `cannot bind the admin socket "${path}": another ringway answers there; stop it, or set ` +
        '"admin: { bind: unix:/another/path }" (or "admin: false")',
    );
  }
  try {
    Deno.removeSync(path);
  } catch {
    // Nothing was left there; a folder that is missing shows below.
  }
  try {
    const server = Deno.serve({ path, onListen() {} }, (request) => {
      const { pathname } = new URL(request.url);
      if (pathname !== "/api/v1/status") return new Response("not found\n", { status: 404 });
      if (request.method !== "GET") return new Response("use GET\n", { status: 405 });
      return Response.json(snapshot());
    });
    Deno.chmodSync(path, 0o600);
    return {
      path,
      stop: async () => {
        await server.shutdown();
        try {
          Deno.removeSync(path);
        } catch {
          // Somebody removed it before us.
        }
      },
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `cannot bind the admin socket "${path}": ${reason}; set "admin: { bind: unix:/path }" to a ` +
        'folder that this user may write, or "admin: false"',
      { cause },
    );
  }
}

/** @throws Error when nobody answers at `path`. */
export async function fetchSnapshot(path: string): Promise<Snapshot> {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  try {
    const response = await fetch("http://localhost/api/v1/status", { client });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.json() as Snapshot;
  } finally {
    client.close();
  }
}
