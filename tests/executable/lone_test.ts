/**
 * The executable where there is nothing else: an empty, read-only root with /proc, as a user that
 * owns nothing, as process 1. How large it is, how soon it is there, what memory it shares.
 */
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { canEmptyRoot, makeEmptyRoot } from "../../scripts/compile/empty_root.ts";
import { findFreePort } from "../../scripts/free_port.ts";
import type { Versions } from "../../src/cli/version.ts";
import { builtExecutable } from "./built_executable.ts";
import { LoneProcess } from "./lone_process.ts";

/** The user of container images; who is not root can only be root of a namespace. */
const USER = Deno.uid() === 0 ? 65532 : undefined;
const BYTES_MAX = 60e6;
/** Of the fastest of three: machines may be busy. Unloaded it takes a fifth of this. */
const START_MS_MAX = 2000;
const STARTS = 3;
const SHARED_KILOBYTES_MIN = 10_000;

/** An empty root, a server that echoes, a configuration that joins them. */
class Place {
  readonly root = Deno.makeTempDirSync({ prefix: "ringway-lone-" });
  readonly port: number;
  readonly config: string;
  readonly #server = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  constructor(executable: string) {
    makeEmptyRoot(executable, this.root);
    void this.#echo();
    this.port = findFreePort();
    this.config = `workers: 2\nadmin: false\n` +
      `listeners: { web: { bind: "127.0.0.1:${this.port}", backend: app } }\n` +
      `backends: { app: ["127.0.0.1:${this.#server.addr.port}"] }\n`;
  }

  async #echo(): Promise<void> {
    for await (const connection of this.#server) {
      connection.readable.pipeTo(connection.writable).catch(() => {});
    }
  }

  [Symbol.dispose](): void {
    this.#server.close();
    Deno.removeSync(this.root, { recursive: true });
  }
}

function loneTest(name: string, test: () => Promise<void>): void {
  Deno.test({ name, ignore: !canEmptyRoot("/"), fn: test });
}

Deno.test("the executable is smaller than 60 MB", async () => {
  const { size } = Deno.statSync(await builtExecutable());
  console.log(`${(size / 1e6).toFixed(1)} MB`);
  ok(size < BYTES_MAX, `${size} bytes`);
});

Deno.test("it carries the licence of everything that it says is inside", async () => {
  const executable = await builtExecutable();
  const say = async (option: string) => {
    const { stdout } = await new Deno.Command(executable, { args: ["version", option] }).output();
    return new TextDecoder().decode(stdout);
  };
  const licences = (await say("--licences")).toLowerCase();
  const [contents] = licences.split("\n====");
  const { components } = JSON.parse(await say("--json")) as Versions;
  ok(components.length >= 10);
  for (const { name } of components) {
    ok(contents.includes(`  ${name.replace("npm:", "")}`), `${name} is missing in:\n${contents}`);
  }
  ok(licences.includes("gnu lesser general public license"));
});

loneTest("it serves read-only, alone, as nobody, as process 1; SIGTERM drains it", async () => {
  using place = new Place(await builtExecutable());
  await using ringway = new LoneProcess(place.root, place.config, { user: USER });
  await ringway.untilRelaying(place.port);
  const status = Deno.readTextFileSync(`/proc/${await ringway.pid()}/status`);
  ok(/^NSpid:\t\d+\t1$/m.test(status), status);
  if (USER !== undefined) ok(status.includes(`Uid:\t${USER}\t${USER}`), status);
  await ringway.signal("SIGTERM");
  strictEqual((await ringway.ended).code, 0, ringway.log);
  ok(ringway.log.includes("draining"), ringway.log);
});

loneTest("a SIGTERM while process 1 starts is kept, and ends it when it hears", async () => {
  using place = new Place(await builtExecutable());
  await using ringway = new LoneProcess(place.root, place.config, { user: USER });
  await ringway.untilSignalsWait();
  await ringway.signal("SIGTERM");
  const { code } = await ringway.ended;
  strictEqual(code, 0, ringway.log);
  match(ringway.log, /SIGTERM: draining/);
});

loneTest("a worker that is killed is replaced: started again from what is in memory", async () => {
  using place = new Place(await builtExecutable());
  await using ringway = new LoneProcess(place.root, place.config, { user: USER });
  await ringway.untilRelaying(place.port);
  const before = await ringway.workerPids();
  for (const pid of before) Deno.kill(pid, "SIGKILL");
  await ringway.untilRelaying(place.port);
  const after = await ringway.workerPids();
  deepStrictEqual(after.filter((pid) => before.includes(pid)), []);
});

loneTest("nothing is written, although all could be", async () => {
  using place = new Place(await builtExecutable());
  for (const folder of ["tmp", "home", "dev", "var"]) {
    Deno.mkdirSync(`${place.root}/${folder}`);
    Deno.chmodSync(`${place.root}/${folder}`, 0o777);
  }
  Deno.chmodSync(place.root, 0o777);
  const before = listTree(place.root);
  const environment = { HOME: "/home", TMPDIR: "/tmp", XDG_CACHE_HOME: "/var" };
  const options = { user: USER, writable: true, environment };
  await using ringway = new LoneProcess(place.root, place.config, options);
  await ringway.untilRelaying(place.port);
  await ringway.signal("SIGTERM");
  strictEqual((await ringway.ended).code, 0, ringway.log);
  deepStrictEqual(listTree(place.root), before);
});

loneTest("it is there in less than two seconds", async () => {
  using place = new Place(await builtExecutable());
  const times: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    await using ringway = new LoneProcess(place.root, place.config, { user: USER });
    times.push(await ringway.untilRelaying(place.port));
  }
  console.log(`first byte after ${times.map((ms) => ms.toFixed(0)).join(", ")} ms`);
  ok(Math.min(...times) < START_MS_MAX);
});

loneTest("workers unpack nothing: their code is in memory once", async () => {
  using place = new Place(await builtExecutable());
  await using ringway = new LoneProcess(place.root, place.config, { user: USER });
  await ringway.untilRelaying(place.port);
  const supervisor = await ringway.pid();
  const workers = await ringway.workerPids();
  strictEqual(workers.length, 2);
  const files = [supervisor, ...workers].map(runtimeFile);
  strictEqual(new Set(files).size, 1, files.join(", "));
  for (const pid of [supervisor, ...workers]) {
    const use = memoryUse(pid);
    console.log(`${pid === supervisor ? "supervisor" : "worker"}: ${JSON.stringify(use)} kB`);
    ok(use.shared > SHARED_KILOBYTES_MIN, "most of the code that ran is shared");
  }
  const [command, ...others] = [supervisor, ...workers].map(commandLine);
  for (const other of others) strictEqual(other.at(-1), "--worker");
  // What launcher.c and parts.ts make is the same, but for V8's flags and each one's arguments.
  const core = (words: readonly string[]) =>
    words.slice(1).filter((word) => !word.startsWith("--v8-flags="));
  deepStrictEqual(core(others[0]).slice(0, -1), core(command).slice(0, -3));
});

/** Device and inode of the file that the runtime's code is mapped from. */
function runtimeFile(pid: number): string {
  const maps = Deno.readTextFileSync(`/proc/${pid}/maps`);
  const row = maps.split("\n").find((line) => line.includes("/memfd:ringway:deno"))!;
  return row.split(/\s+/).slice(3, 5).join(" ");
}

function memoryUse(pid: number): { pss: number; shared: number; own: number } {
  const rollup = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const row = (name: string) => Number(new RegExp(`^${name}: +(\\d+)`, "m").exec(rollup)![1]);
  return {
    pss: row("Pss"),
    shared: row("Shared_Clean") + row("Shared_Dirty"),
    own: row("Private_Clean") + row("Private_Dirty"),
  };
}

function commandLine(pid: number): string[] {
  return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
}

function listTree(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder)).flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? [path, ...listTree(path)] : [path];
  }).sort();
}
