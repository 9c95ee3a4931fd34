/**
 * The launcher, with a program inside that tells what it got; and with files that are not whole,
 * and systems that do not let it.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { canEmptyRoot } from "../../scripts/compile/empty_root.ts";
import { builtExecutable } from "./built_executable.ts";
import { takeApart, type TakenApart, withScript } from "./taken_apart.ts";

const TELL = `console.log(JSON.stringify({ args: Deno.args, environment: Deno.env.toObject(),
  fds: [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => [name, (() => {
    try { return Deno.readLinkSync("/proc/self/fd/" + name); } catch { return ""; }
  })()]) })); Deno.exit(0);`;

interface Told {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly fds: readonly (readonly [string, string])[];
}

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A folder with executables in it, for one test. */
class Workshop {
  readonly folder = Deno.makeTempDirSync({ prefix: "ringway-launcher-" });

  write(name: string, bytes: Uint8Array): string {
    const path = `${this.folder}/${name}`;
    Deno.writeFileSync(path, bytes, { mode: 0o755 });
    return path;
  }

  /** One that tells what it got. */
  async telling(): Promise<string> {
    return this.write("telling", withScript(await apart(), TELL));
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.folder, { recursive: true });
  }
}

let whole: Uint8Array<ArrayBuffer> | null = null;

async function wholeFile(): Promise<Uint8Array<ArrayBuffer>> {
  whole ??= Deno.readFileSync(await builtExecutable());
  return whole;
}

async function apart(): Promise<TakenApart> {
  return takeApart(await wholeFile());
}

async function run(
  [program, ...args]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Run> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    clearEnv: true,
    env: { PATH: Deno.env.get("PATH")!, ...environment },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

async function tell(
  command: readonly string[],
  environment?: Readonly<Record<string, string>>,
): Promise<Told> {
  const { code, out, err } = await run(command, environment);
  strictEqual(code, 0, err);
  strictEqual(err, "");
  return JSON.parse(out);
}

Deno.test("arguments reach the program as they are, whatever they mean to others", async () => {
  using workshop = new Workshop();
  const program = await workshop.telling();
  const words = ["", "--version", "-A", "--v8-flags=--help", "--", "--preload", "a b\nc", "ü", ""];
  deepStrictEqual((await tell([program, ...words])).args, words);
  deepStrictEqual((await tell([program])).args, []);
  deepStrictEqual((await tell([program, "--argv0", "x"])).args, ["--argv0", "x"]);
});

Deno.test("what the environment tells other programs neither breaks nor takes over", async () => {
  using workshop = new Workshop();
  const hostile = {
    LD_PRELOAD: "/none.so",
    LD_LIBRARY_PATH: workshop.folder,
    LD_DEBUG: "all",
    GLIBC_TUNABLES: "glibc.malloc.check=3",
    DENO_DIR: `${workshop.folder}/cache`,
    DENO_V8_FLAGS: "--max-old-space-size=1",
    DENO_COMPAT: "1",
    DENO_AUTO_UPDATE: "1",
    NODE_OPTIONS: "--require /none.js",
    NODE_EXTRA_CA_CERTS: "/none.pem",
    OTEL_DENO: "true",
    RUST_LOG: "trace",
    RUST_BACKTRACE: "full",
    RINGWAY_PARTS: "app.js=0",
  };
  const kept = { RINGWAY_CONFIG: "x", HOME: workshop.folder, NO_COLOR: "1", TZ: "UTC" };
  const { environment } = await tell([await workshop.telling()], { ...hostile, ...kept });
  for (const [name, value] of Object.entries(hostile)) {
    ok(environment[name] !== value, `${name} is still ${value}`);
  }
  for (const [name, value] of Object.entries(kept)) strictEqual(environment[name], value);
  deepStrictEqual(Array.from(Deno.readDirSync(workshop.folder), ({ name }) => name), ["telling"]);
});

Deno.test("files that were open stay; of its own only the parts are left", async () => {
  using workshop = new Workshop();
  const program = await workshop.telling();
  const shell = ["sh", "-c", 'exec 3<"$1" 5<"$1"; shift; exec "$@"', "sh"];
  const { fds, environment } = await tell([...shell, program, program]);
  const links = new Map(fds);
  for (const fd of ["3", "5"]) strictEqual(links.get(fd), program);
  const own = fds.filter(([, link]) => link.startsWith("/memfd:ringway:"));
  const words = environment.RINGWAY_PARTS.split(" ");
  const numbers = words.flatMap((word) => word.split("=")[1].split(":"));
  deepStrictEqual(own.map(([fd]) => fd).sort(), numbers.sort());
  // The executable itself is not held open: it could not be unmounted.
  strictEqual(fds.filter(([, link]) => link === program).length, 2);
});

Deno.test("a standard stream that is closed does not become a part", async () => {
  using workshop = new Workshop();
  const { environment } = await tell(["sh", "-c", 'exec "$1" <&-', "sh", await workshop.telling()]);
  ok(!/[=:]0( |:|$)/.test(environment.RINGWAY_PARTS), environment.RINGWAY_PARTS);
});

Deno.test("memory files are sealed: nobody can change what runs", async () => {
  using workshop = new Workshop();
  const script = `const fd = /worker\\.js=(\\d+)/.exec(Deno.env.get("RINGWAY_PARTS"))[1];
    try { Deno.writeTextFileSync("/proc/self/fd/" + fd, "x"); console.log("written"); }
    catch (cause) { console.log(cause.message); } Deno.exit(0);`;
  const program = workshop.write("writing", withScript(await apart(), script));
  match((await run([program])).out, /not permitted/);
});

Deno.test("a file that is cut short says how much is missing", async () => {
  using workshop = new Workshop();
  const file = await wholeFile();
  for (const missing of [1, 5000, file.length - 1_000_000]) {
    const program = workshop.write("cut", file.subarray(0, file.length - missing));
    const { code, err } = await run([program, "version"]);
    strictEqual(code, 70);
    strictEqual(
      err,
      `ringway: this file is cut short: ${missing} bytes are missing; download it again\n`,
    );
  }
});

Deno.test("a file that has grown or changed says so", async () => {
  using workshop = new Workshop();
  const file = await wholeFile();
  const longer = new Uint8Array(file.length + 10);
  longer.set(file);
  const grown = await run([workshop.write("grown", longer)]);
  strictEqual(grown.code, 70);
  strictEqual(grown.err, "ringway: this file is 10 bytes too long; download it again\n");
  const changed = file.slice();
  changed[file.length >> 1] ^= 0xff;
  const damaged = await run([workshop.write("damaged", changed)]);
  strictEqual(damaged.code, 70);
  match(damaged.err, /^ringway: this file is damaged \(deno\): download it again\n$/);
});

Deno.test("a launcher with nothing behind it says how a whole program is made", async () => {
  using workshop = new Workshop();
  const { launcher } = await apart();
  const bare = launcher.slice();
  const header = new TextDecoder("latin1").decode(bare).indexOf("RINGWAY-IMAGE-1\0") + 16;
  bare.fill(0, header, header + 24);
  const { code, err } = await run([workshop.write("bare", bare)]);
  strictEqual(code, 70);
  match(err, /deno task compile/);
});

const LIMITS: readonly (readonly [string, string, RegExp])[] = [
  ["open files", "ulimit -n 8", /^ringway: too few files may be open: raise the limit/],
  ["file size", "ulimit -f 1024", /^ringway: the limit on the size of files is too low/],
  ["address space", "ulimit -v 20000", /^ringway: cannot map this file .* \(ulimit -v\)/],
];

for (const [what, limit, said] of LIMITS) {
  Deno.test(`a limit on ${what} that is too low is named`, async () => {
    const program = await builtExecutable();
    const { code, err } = await run(["sh", "-c", `${limit}; exec "$1" version`, "sh", program]);
    strictEqual(code, 71, err);
    match(err, said);
    strictEqual(err.trim().split("\n").length, 1);
  });
}

Deno.test({
  name: "where /proc is not mounted it says that it needs it, and how it is mounted",
  ignore: !canEmptyRoot("/"),
  fn: async () => {
    using workshop = new Workshop();
    Deno.chmodSync(workshop.folder, 0o755);
    Deno.copyFileSync(await builtExecutable(), `${workshop.folder}/ringway`);
    const space = Deno.uid() === 0 ? [] : ["unshare", "--user", "--map-root-user"];
    const { code, err } = await run([...space, "chroot", workshop.folder, "/ringway", "version"]);
    strictEqual(code, 71);
    match(err, /^ringway: ringway needs \/proc: .*mount -t proc proc \/proc\n$/);
  },
});
