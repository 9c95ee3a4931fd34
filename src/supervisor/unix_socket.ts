/**
 * A listening socket in the file system: `unix:/path`, one for all workers.
 *
 * A socket file outlives its program, so one may be in the way: a stale one (nobody answers) is
 * removed, a live one never, and nothing that is not a socket. Mode and owner are set between bind
 * and listen, when nobody can connect yet: there is no moment in which the file is too open.
 */
import {
  describeErrno,
  EACCES,
  EADDRINUSE,
  EEXIST,
  EMFILE,
  ENOENT,
  ENOTDIR,
  EPERM,
  EROFS,
} from "../base/errno.ts";
import { AF_UNIX, encodeUnixAddress } from "../net/socket_address.ts";
import { optionCalls, type SocketOptions } from "../net/socket_options.ts";
import { STREAM } from "../ring/ring.ts";
import type { BindConfig } from "../config/config.ts";
import type { SocketPlan } from "../upstream/plan.ts";
import type { Shim } from "../../ffi/shim.ts";
import { findGroup, findUser } from "./accounts.ts";
import { BindError, bindError } from "./bind_error.ts";

export type UnixBind = Extract<BindConfig, { kind: "unix" }>;

export interface UnixSocket {
  readonly socket: SocketPlan;
  /** Removes the file, unless another program has put its own there meanwhile. */
  readonly remove: () => void;
}

/** Who listens at `path`: "unknown" to a user who may not ask, "gone" when it is there no more. */
async function listenerAt(path: string): Promise<"program" | "nobody" | "unknown" | "gone"> {
  try {
    (await Deno.connect({ transport: "unix", path })).close();
    return "program";
  } catch (failure) {
    if (failure instanceof Deno.errors.ConnectionRefused) return "nobody";
    if (failure instanceof Deno.errors.NotFound) return "gone";
    // Whoever may not ask does not know, and then it is not ours to remove.
    return failure instanceof Deno.errors.PermissionDenied ? "unknown" : "program";
  }
}

async function makeRoom(listener: string, bind: UnixBind): Promise<void> {
  let found: Deno.FileInfo;
  try {
    found = Deno.lstatSync(bind.path);
  } catch {
    return; // nothing there, or bind(2) tells what is wrong
  }
  const refuse = (errno: number, remedy: string) => bindError(listener, bind.text, errno, remedy);
  if (!found.isSocket) {
    const remedy = "what is there is no socket, and is left alone; remove it, or bind another path";
    throw refuse(EEXIST, remedy);
  }
  switch (await listenerAt(bind.path)) {
    case "program":
      throw refuse(
        EADDRINUSE,
        'another program listens on it (see "ss -lxp"); stop it, or bind another path',
      );
    case "unknown":
      throw refuse(
        EADDRINUSE,
        'a program may listen on it, which this user may not ask (see "ss -lxp"); stop it, or ' +
          "bind another path",
      );
    case "nobody":
      removeStale(refuse, bind.path);
  }
}

function removeStale(refuse: (errno: number, remedy: string) => BindError, path: string): void {
  try {
    Deno.removeSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    if (!(cause instanceof Deno.errors.PermissionDenied)) throw cause;
    // A folder of somebody else, or one in which each may remove only what is his (/tmp).
    throw refuse(
      EPERM,
      "a socket that nobody listens on is in the way, and this user may not remove it; remove " +
        "it, or bind another path",
    );
  }
}

/** What to do when bind(2) did not make a file, or there was no socket to make one with. */
function remedyFor(errno: number): string {
  switch (errno) {
    case ENOENT:
      return "its folder does not exist; make it (RuntimeDirectory= in the unit does)";
    case ENOTDIR:
      return "what should be its folder is a file";
    case EACCES:
    case EPERM:
    case EROFS:
      return "this user may not write in its folder";
    case EMFILE:
      return "raise the limit of open files (ulimit -n, or LimitNOFILE=)";
    default:
      return "see unix(7)";
  }
}

function setAccess(listener: string, bind: UnixBind): void {
  const what = `of "${bind.text}" of listener "${listener}"`;
  try {
    if (bind.mode !== null) Deno.chmodSync(bind.path, bind.mode);
    const owner = bind.owner === null ? null : findUser(bind.owner).uid;
    const group = bind.group === null ? null : findGroup(bind.group);
    if (owner !== null || group !== null) Deno.chownSync(bind.path, owner, group);
  } catch (cause) {
    if (cause instanceof Deno.errors.PermissionDenied) {
      throw new BindError(
        EPERM,
        `cannot set mode or owner ${what}: ${describeErrno(EPERM)}; only root (CAP_CHOWN) may ` +
          "give it to another user, or to a group that this user is not in",
      );
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`cannot set mode or owner ${what}: ${reason}`);
  }
}

/** @throws BindError, Error with cause and remedy; then nothing stays open and no file is left. */
export async function openUnixSocket(
  shim: Shim,
  listener: string,
  bind: UnixBind,
  options: SocketOptions,
  backlog: number,
): Promise<UnixSocket> {
  await makeRoom(listener, bind);
  const { library } = shim;
  const fail = (result: number): never => {
    if (fd >= 0) library.rw_close(fd);
    throw bindError(listener, bind.text, -result, remedyFor(-result));
  };
  const fd = library.rw_socket(AF_UNIX, STREAM);
  if (fd < 0) fail(fd);
  for (const [level, option, value] of optionCalls(options, "listener", "stream", AF_UNIX)) {
    const result = library.rw_set_option(fd, level, option, value);
    if (result < 0) fail(result);
  }
  const address = encodeUnixAddress(bind.path);
  shim.scratch.set(address);
  const bound = library.rw_bind(fd, address.length);
  if (bound < 0) fail(bound);
  const { dev, ino } = Deno.lstatSync(bind.path);
  const remove = () => {
    try {
      const now = Deno.lstatSync(bind.path);
      if (now.dev === dev && now.ino === ino) Deno.removeSync(bind.path);
    } catch {
      // Gone already.
    }
  };
  try {
    setAccess(listener, bind);
    const listens = library.rw_listen(fd, backlog);
    if (listens < 0) throw bindError(listener, bind.text, -listens, "see unix(7)");
  } catch (cause) {
    library.rw_close(fd);
    remove();
    throw cause;
  }
  return { socket: { fd, family: AF_UNIX, isWildcard: false }, remove };
}
