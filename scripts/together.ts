/**
 * Many test files as few modules, one for each core. The runtime makes a world of its own for every
 * file it is given, which takes 0.3 s of CPU; most of ours have tests of a millisecond, and 229 of
 * them took 87 s of which 60 were that. What files share for it is what any program's modules
 * share: whoever changes something global in a test puts it back.
 */

export interface TestModules {
  readonly paths: readonly string[];
  remove(): void;
}

/** @param files relative to `root` */
export function bringTogether(
  root: string,
  files: readonly string[],
  count: number = navigator.hardwareConcurrency,
): TestModules {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-tests-" });
  const paths = Array.from({ length: Math.min(count, files.length) }, (_, i) => {
    const own = files.filter((_, at) => at % count === i);
    const path = `${folder}/part${i + 1}_test.ts`;
    const imports = own.map((file) => `import ${JSON.stringify(`${root}/${file}`)};\n`);
    Deno.writeTextFileSync(path, imports.join(""));
    return path;
  });
  return { paths, remove: () => Deno.removeSync(folder, { recursive: true }) };
}
