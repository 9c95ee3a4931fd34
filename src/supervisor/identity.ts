/**
 * Whom the program becomes when it was started as root and the configuration names a user: after
 * everything is bound, before the first worker. Workers inherit it.
 *
 * What stays with the supervisor is the right to bind ports below 1024, and that of sockets from
 * other addresses where a backend is transparent, which its workers get as well.
 */
import { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_NET_RAW } from "../base/capability.ts";
import { describeErrno, EINVAL, EPERM } from "../base/errno.ts";
import type { Config } from "../config/config.ts";
import type { Shim } from "../../ffi/shim.ts";
import { findGroup, findUser } from "./accounts.ts";
import { BindError } from "./bind_error.ts";

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/**
 * @param current who runs now. @returns null: nothing is to be changed.
 * @throws BindError when that would need root, Error for an account that is unknown.
 */
export function findIdentity(
  config: Pick<Config, "user" | "group">,
  current: Identity,
  find: { user: typeof findUser; group: typeof findGroup } = { user: findUser, group: findGroup },
): Identity | null {
  const { user, group } = config;
  if (user === null) return null;
  const account = find.user(user);
  const own = account.uid === current.uid ? current.gid : null;
  const gid = group === null ? account.gid ?? own : find.group(group);
  if (gid === null) {
    throw new Error(`user "${user}" has no group: it is not in /etc/passwd; set group as well`);
  }
  if (account.uid === current.uid && gid === current.gid) return null;
  if (current.uid === 0) return { uid: account.uid, gid };
  const whom = group === null ? `user "${user}"` : `user "${user}" and group "${group}"`;
  throw new BindError(
    EPERM,
    `cannot become ${whom}: ${describeErrno(EPERM)}; start as root, or as that user and without ` +
      "user in the configuration",
  );
}

/**
 * Folders that the service manager has made for us alone go along: sockets in them are removed in
 * the end, and the admin socket may have to be opened again.
 */
function giveFolders(identity: Identity, list: string): void {
  for (const folder of list.split(":").filter((path) => path !== "")) {
    try {
      Deno.chownSync(folder, identity.uid, identity.gid);
    } catch {
      // It is not there, or not ours to give: then the sockets are left behind.
    }
  }
}

/** @throws BindError with cause and remedy. */
export function takeIdentity(
  { library }: Shim,
  identity: Identity,
  { backends }: Pick<Config, "backends">,
): void {
  giveFolders(identity, Deno.env.get("RUNTIME_DIRECTORY") ?? "");
  const { uid, gid } = identity;
  const isTransparent = backends.some(({ transparent }) => transparent);
  const inherited = isTransparent ? CAP_NET_ADMIN | CAP_NET_RAW : 0;
  const result = library.rw_drop_user(uid, gid, CAP_NET_BIND_SERVICE | inherited, inherited);
  if (result >= 0) return;
  throw new BindError(
    -result,
    `cannot become user ${uid} of group ${gid}: ${describeErrno(result)}; ${remedyFor(-result)}`,
  );
}

function remedyFor(errno: number): string {
  switch (errno) {
    case EPERM:
      return "root needs CAP_SETUID and CAP_SETGID for it; grant them, or start as that user";
    case EINVAL:
      return "this user namespace has no such number; map it, or name another";
    default:
      return "see setresuid(2)";
  }
}
