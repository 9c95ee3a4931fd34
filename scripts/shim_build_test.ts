import { strictEqual } from "node:assert/strict";
import { buildShim, isBuilt } from "./shim_build.ts";
import { isFile } from "./command.ts";

const ROOT = import.meta.dirname!.replace(/\/scripts$/, "");
const LIBRARY = ".cache/shim/libringway.so";

/** A project with a shim of one function, and the real one's compiler. */
function makeProject(): string {
  const root = Deno.makeTempDirSync();
  Deno.mkdirSync(`${root}/shim`);
  Deno.mkdirSync(`${root}/.cache`);
  Deno.writeTextFileSync(`${root}/shim/exports.map`, "{ global: rw_*; local: *; };\n");
  writeShim(root, 1);
  // Absent where the compiler is installed on the system.
  if (isFile(`${ROOT}/.cache/zig/deno.json`)) {
    Deno.symlinkSync(`${ROOT}/.cache/zig`, `${root}/.cache/zig`);
  }
  return root;
}

function writeShim(root: string, answer: number): void {
  const text = `#include <liburing.h>
__attribute__((visibility("default"))) int rw_answer(void) { return ${answer}; }
`;
  Deno.writeTextFileSync(`${root}/shim/shim.c`, text);
}

function ask(path: string): number {
  const symbols = { rw_answer: { parameters: [], result: "i32" } } as const;
  return Deno.dlopen(path, symbols).symbols.rw_answer();
}

Deno.test("the shim is built when a source changed, and only then", async () => {
  const root = makeProject();
  try {
    strictEqual(await isBuilt(root), false);
    await buildShim(root);
    strictEqual(await isBuilt(root), true);

    writeShim(root, 2);
    strictEqual(await isBuilt(root), false);
    writeShim(root, 1);
    strictEqual(await isBuilt(root), true);

    Deno.writeTextFileSync(`${root}/shim/extra.h`, "");
    strictEqual(await isBuilt(root), false);
    Deno.removeSync(`${root}/shim/extra.h`);
    strictEqual(await isBuilt(root), true);

    Deno.truncateSync(`${root}/${LIBRARY}`, 10);
    strictEqual(await isBuilt(root), false);
    Deno.removeSync(`${root}/${LIBRARY}`);
    strictEqual(await isBuilt(root), false);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("a library that a program has open survives the next build", async () => {
  const root = makeProject();
  try {
    await buildShim(root);
    const symbols = { rw_answer: { parameters: [], result: "i32" } } as const;
    const old = Deno.dlopen(`${root}/${LIBRARY}`, symbols);
    writeShim(root, 2);
    await buildShim(root);
    strictEqual(old.symbols.rw_answer(), 1);
    Deno.linkSync(`${root}/${LIBRARY}`, `${root}/second.so`);
    strictEqual(ask(`${root}/second.so`), 2);
    strictEqual(isFile(`${root}/${LIBRARY}.new-${Deno.pid}`), false);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
