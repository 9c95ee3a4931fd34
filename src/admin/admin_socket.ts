/**
 * The admin interface: HTTP over a unix socket that only the user who started us may use.
 *
 * So far it answers one question, `GET /api/v1/status`. A socket file left by a dead process is
 * replaced; one that somebody still answers on is not.
 */
import type { Snapshot } from "../supervisor/snapshot.ts";

/** A program that takes longer than this to answer is stuck. */
const ANSWER_MS_MAX = 5000;
/** A socket that was lost is opened again after this, as often as it takes. */
const REOPEN_MS = 500;
/** Answers on their way get this long when the program ends. */
const STOP_MS_MAX = 1000;

/** Where the socket is unless the configuration names a path. */
export function defaultAdminPath(
  environment: Readonly<Record<string, string | undefined>>,
  uid: number | null,
): string {
  // systemd gives a list when a unit has several.
  const given = environment.RUNTIME_DIRECTORY?.split(":")[0];
  const folder = given || (uid === 0 ? "/run" : environment.XDG_RUNTIME_DIR);
  return folder ? `${folder}/ringway.sock` : `/tmp/ringway-${uid}.sock`;
}

export interface AdminSocket {
  readonly path: string;
  stop(): Promise<void>;
}

/** Null when somebody answers at `path`, else why nobody does. */
async function whyUnanswered(path: string): Promise<unknown> {
  try {
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return null;
  } catch (cause) {
    return cause;
  }
}

/** Removes what a dead process left; @throws Error when it is no socket, and so not ours. */
function removeStale(path: string): void {
  let found;
  try {
    found = Deno.lstatSync(path);
  } catch {
    return; // nothing was left there; a folder that is missing shows when it is bound
  }
  if (!found.isSocket) throw new Error("there is a file of this name that is no socket");
  Deno.removeSync(path);
}

/** Listens at `path`, where nobody else may: @throws Error when that is not possible. */
function listen(path: string, snapshot: () => Snapshot): Deno.HttpServer {
  // From its first moment on nobody else may use it.
  const umask = Deno.umask(0o177);
  try {
    removeStale(path);
    return Deno.serve({ path, onListen() {} }, (request) => {
      const { pathname } = new URL(request.url);
      if (pathname !== "/api/v1/status") return new Response("not found\n", { status: 404 });
      if (request.method !== "GET") return new Response("use GET\n", { status: 405 });
      return Response.json(snapshot());
    });
  } finally {
    Deno.umask(umask);
  }
}

/**
 * Opens the socket, and again whenever the runtime gives it up: it does so on the first connection
 * that it cannot accept, which whoever may connect can bring about by opening many.
 *
 * @param warn told when the socket is lost and when it is back.
 * @throws Error with cause and remedy when the socket cannot be made.
 */
export async function openAdminSocket(
  path: string,
  snapshot: () => Snapshot,
  warn: (text: string) => void = () => {},
): Promise<AdminSocket> {
  if (await whyUnanswered(path) === null) {
    throw new Error(
      `cannot bind the admin socket "${path}": another ringway answers there; stop it, or set ` +
        '"admin: { bind: unix:/another/path }" (or "admin: false")',
    );
  }
  let server: Deno.HttpServer;
  try {
    server = listen(path, snapshot);
  } catch (cause) {
    throw new Error(
      `cannot bind the admin socket "${path}": ${reasonOf(cause)}; set ` +
        '"admin: { bind: unix:/path }" to a folder that this user may write, or "admin: false"',
      { cause },
    );
  }
  let isStopped = false;
  let isOpen = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const follow = () => {
    server.finished.catch((cause) => {
      isOpen = false;
      if (isStopped) return;
      warn(`the admin socket "${path}" is lost (${reasonOf(cause)}); it will be opened again`);
      timer = setTimeout(reopen, REOPEN_MS);
    });
  };
  const reopen = async () => {
    try {
      // Whoever answers there now has taken the place, and keeps it.
      if (await whyUnanswered(path) === null) throw new Error("another program answers there");
      if (isStopped) return;
      server = listen(path, snapshot);
      isOpen = true;
      warn(`the admin socket "${path}" is open again`);
      follow();
    } catch {
      if (!isStopped) timer = setTimeout(reopen, REOPEN_MS);
    }
  };
  follow();
  return {
    path,
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      // What is there while ours is lost is another program's.
      if (!isOpen) return;
      await endWithin(server.shutdown(), STOP_MS_MAX);
      try {
        Deno.removeSync(path);
      } catch {
        // It is gone already.
      }
    },
  };
}

/** Waits for `work`, but not for ever: a client may take its answer as slowly as it likes. */
async function endWithin(work: Promise<void>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work.catch(() => {}), promise]);
  clearTimeout(timer);
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** @throws Error that says why there is no answer from `path`, and what to do. */
export async function fetchSnapshot(path: string): Promise<Snapshot> {
  const cause = await whyUnanswered(path);
  if (cause instanceof Deno.errors.PermissionDenied) {
    throw new Error(`the socket "${path}" is another user's; ask as that user, or as root`);
  }
  if (cause !== null) {
    const elsewhere = "Another place is named by --socket PATH or -c FILE";
    throw new Error(`nobody answers at "${path}"; is it running? ${elsewhere}`, { cause });
  }
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  try {
    const signal = AbortSignal.timeout(ANSWER_MS_MAX);
    const response = await fetch("http://localhost/api/v1/status", { client, signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return await response.json() as Snapshot;
  } catch (cause) {
    throw new Error(`no answer from "${path}": ${reasonOf(cause)}`, { cause });
  } finally {
    client.close();
  }
}
