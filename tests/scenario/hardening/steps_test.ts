import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { openLibrary } from "../../../ffi/shim.ts";

const NO_NEW_PRIVS = 1;
const CAPABILITIES = 2;
const LANDLOCK = 4;
const SECCOMP = 8;
const FILES = 16;
const RING = 32;
const ALLOW_UNIX = 256;
const ALLOW_BIND = 512;
const CAP_NET_RAW = 1 << 13;

const PROGRAM = new URL("hardened_program.ts", import.meta.url).pathname;
const EPERM = "errno 1";
const IS_ROOT = Deno.uid() === 0;
const HAS_LANDLOCK = openLibrary().rw_landlock_version() >= 1;

interface Found {
  readonly calls: Readonly<Record<string, string>>;
  readonly [attempt: string]: string | Readonly<Record<string, string>>;
}

/** What came of each attempt after these steps. */
async function tryAll(steps: number, kept = 0): Promise<{ result: number; found: Found }> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", PROGRAM, `${steps}`, `${kept}`],
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (text === "") throw new Error(new TextDecoder().decode(stderr));
  const { result, folder, found } = JSON.parse(text);
  Deno.removeSync(folder, { recursive: true });
  return { result, found };
}

function served({ found }: { found: Found }): void {
  const names = ["tcp", "udp", "connect", "compile", "collect", "trace"];
  for (const name of names) strictEqual(found[name], "ok", name);
  strictEqual(found.pollByRing, "errno 9", "asked, and there is no such file");
}

Deno.test("a ring takes no operation that we do not use, hardened or not", async () => {
  const tried = await tryAll(0);
  strictEqual(tried.result, RING);
  strictEqual(tried.found.openByRing, "errno 13");
  served(tried);
  const { readFile, writeFile, readOpenFile, command } = tried.found;
  deepStrictEqual([readFile, writeFile, readOpenFile, command], ["ok", "ok", "ok", "ok"]);
});

Deno.test({
  name: "landlock alone: no file is opened, by any thread, and no other process signalled",
  ignore: !HAS_LANDLOCK,
  fn: async () => {
    const tried = await tryAll(NO_NEW_PRIVS | LANDLOCK);
    strictEqual(tried.result, NO_NEW_PRIVS | LANDLOCK | RING);
    for (const name of ["readFile", "readFileInThread", "writeFile", "removeFile", "command"]) {
      match(String(tried.found[name]), /^PermissionDenied: .*os error 13/, name);
    }
    served(tried);
  },
});

Deno.test({
  name: "capabilities alone: what only root may is refused to all threads",
  ignore: !IS_ROOT,
  fn: async () => {
    const tried = await tryAll(CAPABILITIES);
    strictEqual(tried.result, CAPABILITIES | RING);
    match(String(tried.found.chown), /not permitted/);
    match(String(tried.found.chownInThread), /not permitted/);
    strictEqual(tried.found.packet, EPERM);
    strictEqual(
      (await tryAll(CAPABILITIES, CAP_NET_RAW)).found.packet,
      "ok",
      "what is kept is kept",
    );
    served(tried);
  },
});

Deno.test("files alone: what was open is empty, and nothing goes into it", async () => {
  const tried = await tryAll(FILES);
  strictEqual(tried.result, FILES | RING);
  strictEqual(tried.found.readOpenFile, "empty");
  match(String(tried.found.writeOpenFile), /^PermissionDenied/);
  strictEqual(tried.found.readFile, "ok");
  served(tried);
});

Deno.test("the filter alone: no file, process, ring or other socket, by any thread", async () => {
  const tried = await tryAll(NO_NEW_PRIVS | SECCOMP);
  strictEqual(tried.result, NO_NEW_PRIVS | SECCOMP | RING);
  const { calls, ...others } = tried.found;
  const { clone3, ...refused } = calls;
  strictEqual(clone3, "errno 38", "the C library then takes clone, whose flags can be seen");
  strictEqual(Object.keys(refused).length, 14);
  for (const [name, answer] of Object.entries(refused)) strictEqual(answer, EPERM, name);
  const sockets = ["netlink", "packet", "raw", "unix", "bind"];
  for (const name of sockets) strictEqual(others[name], EPERM, name);
  const files = ["readFile", "readFileInThread", "writeFile", "removeFile", "chown"];
  for (const name of [...files, "command", "kill"]) {
    match(String(others[name]), /^PermissionDenied/, name);
  }
  served(tried);
});

Deno.test("a configuration that needs them has unix sockets, and may bind", async () => {
  const { found } = await tryAll(NO_NEW_PRIVS | LANDLOCK | SECCOMP | ALLOW_UNIX | ALLOW_BIND);
  deepStrictEqual([found.unix, found.bind, found.packet], ["ok", "ok", EPERM]);
});
