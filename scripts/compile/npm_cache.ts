/** Files of packages as they lie in the runtime's cache of npm's registries. */

/** Of "yaml@2.9.1": "yaml" and "2.9.1". */
export function splitSpecifier(specifier: string): readonly [name: string, version: string] {
  const at = specifier.lastIndexOf("@");
  return [specifier.slice(0, at), specifier.slice(at + 1)];
}

/** The text of the first file of `names` that the package has; null when it has none of them. */
export function readPackageFile(
  npmCache: string,
  specifier: string,
  names: readonly string[],
): string | null {
  const path = splitSpecifier(specifier).join("/");
  for (const registry of Deno.readDirSync(npmCache)) {
    for (const name of names) {
      try {
        return Deno.readTextFileSync(`${npmCache}/${registry.name}/${path}/${name}`);
      } catch (cause) {
        if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      }
    }
  }
  return null;
}
