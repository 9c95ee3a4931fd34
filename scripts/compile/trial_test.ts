import { rejects } from "node:assert/strict";
import { SetupFailure } from "../command.ts";
import { runTrial } from "./trial.ts";

Deno.test("what does not run, or is something else, does not pass", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-trial-" });
  try {
    // The runtime without a program, which is what a wrong DENORT_BIN makes.
    await rejects(runTrial(Deno.execPath(), "0.1.0", folder), SetupFailure);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
