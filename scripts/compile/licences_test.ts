import { ok, throws } from "node:assert/strict";
import { gatherLicences } from "./licences.ts";

/** A tree in which every file of a licence holds its own path. */
function makeTree(): string {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-licences-" });
  const docs = ["libc6", "libgcc-s1", "liburing-dev", "libzstd-dev"]
    .map((name) => `usr/share/doc/${name}/copyright`);
  const common = ["LGPL-2.1", "GPL-3", "Apache-2.0"]
    .map((name) => `usr/share/common-licenses/${name}`);
  const own = ["LICENSE", "libc/musl/COPYRIGHT", "npm/a.registry/yaml/2.9.1/LICENSE.md"];
  for (const path of [...docs, ...common, ...own]) {
    Deno.mkdirSync(`${folder}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
    Deno.writeTextFileSync(`${folder}/${path}`, `text of ${path}\n`);
  }
  return folder;
}

function gather(folder: string, npm: readonly string[] = ["yaml@2.9.1"]): string {
  const debian = { root: folder, versions: {} };
  const npmCache = `${folder}/npm`;
  return gatherLicences({ root: folder, debian, compilerLibrary: folder, npm, npmCache });
}

Deno.test("the licence of everything inside is there, in full", () => {
  const folder = makeTree();
  const text = gather(folder);
  Deno.removeSync(folder, { recursive: true });
  const inside = ["Ringway", "Deno", "V8", "zig", "glibc", "libgcc", "liburing", "zstd", "musl"];
  for (const name of [...inside, "yaml@2.9.1"]) ok(text.includes(`\n${name}`), name);
  for (const part of ["doc/libc6/copyright", "LGPL-2.1", "musl/COPYRIGHT", "2.9.1/LICENSE.md"]) {
    ok(text.includes(`${part}\n`), part);
  }
});

Deno.test("a licence that is missing is an error, and nothing is left out", () => {
  const folder = makeTree();
  throws(() => gather(folder, ["yaml@2.9.1", "other@1.0.0"]), /other@1\.0\.0 has no licence/);
  Deno.removeSync(`${folder}/usr/share/doc/libc6`, { recursive: true });
  throws(() => gather(folder), Deno.errors.NotFound);
  Deno.removeSync(folder, { recursive: true });
});
