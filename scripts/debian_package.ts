/**
 * Installs Debian packages, which only root may do; who may not unpacks them (debian_files.ts).
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
  const outcome = await withoutServices(() => installTwice(names));
  if (!outcome.ok) throw packageFailure(list, outcome);
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

async function installTwice(names: readonly string[]): Promise<Outcome> {
  const args = [...INSTALL, ...names];
  const first = await runAptGet(args);
  if (first.ok) return first;
  announce("updating the package lists ...");
  // Of several sources one may be down without harm, so what counts is whether the second try
  // succeeds; if it does not, the update knows the reason.
  const update = await runAptGet(["-o", "APT::Update::Error-Mode=any", "update"]);
  const second = await runAptGet(args);
  return second.ok || update.ok ? second : update;
}

async function runAptGet(args: readonly string[]): Promise<Outcome> {
  return await run({
    program: "apt-get",
    args: [...QUIET, ...args],
    step: "running apt-get",
    env: { DEBIAN_FRONTEND: "noninteractive" },
  });
}

function packageFailure(list: string, outcome: Outcome): SetupFailure {
  return new SetupFailure(
    `cannot install ${list}: ${errorLine(outcome)}; check the network, ` +
      `or run "apt-get update && apt-get install ${list}" as root, and try again`,
  );
}
