/**
 * Provides the runtime that goes into the executable.
 *
 * Two kinds: the stock one (`deno`), which is given the program as scripts, and the half that
 * `deno compile` appends a program to (`denort`), which is smaller and needs no scripts. The user
 * gets the same either way. `denort` is taken where it can be had: from DENORT_BIN, from Deno's
 * cache, and with `--denort` from the network (Deno fetches it then). For this machine the stock
 * one is the program that runs this script; for another it is npm's package of the same version.
 */
import { announce, errorLine, isFile, run, SetupFailure } from "../command.ts";
import { installNpm } from "../npm_package.ts";
import { ownTarget, type Target } from "./target.ts";

/** What the packages must hash to, for versions that were tried; the registry says it of others. */
const INTEGRITY: Readonly<Record<string, string>> = {
  "@deno/linux-arm64-glibc@2.9.6":
    "sha512-poqhoH9B3nYloigEMPT5t8HY+wBeiuea1An5Q7fqgJzP0SYmWsoS/oUnWO/pEiA4ofzIBy1Elt/in58xKtxEoQ==",
};

/** Path of the stock runtime for `target`, of the version that runs this script. */
export async function provideRuntime(target: Target, cache: string): Promise<string> {
  if (target === ownTarget()) return Deno.execPath();
  const name = target.runtimePackage;
  const version = Deno.version.deno;
  const folder = `${cache}/runtime-${target.name}-${version}`;
  const path = `${folder}/node_modules/${name}/deno`;
  if (isFile(`${folder}/fetched`) && isFile(path)) return path;
  announce(`fetching the runtime ${name} ${version} (about 40 MB) ...`);
  const integrity = INTEGRITY[`${name}@${version}`];
  const runsOn = { os: ["linux"], cpu: [target.npmArchitecture] };
  const wanted = [{ name, version, integrity, ...runsOn }];
  const outcome = await installNpm(folder, wanted, "fetching the runtime");
  if (!outcome.ok || !isFile(path)) {
    throw new SetupFailure(
      `cannot fetch the runtime for ${target.name}: ${errorLine(outcome)}; ` +
        `check the network and the npm registry, and try again`,
    );
  }
  // Written last, so a fetch that was interrupted is done again.
  Deno.writeTextFileSync(`${folder}/fetched`, "");
  return path;
}

/** Whether `deno compile` finds its half of the runtime here, without asking the network. */
export function hasDenort(target: Target, denoFolder: string): boolean {
  const named = Deno.env.get("DENORT_BIN");
  if (named !== undefined && named !== "") return true;
  const file = `denort-${target.arch}-unknown-linux-gnu.zip`;
  return isFile(`${denoFolder}/dl/release/v${Deno.version.deno}/${file}`);
}

/**
 * Makes one program of `denort` and `source`, in `output`. The folder in which it is made holds
 * nothing else, because `deno compile` takes in whatever packages it finds there.
 */
export async function compileProgram(
  target: Target,
  source: string,
  folder: string,
): Promise<Uint8Array<ArrayBuffer>> {
  Deno.mkdirSync(folder, { recursive: true });
  const entry = `${folder}/ringway.js`;
  const output = `${folder}/ringway`;
  Deno.writeTextFileSync(entry, source);
  const outcome = await run({
    program: Deno.execPath(),
    args: [
      ...["compile", "-A", "--quiet", "--no-config", "--no-lock", "--no-code-cache"],
      ...["--target", `${target.arch}-unknown-linux-gnu`, "--output", output, entry],
    ],
    step: "running deno compile",
    cwd: folder,
  });
  if (!outcome.ok) throw new SetupFailure(`deno compile failed: ${errorLine(outcome)}`);
  return Deno.readFileSync(output);
}
