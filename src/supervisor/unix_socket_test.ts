import assert from "node:assert/strict";
import { openShim, type Shim } from "../../ffi/shim.ts";
import {
  EACCES,
  EADDRINUSE,
  EEXIST,
  EMFILE,
  ENOENT,
  ENOMEM,
  ENOTDIR,
  EPERM,
  EROFS,
} from "../base/errno.ts";
import { AF_UNIX } from "../net/socket_address.ts";
import { BindError } from "./bind_error.ts";
import { openUnixSocket, type UnixBind, type UnixSocket } from "./unix_socket.ts";

const shim = openShim();
const BACKLOG = 16;

class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "ringway-unix-" });
  readonly socket = `${this.path}/web.sock`;

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }

  get names(): string[] {
    return Array.from(Deno.readDirSync(this.path), ({ name }) => name);
  }
}

function bindOf(path: string, more: Partial<UnixBind> = {}): UnixBind {
  return {
    kind: "unix",
    path,
    mode: null,
    owner: null,
    group: null,
    text: `unix:${path}`,
    ...more,
  };
}

function open(bind: UnixBind, options = {}, with_: Shim = shim): Promise<UnixSocket> {
  return openUnixSocket(with_, "web", bind, options, BACKLOG);
}

/** As at the end: the program's sockets are closed, then files are removed. */
function end({ socket, remove }: UnixSocket): void {
  shim.library.rw_close(socket.fd);
  remove();
}

async function refusal(bind: UnixBind, options = {}, with_: Shim = shim): Promise<Error> {
  let opened: UnixSocket;
  try {
    opened = await open(bind, options, with_);
  } catch (failure) {
    assert.ok(failure instanceof Error);
    return failure;
  }
  end(opened);
  assert.fail("it was bound");
}

/** A socket file whose program has ended. */
function leaveStale(path: string): void {
  // The kernel keeps the file of a socket that was bound by its other name.
  const listener = Deno.listen({ transport: "unix", path: `${path}.new` });
  Deno.renameSync(`${path}.new`, path);
  listener.close();
  assert.equal(Deno.lstatSync(path).isSocket, true);
}

async function connect(path: string): Promise<void> {
  (await Deno.connect({ transport: "unix", path })).close();
}

Deno.test("a unix socket listens at its path, and its file goes with it", async () => {
  using folder = new Folder();
  const opened = await open(bindOf(folder.socket));
  assert.equal(opened.socket.family, AF_UNIX);
  assert.equal(opened.socket.isWildcard, false);
  await connect(folder.socket);
  end(opened);
  assert.deepEqual(folder.names, []);
});

Deno.test("a socket file that nobody listens on any more is replaced", async () => {
  using folder = new Folder();
  leaveStale(folder.socket);
  await assert.rejects(connect(folder.socket), Deno.errors.ConnectionRefused);
  const opened = await open(bindOf(folder.socket));
  await connect(folder.socket);
  end(opened);
});

Deno.test("a socket that another program listens on is left to it", async () => {
  using folder = new Folder();
  using _other = Deno.listen({ transport: "unix", path: folder.socket });
  const failure = await refusal(bindOf(folder.socket));
  assert.ok(failure instanceof BindError);
  assert.equal(failure.errno, EADDRINUSE);
  assert.ok(
    failure.message.startsWith(`cannot bind "unix:${folder.socket}" of listener "web": `),
    failure.message,
  );
  assert.match(failure.message, /another program listens on it .*; stop it, or bind another path$/);
  await connect(folder.socket);
});

Deno.test("what is no socket is left where it is: a file, a folder, a link", async () => {
  using folder = new Folder();
  Deno.writeTextFileSync(`${folder.path}/file`, "precious");
  Deno.mkdirSync(`${folder.path}/folder`);
  leaveStale(folder.socket);
  Deno.symlinkSync(folder.socket, `${folder.path}/link`);
  for (const name of ["file", "folder", "link"]) {
    const failure = await refusal(bindOf(`${folder.path}/${name}`));
    assert.ok(failure instanceof BindError);
    assert.equal(failure.errno, EEXIST, name);
    assert.ok(
      failure.message.endsWith(
        "what is there is no socket, and is left alone; remove it, or bind another path",
      ),
      failure.message,
    );
  }
  assert.deepEqual(folder.names.sort(), ["file", "folder", "link", "web.sock"]);
  assert.equal(Deno.readTextFileSync(`${folder.path}/file`), "precious");
});

/** Has a call of Deno fail like this as long as the value is in use. */
function failing(name: "connect" | "removeSync" | "chownSync", failure: () => Error): Disposable {
  const real = Deno[name];
  Object.assign(Deno, {
    [name]: () => {
      throw failure();
    },
  });
  return { [Symbol.dispose]: () => void Object.assign(Deno, { [name]: real }) };
}

Deno.test("a socket of which one may not ask who listens is left alone", async () => {
  using folder = new Folder();
  leaveStale(folder.socket);
  using _denied = failing("connect", () => new Deno.errors.PermissionDenied("os error 13"));
  const failure = await refusal(bindOf(folder.socket));
  assert.ok(failure instanceof BindError);
  assert.equal(failure.errno, EADDRINUSE);
  assert.match(
    failure.message,
    /; a program may listen on it, which this user may not ask \(see "ss -lxp"\); stop it, or bind/,
  );
  assert.deepEqual(folder.names, ["web.sock"]);
});

Deno.test("a stale socket that may not be removed: who must do it", async () => {
  using folder = new Folder();
  leaveStale(folder.socket);
  using _denied = failing("removeSync", () => new Deno.errors.PermissionDenied("os error 1"));
  const failure = await refusal(bindOf(folder.socket));
  assert.ok(failure instanceof BindError);
  assert.equal(failure.errno, EPERM);
  assert.match(
    failure.message,
    /nobody listens on is in the way, and this user may not remove it; remove it, or bind another/,
  );
});

Deno.test("a socket that goes while it is looked at is in nobody's way", async () => {
  const gone = () => new Deno.errors.NotFound("os error 2");
  for (const name of ["connect", "removeSync"] as const) {
    using folder = new Folder();
    leaveStale(folder.socket);
    using _gone = failing(name, gone);
    // Here it has not gone, so bind(2) meets it.
    const failure = await refusal(bindOf(folder.socket));
    assert.match(failure.message, /\(EADDRINUSE\); see unix\(7\)$/, name);
  }
});

/** A kernel in which bind(2) fails like this. */
function refusingBind(errno: number): Shim {
  return { ...shim, library: { ...shim.library, rw_bind: () => -errno } };
}

Deno.test("a folder missing, a file, not to be written: what each needs", async () => {
  using folder = new Folder();
  Deno.writeTextFileSync(`${folder.path}/file`, "");
  const missing = await refusal(bindOf(`${folder.path}/missing/web.sock`));
  assert.ok(missing instanceof BindError);
  assert.equal(missing.errno, ENOENT);
  assert.match(
    missing.message,
    /\(ENOENT\); its folder does not exist; make it \(RuntimeDirectory= in the unit does\)$/,
  );
  const file = await refusal(bindOf(`${folder.path}/file/web.sock`));
  assert.ok(file instanceof BindError);
  assert.equal(file.errno, ENOTDIR);
  assert.match(file.message, /\(ENOTDIR\); what should be its folder is a file$/);
  for (const errno of [EACCES, EPERM, EROFS]) {
    const failure = await refusal(bindOf(folder.socket), {}, refusingBind(errno));
    assert.match(failure.message, /; this user may not write in its folder$/);
  }
  const files = await refusal(bindOf(folder.socket), {}, refusingBind(EMFILE));
  assert.match(files.message, /; raise the limit of open files \(ulimit -n, or LimitNOFILE=\)$/);
  const other = await refusal(bindOf(folder.socket), {}, refusingBind(ENOMEM));
  assert.match(other.message, /; see unix\(7\)$/);
});

Deno.test("the mode is the one that is written; otherwise the umask decides", async () => {
  using folder = new Folder();
  const modeOf = (path: string) => Deno.lstatSync(path).mode! & 0o777;
  const written = await open(bindOf(folder.socket, { mode: 0o620 }));
  assert.equal(modeOf(folder.socket), 0o620);
  end(written);
  const closed = await open(bindOf(folder.socket, { mode: 0 }));
  assert.equal(modeOf(folder.socket), 0);
  end(closed);
  const left = await open(bindOf(folder.socket));
  assert.equal(modeOf(folder.socket), 0o777 & ~Deno.umask());
  end(left);
});

/** A row of /etc/passwd or /etc/group that this process may give a file to. */
function rowOf(file: string, own: number | null): { name: string; id: number } {
  const rows = Deno.readTextFileSync(file).split("\n").map((line) => line.split(":"))
    .filter((row) => row.length > 2)
    .map(([name, , id]) => ({ name, id: Number(id) }));
  // Root takes somebody else, so that it shows.
  const found = rows.find(({ id }) => Deno.uid() === 0 ? id > 0 : id === own);
  assert.ok(found !== undefined, `${file} has a row for this test`);
  return found;
}

Deno.test("owner and group are set, by name and by number", async () => {
  using folder = new Folder();
  const user = rowOf("/etc/passwd", Deno.uid());
  const group = rowOf("/etc/group", Deno.gid());
  const forms = [
    { owner: user.name, group: group.name },
    { owner: String(user.id), group: String(group.id) },
  ];
  for (const form of forms) {
    const opened = await open(bindOf(folder.socket, form));
    const { uid, gid } = Deno.lstatSync(folder.socket);
    assert.deepEqual([uid, gid], [user.id, group.id]);
    end(opened);
  }
  // One of them alone leaves the other.
  const opened = await open(bindOf(folder.socket, { group: group.name }));
  const { uid, gid } = Deno.lstatSync(folder.socket);
  assert.deepEqual([uid, gid], [Deno.uid(), group.id]);
  end(opened);
});

Deno.test("an owner or group that is not known: which, where, and nothing is left", async () => {
  using folder = new Folder();
  const owner = await refusal(bindOf(folder.socket, { owner: "no-such-user" }));
  assert.match(owner.message, /of "unix:.*web\.sock" of listener "web"/);
  assert.match(
    owner.message,
    /there is no user "no-such-user" in \/etc\/passwd; write the number$/,
  );
  const group = await refusal(bindOf(folder.socket, { group: "no-such-group" }));
  assert.match(group.message, /there is no group "no-such-group" in \/etc\/group; write the num/);
  assert.deepEqual(folder.names, []);
});

Deno.test("an owner that one may not give a file to: who may, and no file is left", async () => {
  using folder = new Folder();
  using _denied = failing("chownSync", () => new Deno.errors.PermissionDenied("os error 1"));
  const failure = await refusal(bindOf(folder.socket, { owner: "1" }));
  assert.ok(failure instanceof BindError);
  assert.equal(failure.errno, EPERM);
  assert.equal(
    failure.message,
    `cannot set mode or owner of "unix:${folder.socket}" of listener "web": operation not ` +
      "permitted (EPERM); only root (CAP_CHOWN) may give it to another user, or to a group that " +
      "this user is not in",
  );
  assert.deepEqual(folder.names, []);
});

Deno.test("a file that another program has put there meanwhile is not removed", async () => {
  using folder = new Folder();
  const opened = await open(bindOf(folder.socket));
  Deno.removeSync(folder.socket);
  using _other = Deno.listen({ transport: "unix", path: folder.socket });
  end(opened);
  await connect(folder.socket);

  const gone = await open(bindOf(`${folder.path}/gone.sock`));
  Deno.removeSync(`${folder.path}/gone.sock`);
  end(gone);
});

Deno.test("options of the file are set before the socket listens", async () => {
  using folder = new Folder();
  const calls: string[] = [];
  const library = {
    ...shim.library,
    rw_set_option: (fd: number, level: number, option: number, value: number) => {
      calls.push(`${level}.${option}=${value}`);
      return shim.library.rw_set_option(fd, level, option, value);
    },
    rw_listen: (fd: number, backlog: number) => {
      calls.push(`listen ${backlog}`);
      return shim.library.rw_listen(fd, backlog);
    },
  } as Shim["library"];
  // dscp means nothing to a unix socket.
  const options = { receive_buffer: 65536, dscp: 46 };
  end(await open(bindOf(folder.socket), options, { ...shim, library }));
  assert.deepEqual(calls, ["1.8=65536", `listen ${BACKLOG}`]);
});

Deno.test("whatever step fails, the socket is closed and no file is left", async () => {
  using folder = new Folder();
  for (const step of ["rw_socket", "rw_set_option", "rw_bind", "rw_listen"] as const) {
    const closed: number[] = [];
    const opened: number[] = [];
    const real = shim.library;
    const library = {
      ...real,
      rw_socket: (family: number, type: number) => {
        opened.push(real.rw_socket(family, type));
        return opened[0];
      },
      rw_close: (fd: number) => {
        closed.push(fd);
        return real.rw_close(fd);
      },
      [step]: () => -EMFILE,
    } as unknown as Shim["library"];
    const options = { receive_buffer: 65536 };
    const failure = await refusal(bindOf(folder.socket), options, { ...shim, library });
    assert.ok(failure instanceof BindError, `${step}: ${failure.message}`);
    assert.equal(failure.errno, EMFILE, step);
    assert.match(failure.message, /"unix:.*web\.sock"/, step);
    assert.deepEqual(closed, opened, step);
    assert.deepEqual(folder.names, [], step);
  }
});
