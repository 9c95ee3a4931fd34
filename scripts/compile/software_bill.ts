/**
 * The software bill of materials (CycloneDX 1.6, JSON): who asks whether a flaw of some library
 * concerns an executable finds the answer in it, by package URL and version.
 *
 * No time stamp and no serial number, both of which the format leaves to us: two builds of one
 * commit are equal.
 */
import type { Component, Facts } from "../../ffi/parts.ts";
import { OWN_LICENCE } from "./facts.ts";

interface Executable {
  readonly name: string;
  readonly sha256: string;
  readonly facts: Facts;
}

/** Where scanners find what a component is; those of npm follow their names. */
const PACKAGE_TYPES: Readonly<Record<string, (version: string) => string>> = {
  deno: (version) => `pkg:github/denoland/deno@v${version}`,
  denort: (version) => `pkg:github/denoland/deno@v${version}`,
  v8: (version) => `pkg:github/v8/v8@${version}`,
  typescript: (version) => `pkg:npm/typescript@${version}`,
  glibc: (version) => `pkg:deb/debian/glibc@${encodeURIComponent(version)}`,
  libgcc: (version) => `pkg:deb/debian/gcc-12@${encodeURIComponent(version)}`,
  liburing: (version) => `pkg:deb/debian/liburing@${encodeURIComponent(version)}`,
  zstd: (version) => `pkg:deb/debian/libzstd@${encodeURIComponent(version)}`,
  musl: (version) => `pkg:generic/musl@${version}`,
  zig: (version) => `pkg:generic/zig@${version}`,
};

/** One bill for all executables of dist/: what is inside is the same, but for the hashes. */
export function makeSoftwareBill(executables: readonly Executable[]): string {
  const [{ facts }] = executables;
  const bill = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": "ringway",
        name: "ringway",
        version: facts.version,
        licenses: [{ expression: OWN_LICENCE }],
        properties: [{ name: "ringway:commit", value: facts.commit }],
        components: executables.map(({ name, sha256 }) => ({
          type: "file",
          "bom-ref": name,
          name,
          hashes: [{ alg: "SHA-256", content: sha256 }],
        })),
      },
    },
    components: facts.components.map(describeComponent),
    dependencies: [
      { ref: "ringway", dependsOn: facts.components.map(packageUrl) },
    ],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

function describeComponent(component: Component): Record<string, unknown> {
  const url = packageUrl(component);
  const isRuntime = component.name === "deno" || component.name === "denort";
  return {
    type: isRuntime ? "platform" : "library",
    "bom-ref": url,
    name: component.name.replace(/^npm:/, ""),
    version: component.version,
    licenses: [{ expression: component.licence }],
    purl: url,
  };
}

function packageUrl({ name, version }: Component): string {
  if (name.startsWith("npm:")) {
    return `pkg:npm/${name.slice("npm:".length).replace("@", "%40")}@${version}`;
  }
  return PACKAGE_TYPES[name](version);
}
