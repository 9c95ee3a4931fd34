import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { findCounts, findFailures, runStage } from "./stage.ts";

/** Enough for a program to start on a busy machine. */
const STAGE_MS = 3000;

const OUTPUT = `
bad one ... FAILED (1ms)

 ERRORS 

bad one => ./a_test.ts:3:45
error: AssertionError: 1 == 2

 FAILURES 

bad one => ./a_test.ts:3:45
./b_test.ts (uncaught error)

FAILED | 12 passed (3 steps) | 2 failed (1 step) | 1 ignored (82ms)

error: Test failed
`;

Deno.test("the counts are those of the summary line", () => {
  deepStrictEqual(findCounts(OUTPUT), { passed: 12, failed: 2, skipped: 1 });
  deepStrictEqual(findCounts("ok | 3 passed | 0 failed (1ms)"), {
    passed: 3,
    failed: 0,
    skipped: 0,
  });
  strictEqual(findCounts("nothing was run"), undefined);
});

Deno.test("the failures are those listed at the end", () => {
  deepStrictEqual(findFailures(OUTPUT), [
    "bad one => ./a_test.ts:3:45",
    "./b_test.ts (uncaught error)",
  ]);
  deepStrictEqual(findFailures("ok | 3 passed | 0 failed (1ms)"), []);
});

Deno.test("a stage that lasts too long is stopped, with all it started", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const program = `
      const child = new Deno.Command("sleep", { args: ["60"] }).spawn();
      Deno.writeTextFileSync("pid", String(child.pid));
      console.log("the place");
      await child.status;
    `;
    Deno.writeTextFileSync(`${folder}/program.ts`, program);
    const stage = { name: "slow", args: ["run", "-A", "--no-config", "program.ts"], live: true };
    const result = await runStage(stage, folder, performance.now() + STAGE_MS);
    strictEqual(result.ok, false);
    match(result.failures.join(), /stopped.*"the place"/);
    strictEqual(isRunning(Number(Deno.readTextFileSync(`${folder}/pid`))), false);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("a stage ends with its process, not with what that left behind", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const program = `
      const child = new Deno.Command("sh", { args: ["-c", "sleep 60 & echo $! > pid"] }).spawn();
      await child.status;
    `;
    Deno.writeTextFileSync(`${folder}/program.ts`, program);
    const stage = { name: "untidy", args: ["run", "-A", "--no-config", "program.ts"] };
    const result = await runStage(stage, folder, performance.now() + 60_000);
    strictEqual(result.ok, true);
    ok(result.seconds < 30);
    strictEqual(isRunning(Number(Deno.readTextFileSync(`${folder}/pid`))), false);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

/** False also for a process that ended but was not reaped: it has no command line any more. */
function isRunning(pid: number): boolean {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`) !== "";
  } catch {
    return false;
  }
}
