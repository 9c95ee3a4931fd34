import { notStrictEqual, strictEqual } from "node:assert/strict";
import { hashInputs, isCompiled, records, writeRecord } from "./inputs.ts";
import { hashBytes } from "../hash.ts";

const FACTS = { version: "1", commit: "c", runtime: { name: "r", version: "2" }, components: [] };

/** A tree that has what a build reads. */
async function inTree(test: (root: string) => Promise<void>): Promise<void> {
  const root = Deno.makeTempDirSync({ prefix: "ringway-inputs-" });
  try {
    for (const name of ["src", "ffi", "shim", "scripts", "config", "dist", ".cache/compile"]) {
      Deno.mkdirSync(`${root}/${name}`, { recursive: true });
    }
    for (const name of ["deno.json", ".deno.lock", "LICENSE", "src/main.ts"]) {
      Deno.writeTextFileSync(`${root}/${name}`, name);
    }
    await test(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("a source that changes makes another hash, a test does not", () =>
  inTree(async (root) => {
    const before = await hashInputs(root, "commit");
    strictEqual(await hashInputs(root, "commit"), before);
    notStrictEqual(await hashInputs(root, "other"), before);
    Deno.writeTextFileSync(`${root}/src/main_test.ts`, "");
    strictEqual(await hashInputs(root, "commit"), before);
    Deno.writeTextFileSync(`${root}/src/main.ts`, "other");
    notStrictEqual(await hashInputs(root, "commit"), before);
  }));

Deno.test("an executable is up to date when inputs and its bytes are what was recorded", () =>
  inTree(async (root) => {
    const bytes = new TextEncoder().encode("executable");
    strictEqual(await isCompiled(root, "ringway", "inputs"), false);
    Deno.writeFileSync(`${root}/dist/ringway`, bytes);
    writeRecord(root, "ringway", {
      inputs: "inputs",
      sha256: await hashBytes(bytes),
      facts: FACTS,
    });
    strictEqual(await isCompiled(root, "ringway", "inputs"), true);
    strictEqual(await isCompiled(root, "ringway", "others"), false);
    strictEqual(records(root)[0].name, "ringway");
    Deno.writeTextFileSync(`${root}/dist/ringway`, "changed");
    strictEqual(await isCompiled(root, "ringway", "inputs"), false);
  }));
