/**
 * Files out of Debian packages of any processor, unpacked into a folder of their own: for who may
 * not install any, and for the executable, which must not depend on what is installed here.
 *
 * apt-get gets a state of its own, in which that processor is the machine's: so anyone may do it,
 * nothing is installed, and the system's lists stay as they are. Which release of Debian it is says
 * the system's list of sources.
 */
import { announce, errorLine, run, SetupFailure } from "./command.ts";
import { hasPackages } from "./debian_package.ts";

export interface DebianFiles {
  /** The folder that stands for "/". */
  readonly root: string;
  /** By package. */
  readonly versions: Readonly<Record<string, string>>;
}

/**
 * Unpacks `names`, once.
 *
 * @param folder to keep everything in
 * @throws SetupFailure
 */
export async function provideDebianFiles(
  names: readonly string[],
  architecture: string,
  folder: string,
): Promise<DebianFiles> {
  const record = `${folder}/versions.json`;
  const root = `${folder}/root`;
  const versions = readRecord(record);
  const missing = names.filter((name) => !Object.hasOwn(versions, name));
  if (missing.length === 0) return { root, versions };
  if (!hasPackages()) {
    throw new SetupFailure(
      `the executable is made from files of Debian packages (${missing.join(", ")}), and this ` +
        `system has no apt-get; make it on Debian or Ubuntu, or in a container of one`,
    );
  }
  announce(`fetching the Debian packages ${missing.join(", ")} (${architecture}) ...`);
  for (const part of ["lists/partial", "archives/partial", "download"]) {
    Deno.mkdirSync(`${folder}/${part}`, { recursive: true });
  }
  const download = `${folder}/download`;
  const own = options(folder, architecture);
  await apt([...own, "update"], folder);
  await apt([...own, "download", ...missing], download);
  for (const name of missing) {
    const file = Array.from(Deno.readDirSync(download), (entry) => entry.name)
      .find((entry) => entry.startsWith(`${name}_`) && entry.endsWith(".deb"));
    if (file === undefined) throw new SetupFailure(`apt-get has not fetched ${name}; try again`);
    await dpkg(["--extract", `${download}/${file}`, root]);
    versions[name] = (await dpkg(["--field", `${download}/${file}`, "Version"])).trim();
  }
  Deno.writeTextFileSync(record, `${JSON.stringify(versions, null, 2)}\n`);
  return { root, versions };
}

function options(folder: string, architecture: string): string[] {
  const settings = {
    "APT::Architecture": architecture,
    "APT::Architectures": architecture,
    // It may not be able to enter the folder; what is downloaded is verified all the same.
    "APT::Sandbox::User": "",
    "Acquire::Languages": "none",
    "Dir::State::Lists": `${folder}/lists`,
    "Dir::State::Status": "/dev/null",
    "Dir::Cache": folder,
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

async function apt(args: readonly string[], cwd: string): Promise<void> {
  const outcome = await run({
    program: "apt-get",
    args: ["--quiet", "--quiet", ...args],
    step: "running apt-get",
    cwd,
    env: { DEBIAN_FRONTEND: "noninteractive" },
  });
  if (outcome.ok) return;
  throw new SetupFailure(
    `cannot fetch Debian packages: ${errorLine(outcome)}; check the network and try again`,
  );
}

async function dpkg(args: readonly string[]): Promise<string> {
  const outcome = await run({ program: "dpkg-deb", args, step: "unpacking packages" });
  if (!outcome.ok) throw new SetupFailure(`cannot unpack a package: ${errorLine(outcome)}`);
  return outcome.stdout;
}

function readRecord(path: string): Record<string, string> {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch {
    return {}; // nothing was fetched yet, or it was interrupted
  }
}
