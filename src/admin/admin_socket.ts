/**
 * Where the admin API is served: HTTP over a unix socket that only the user who started us may use.
 *
 * A socket file left by a dead process is replaced; one that somebody still answers on is not. What
 * is answered is not decided here but in api.ts.
 */
import { reasonOf, whyUnanswered } from "./admin_client.ts";
import { answerRequest, type Control } from "./api.ts";

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

/** Who may use it, if not the user who opens it. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface AdminSocket {
  readonly path: string;
  stop(): Promise<void>;
}

/** @throws Error when what is at `path` is no socket, and so not what a dead process left. */
function refuseFile(path: string): void {
  let found;
  try {
    found = Deno.lstatSync(path);
  } catch {
    return; // nothing was left there; a folder that is missing shows when it is bound
  }
  if (!found.isSocket) throw new Error("there is a file of this name that is no socket");
}

type Warn = (text: string) => void;

/** As dirname() of node:path, to load which would delay every start. */
function folderOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end < 0 ? "." : path.slice(0, Math.max(end, 1));
}

/**
 * Listens at `path`, where nobody else may, and replaces a socket that is there.
 *
 * It is bound in a folder that only this user may enter and moved once its mode is right, so there
 * is no moment in which another may connect. A stricter umask meanwhile would do the same, but it
 * is the whole process's, and so met by whatever file another thread makes just then.
 *
 * @throws Error when that is not possible.
 */
function listen(
  path: string,
  control: Control,
  warn: Warn,
  owner: Owner | null,
): Deno.HttpServer {
  refuseFile(path);
  const folder = Deno.makeTempDirSync({ dir: folderOf(path), prefix: "." });
  let server: Deno.HttpServer | undefined;
  try {
    server = Deno.serve({
      path: `${folder}/s`,
      onListen() {},
      // A mistake of ours, which the runtime would print over the log.
      onError(cause) {
        warn(`a request to the admin socket failed: ${reasonOf(cause)}`);
        return new Response("internal error\n", { status: 500 });
      },
    }, (request) => answerRequest(request, control));
    Deno.chmodSync(`${folder}/s`, 0o600);
    if (owner !== null) Deno.chownSync(`${folder}/s`, owner.uid, owner.gid);
    Deno.renameSync(`${folder}/s`, path);
    return server;
  } catch (cause) {
    server?.shutdown();
    throw cause;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

function barredText(path: string): string {
  return `the admin socket "${path}" cannot be opened again: this user may not write in its ` +
    "folder; restart, and bind it in a folder of this user";
}

/**
 * Opens the socket, and again whenever the runtime gives it up: it does so on the first connection
 * that it cannot accept, which whoever may connect can bring about by opening many.
 *
 * @param warn told when the socket is lost and when it is back, and of mistakes of ours.
 * @param owner null: whoever we are.
 * @throws Error with cause and remedy when the socket cannot be made.
 */
export async function openAdminSocket(
  path: string,
  control: Control,
  warn: Warn = () => {},
  owner: Owner | null = null,
): Promise<AdminSocket> {
  if (await whyUnanswered(path) === null) {
    throw new Error(
      `cannot bind the admin socket "${path}": another ringway answers there; stop it, or set ` +
        '"admin: { bind: unix:/another/path }" (or "admin: false"; for "ringway proxy": --socket)',
    );
  }
  let server: Deno.HttpServer;
  try {
    server = listen(path, control, warn, owner);
  } catch (cause) {
    throw new Error(
      `cannot bind the admin socket "${path}": ${reasonOf(cause)}; set ` +
        '"admin: { bind: unix:/path }" to a folder that this user may write, or "admin: false"',
      { cause },
    );
  }
  let isStopped = false;
  let isOpen = true;
  let isBarred = false;
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
      server = listen(path, control, warn, owner);
      isOpen = true;
      warn(`the admin socket "${path}" is open again`);
      follow();
    } catch (cause) {
      if (isStopped) return;
      timer = setTimeout(reopen, REOPEN_MS);
      // It was opened by root, who has become another since.
      if (cause instanceof Deno.errors.PermissionDenied && !isBarred) {
        isBarred = true;
        warn(barredText(path));
      }
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
