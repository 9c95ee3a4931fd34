import assert from "node:assert/strict";
import type { Edit } from "../slip.ts";
import { RULE_SLIPS, type RuleSlip } from "./backend_slips.ts";

/**
 * A simulation that finds nothing may be blind. So single lines of the rules are broken, in a copy,
 * each as a slip might break it, and the case that is about the rule has to notice.
 */
const ROOT = new URL("../../../", import.meta.url).pathname;
/** Copies in which slips are tried at a time. */
const COPIES = 2;

function copyTree(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(from)) {
    if (isDirectory) copyTree(`${from}/${name}`, `${to}/${name}`);
    else Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
  }
}

function copyProject(): string {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-rules-" });
  for (const part of ["src", "ffi", "tests/simulation"]) {
    copyTree(`${ROOT}${part}`, `${folder}/${part}`);
  }
  for (const file of ["deno.json", ".deno.lock"]) {
    Deno.copyFileSync(`${ROOT}${file}`, `${folder}/${file}`);
  }
  return folder;
}

function applyEdit({ file, from, to }: Edit, folder: string): void {
  const text = Deno.readTextFileSync(`${folder}/${file}`);
  assert.equal(text.split(from).length, 2, `${file} has the line to break once:\n${from}`);
  Deno.writeTextFileSync(`${folder}/${file}`, text.replace(from, () => to));
}

/** Runs the slip's case with it in the copy; throws when it does not fail. */
async function trySlip(slip: RuleSlip, folder: string): Promise<void> {
  applyEdit(slip, folder);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-check"],
      `${folder}/tests/simulation/backend/backend_run.ts`,
      ...["--case", slip.case, "--seed", String(slip.seed ?? 1)],
    ],
    env: { NO_COLOR: "1" },
  }).output();
  Deno.copyFileSync(`${ROOT}${slip.file}`, `${folder}/${slip.file}`);
  assert.equal(success, false, "not noticed");
  const told = new TextDecoder().decode(stderr);
  assert.match(told, /^seed \d+, case [a-z ]+: BrokenPromise: /m, "a promise is broken");
}

Deno.test("broken rules are noticed by the simulation of a backend", async (test) => {
  const folders = Array.from({ length: COPIES }, copyProject);
  const waiting = RULE_SLIPS.map((slip) => ({ slip, ...Promise.withResolvers<void>() }));
  // Whoever fails first must not go unheard before its step asks.
  for (const { promise } of waiting) promise.catch(() => {});
  let next = 0;
  const working = folders.map(async (folder) => {
    while (next < waiting.length) {
      const { slip, resolve, reject } = waiting[next++];
      await trySlip(slip, folder).then(resolve, reject);
    }
  });
  try {
    for (const { slip, promise } of waiting) await test.step(slip.what, () => promise);
  } finally {
    await Promise.all(working);
    for (const folder of folders) Deno.removeSync(folder, { recursive: true });
  }
});
