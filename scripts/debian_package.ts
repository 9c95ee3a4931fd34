/**
 * Gets Debian packages: installed where we are root, unpacked beside the project where we are not.
 *
 * Package lists may be missing (container images ship without) or too old to name a version that
 * still exists, so a failure is tried once more after an update.
 */
import {
  announce,
  errorLine,
  findProgram,
  isFile,
  type Outcome,
  run,
  SetupFailure,
} from "./command.ts";

const QUIET = ["--quiet", "--quiet", "-o", "DPkg::Lock::Timeout=120"];
const INSTALL = ["install", "--yes", "--no-install-recommends"];

/** What Debian's packages ask before they start a service (invoke-rc.d(8)); 101 means no. */
const SERVICE_POLICY = "/usr/sbin/policy-rc.d";

/** True where apt-get manages the system: Debian, Ubuntu and what derives from them. */
export function hasPackages(): boolean {
  return findProgram("apt-get") !== undefined && findProgram("dpkg-deb") !== undefined;
}

/** Those of `names` that are not installed. */
export async function listMissing(names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  const args = ["--show", "--showformat=${Package} ${db:Status-Status}\\n", ...names];
  const answer = await run({ program: "dpkg-query", args, step: "asking dpkg" });
  const rows = answer.stdout.split("\n");
  return names.filter((name) => !rows.includes(`${name} installed`));
}

/** Installs `names` for the whole system. Only root may. */
export async function installPackages(names: readonly string[]): Promise<void> {
  const list = names.join(" ");
  if (!hasPackages()) {
    throw new SetupFailure(
      `this system has no apt-get; install what Debian calls ${list} by its own means`,
    );
  }
  if (Deno.uid() !== 0) {
    throw new SetupFailure(
      `the Debian packages ${list} are missing and only root may install them; ` +
        `run "sudo apt-get install ${list}" and try again`,
    );
  }
  announce(`installing the Debian packages ${list} ...`);
  const outcome = await withoutServices(() => tryTwice([], [...INSTALL, ...names]));
  if (!outcome.ok) throw packageFailure("install", list, outcome);
}

/**
 * Meanwhile no package starts its service: we want the programs, on ports of our choice. A policy
 * of the system's own stays; ours says nothing any more once we are gone, however we end.
 */
async function withoutServices<T>(work: () => Promise<T>): Promise<T> {
  if (isFile(SERVICE_POLICY)) return await work();
  const policy = `#!/bin/sh\n# Written by ${import.meta.filename} while it installs packages.\n` +
    `kill -0 ${Deno.pid} && exit 101\nexit 0\n`;
  Deno.writeTextFileSync(SERVICE_POLICY, policy, { mode: 0o755 });
  try {
    return await work();
  } finally {
    Deno.removeSync(SERVICE_POLICY);
  }
}

/** Unpacks the package `name` under `folder`/root, without installing it. Anyone may. */
export async function unpackPackage(name: string, folder: string): Promise<void> {
  announce(`fetching the Debian package ${name} into ${folder} ...`);
  for (const part of ["lists/partial", "archives/partial"]) {
    Deno.mkdirSync(`${folder}/${part}`, { recursive: true });
  }
  // First with the system's lists; the update then writes lists of our own, since root's are not.
  const own = ["-o", `Dir::State::Lists=${folder}/lists`, "-o", `Dir::Cache=${folder}`];
  const outcome = await tryTwice(own, ["download", name], folder);
  if (!outcome.ok) throw packageFailure("fetch", name, outcome);
  for (const entry of Deno.readDirSync(folder)) {
    if (!entry.name.startsWith(`${name}_`) || !entry.name.endsWith(".deb")) continue;
    const args = ["--extract", `${folder}/${entry.name}`, `${folder}/root`];
    const unpacked = await run({ program: "dpkg-deb", args, step: `unpacking ${name}` });
    if (!unpacked.ok) throw packageFailure("unpack", name, unpacked);
  }
}

/** @param options what an update needs, and what the second try needs because of it */
async function tryTwice(
  options: readonly string[],
  args: readonly string[],
  cwd?: string,
): Promise<Outcome> {
  const first = await runAptGet(args, cwd);
  if (first.ok) return first;
  announce("updating the package lists ...");
  // Of several sources one may be down without harm, so what counts is whether the second try
  // succeeds; if it does not, the update knows the reason.
  const strict = ["-o", "APT::Update::Error-Mode=any"];
  const update = await runAptGet([...strict, ...options, "update"], cwd);
  const second = await runAptGet([...options, ...args], cwd);
  return second.ok || update.ok ? second : update;
}

async function runAptGet(args: readonly string[], cwd?: string): Promise<Outcome> {
  return await run({
    program: "apt-get",
    args: [...QUIET, ...args],
    step: "running apt-get",
    cwd,
    env: { DEBIAN_FRONTEND: "noninteractive" },
  });
}

function packageFailure(verb: string, list: string, outcome: Outcome): SetupFailure {
  return new SetupFailure(
    `cannot ${verb} ${list}: ${errorLine(outcome)}; check the network, ` +
      `or run "apt-get update && apt-get install ${list}" as root, and try again`,
  );
}
