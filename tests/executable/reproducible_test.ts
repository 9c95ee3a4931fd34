/**
 * Two builds of one commit are equal, byte for byte, wherever they are made. What was fetched and
 * compressed may be used by both; that compressing has one result only is looked at by itself.
 */
import { deepStrictEqual, ok } from "node:assert/strict";
import type { Facts } from "../../ffi/parts.ts";
import { makeExecutable } from "../../scripts/compile/executable.ts";
import { makeFrames } from "../../scripts/compile/frames.ts";
import { INPUTS, records } from "../../scripts/compile/inputs.ts";
import { executableName, ownTarget } from "../../scripts/compile/target.ts";
import { compile, ROOT } from "./built_executable.ts";

const TOOLS = `${ROOT}/.cache`;

function copyTree(source: string, target: string): void {
  if (!Deno.statSync(source).isDirectory) return Deno.copyFileSync(source, target);
  Deno.mkdirSync(target, { recursive: true });
  for (const { name } of Deno.readDirSync(source)) {
    copyTree(`${source}/${name}`, `${target}/${name}`);
  }
}

/** Again, from a copy of the sources, and nothing else that is in this folder but tools. */
async function buildIn(folder: string, { commit, runtime }: Facts): Promise<Uint8Array> {
  for (const name of INPUTS) copyTree(`${ROOT}/${name}`, `${folder}/${name}`);
  const denort = runtime.name === "denort";
  const work = `${folder}/work`;
  const plan = { root: folder, tools: TOOLS, work, target: ownTarget(), commit, denort };
  return (await makeExecutable(plan)).bytes;
}

Deno.test("built again in another folder it is the same, byte for byte", async () => {
  await compile([]);
  const name = executableName(ownTarget());
  const { facts } = records(ROOT).find((record) => record.name === name)!;
  const folder = Deno.makeTempDirSync({ prefix: "ringway-build-" });
  try {
    const one = Deno.readFileSync(`${ROOT}/dist/${name}`);
    const other = await buildIn(`${folder}/deeper/and/other`, facts);
    const at = one.findIndex((byte, i) => byte !== other[i]);
    ok(at < 0 && one.length === other.length, `they differ at byte ${at}`);
    const text = new TextDecoder("latin1").decode(other);
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
