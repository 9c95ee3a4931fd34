import assert from "node:assert/strict";
import { BALANCING_SLIPS } from "./balancing_slips.ts";
import { DATAGRAM_SLIPS } from "./datagram_slips.ts";
import { ADMISSION_SLIPS, type Edit, RELAY_SLIPS, type Slip } from "./slip.ts";

/**
 * A simulation that finds nothing may be blind. So single lines of the data plane are broken, in a
 * copy, each as a slip might break it, and the simulation has to notice within some seeds.
 */
const SLIPS = [...RELAY_SLIPS, ...ADMISSION_SLIPS, ...DATAGRAM_SLIPS, ...BALANCING_SLIPS];

const ROOT = new URL("../../", import.meta.url).pathname;
/** Of all kinds; those of the slip's kind are run. */
const SEEDS = 2400;
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
  const folder = Deno.makeTempDirSync({ prefix: "ringway-broken-" });
  for (const part of ["src", "ffi", "tests/simulation"]) {
    copyTree(`${ROOT}${part}`, `${folder}/${part}`);
  }
  Deno.mkdirSync(`${folder}/scripts`);
  for (const file of ["scripts/simulate.ts", "deno.json", ".deno.lock"]) {
    Deno.copyFileSync(`${ROOT}${file}`, `${folder}/${file}`);
  }
  return folder;
}

function applyEdit({ file, from, to }: Edit, folder: string): void {
  const text = Deno.readTextFileSync(`${folder}/${file}`);
  assert.equal(text.split(from).length, 2, `${file} has the line to break once:\n${from}`);
  Deno.writeTextFileSync(`${folder}/${file}`, text.replace(from, () => to));
}

/** What the simulation says of the copy, or null when it finds nothing wrong with it. */
async function findFault(folder: string, slip: Slip, from: number, count: number) {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-check", `${folder}/scripts/simulate.ts`],
      ...["--seed", String(from), "--seeds", String(count), "--kind", slip.kind],
    ],
    env: { NO_COLOR: "1" },
  }).output();
  return success ? null : new TextDecoder().decode(stderr);
}

/** Runs scenes of the slip's kind with it in the copy; throws when they do not fail. */
async function trySlip(slip: Slip, folder: string): Promise<void> {
  const { seed, also = [] } = slip;
  const edits = [slip, ...also];
  for (const edit of edits) applyEdit(edit, folder);
  const known = seed === undefined ? null : await findFault(folder, slip, seed, 1);
  const told = known ?? await findFault(folder, slip, 1, SEEDS);
  for (const { file } of edits) Deno.copyFileSync(`${ROOT}${file}`, `${folder}/${file}`);
  assert.ok(told !== null, `not noticed in ${SEEDS} seeds`);
  assert.match(told, /^seed \d+, turn \d+: /m, "the failing seed is named");
}

Deno.test("a broken build is caught by the simulation", async (test) => {
  const folders = Array.from({ length: COPIES }, copyProject);
  const waiting = SLIPS.map((slip) => ({ slip, ...Promise.withResolvers<void>() }));
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
