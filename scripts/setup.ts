/**
 * Makes the project ready to run: the C shim built, and nothing else. Idempotent, and quiet when
 * nothing is to do.
 *
 * It is meant to be run in front of the program, in the same process (`--preload`, see deno.json):
 * a second process would cost as much as all the checking. That is also why it runs when imported
 * and why it takes arguments only when it is the program itself: `--bench` installs the load
 * generator and the proxies that the bench compares with. The tests need no package: everything
 * they talk to is part of them.
 */
import { announce, SetupFailure } from "./command.ts";
import { installPackages, listMissing } from "./debian_package.ts";
import { buildShim, isBuilt } from "./shim_build.ts";

const BENCH_PACKAGES = ["nginx", "libnginx-mod-stream", "haproxy", "wrk"];
const USAGE = "usage: deno task setup [--bench]";

async function setUp(root: string): Promise<void> {
  if (await isBuilt(root)) return;
  if (Deno.build.os !== "linux") {
    throw new SetupFailure(
      `Ringway runs on Linux only, and this is ${Deno.build.os}: its data plane is io_uring; ` +
        `run it in a virtual machine or a container`,
    );
  }
  Deno.mkdirSync(`${root}/.cache`, { recursive: true });
  // Two test runs may start at once. The kernel drops this lock with its process, however it ends,
  // so there is no stale lock to detect.
  using lock = Deno.openSync(`${root}/.cache/setup.lock`, { create: true, write: true });
  if (!lock.tryLockSync(true)) {
    announce("waiting for another set-up of this project to end ...");
    await lock.lock(true);
  }
  if (!await isBuilt(root)) await buildShim(root);
}

async function installBenchPeers(): Promise<void> {
  const missing = await listMissing(BENCH_PACKAGES);
  if (missing.length > 0) await installPackages(missing);
}

try {
  const options = import.meta.main ? Deno.args : [];
  const unknown = options.find((option) => option !== "--bench");
  if (unknown !== undefined) throw new SetupFailure(`unknown option "${unknown}"; ${USAGE}`);
  await setUp(import.meta.dirname!.replace(/\/scripts$/, ""));
  if (options.includes("--bench")) await installBenchPeers();
} catch (failure) {
  if (!(failure instanceof SetupFailure)) throw failure;
  announce(failure.message);
  Deno.exit(1);
}
