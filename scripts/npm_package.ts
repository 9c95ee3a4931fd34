/**
 * Gets programs out of npm's registry, the one that the user has set up for npm anyway: Deno
 * installs them into a private folder. As imports of the project's own deno.json they would be
 * fetched by people who have no use for them.
 */
import { type Outcome, run } from "./command.ts";

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** What it must hash to. Of a package without, the registry says it. */
  readonly integrity?: string;
  /** What its own description says of where it runs, and whether it has programs to link. */
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly bin?: true;
}

/** @param step what is being done, for the lines printed while it lasts */
export async function installNpm(
  folder: string,
  packages: readonly NpmPackage[],
  step: string,
): Promise<Outcome> {
  const specifiers = packages.map(({ name, version }) => [name, `npm:${name}@${version}`]);
  const config = { nodeModulesDir: "auto", imports: Object.fromEntries(specifiers) };
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(`${folder}/deno.json`, JSON.stringify(config));
  Deno.writeTextFileSync(`${folder}/deno.lock`, renderLock(packages));
  return await run({
    program: Deno.execPath(),
    args: ["install"],
    step,
    cwd: folder,
    showsProgress: true,
  });
}

function renderLock(packages: readonly NpmPackage[]): string {
  const npm: Record<string, unknown> = {};
  const specifiers: Record<string, string> = {};
  for (const { name, version, ...about } of packages) {
    if (about.integrity === undefined) continue;
    npm[`${name}@${version}`] = about;
    specifiers[`npm:${name}@${version}`] = version;
  }
  return JSON.stringify({ version: "5", specifiers, npm });
}
