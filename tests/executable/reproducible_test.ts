/**
 * Two builds of one commit are equal, byte for byte, wherever they are made. What was fetched and
 * compressed may be used by both; that compressing has one result only is looked at by itself.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import { makeExecutable } from "../../scripts/compile/executable.ts";
import { makeFrames } from "../../scripts/compile/frames.ts";
import { ownTarget } from "../../scripts/compile/target.ts";
import { builtExecutable, ROOT } from "./built_executable.ts";

const SOURCES = ["src", "ffi", "shim", "scripts", "config", "deno.json", ".deno.lock"];
const TOOLS = `${ROOT}/.cache`;

function copyTree(source: string, target: string): void {
  if (!Deno.statSync(source).isDirectory) return Deno.copyFileSync(source, target);
  Deno.mkdirSync(target, { recursive: true });
  for (const { name } of Deno.readDirSync(source)) {
    copyTree(`${source}/${name}`, `${target}/${name}`);
  }
}

async function buildIn(folder: string): Promise<Uint8Array> {
  for (const name of SOURCES) copyTree(`${ROOT}/${name}`, `${folder}/${name}`);
  const { bytes } = await makeExecutable({
    root: folder,
    tools: TOOLS,
    work: `${folder}/work`,
    target: ownTarget(),
    commit: "a commit",
    denort: false,
  });
  return bytes;
}

Deno.test("builds in two folders are equal", async () => {
  // So that what is fetched is there.
  await builtExecutable();
  const folder = Deno.makeTempDirSync({ prefix: "ringway-build-" });
  try {
    const one = await buildIn(`${folder}/one`);
    const other = await buildIn(`${folder}/deeper/and/other`);
    const at = one.findIndex((byte, i) => byte !== other[i]);
    ok(at < 0 && one.length === other.length, `they differ at byte ${at}`);
    const text = new TextDecoder("latin1").decode(one);
    ok(!text.includes(folder), "a folder is named in it");
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("the same bytes are compressed to the same frames", async () => {
  const bytes = Deno.readFileSync(`${ROOT}/.deno.lock`);
  const folders = [Deno.makeTempDirSync(), Deno.makeTempDirSync()];
  try {
    const [one, other] = [await makeFrames(bytes, folders[0]), await makeFrames(bytes, folders[1])];
    deepStrictEqual(one, other);
  } finally {
    for (const folder of folders) Deno.removeSync(folder, { recursive: true });
  }
});
