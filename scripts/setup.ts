/**
 * Makes the project ready to run: the C shim built, and nothing else. Idempotent, and quiet when
 * nothing is to do.
 *
 * It is meant to be run in front of the program, in the same process (`--preload`, see deno.json):
 * a second process would cost as much as all the checking. That is also why it runs when imported
 * and why it takes arguments only when it is the program itself: `--peers` installs the clients and
 * servers that the scenario tests put around Ringway, `--arm64` what runs the executable of that
 * machine on this one, `--bench` the load generator and the proxies that the bench compares with.
 */
import { announce, SetupFailure } from "./command.ts";
import { installPackages, listMissing } from "./debian_package.ts";
import { buildShim, isBuilt } from "./shim_build.ts";

/** By option. What users put in front of Ringway and behind it; Debian's names of 12 and later. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "--peers": [
    "bind9-dnsutils",
    "dnsmasq-base",
    "dnsperf",
    "haproxy",
    "iperf3",
    "iproute2",
    "openssl",
    "postgresql",
    "redis-server",
    "socat",
  ],
  "--arm64": ["qemu-user-static"],
  "--bench": ["nginx", "libnginx-mod-stream", "haproxy", "dnsdist", "wrk", "dnsperf"],
};
const USAGE = `usage: deno task setup [${Object.keys(PACKAGES).join("] [")}]`;

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

async function install(names: readonly string[]): Promise<void> {
  const missing = await listMissing(names);
  if (missing.length > 0) await installPackages(missing);
}

try {
  const options = import.meta.main ? Deno.args : [];
  const unknown = options.find((option) => !Object.hasOwn(PACKAGES, option));
  if (unknown !== undefined) throw new SetupFailure(`unknown option "${unknown}"; ${USAGE}`);
  await setUp(import.meta.dirname!.replace(/\/scripts$/, ""));
  await install([...new Set(options.flatMap((option) => PACKAGES[option]))]);
} catch (failure) {
  if (!(failure instanceof SetupFailure)) throw failure;
  announce(failure.message);
  Deno.exit(1);
}
