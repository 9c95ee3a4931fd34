import { strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("what the runtime says of a worker's crash has no colors in the log", async () => {
  await using ringway = await startRingway(configText({ servers: ["127.0.0.1:9"] }));
  await ringway.snapshot();
  for (const pid of ringway.workerPids) {
    const variables = Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0");
    strictEqual(variables.includes("NO_COLOR=1"), true, `worker ${pid}`);
  }
});
