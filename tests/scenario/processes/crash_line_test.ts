import { rejects, strictEqual } from "node:assert/strict";
import { findCrash, launchRingway } from "../ringway_process.ts";

Deno.test("a line that tells of a crash is found, one of a killed worker is none", () => {
  const crashes = [
    "error: Uncaught (in promise) AssertionFailure: a place is given back once",
    "10:00:00.000 error internal error: TypeError: x is not a function",
    "10:00:00.000 error worker 0: ended with 1; starting another in 100 ms",
    "10:00:00.000 error worker 0: died of SIGSEGV; starting another in 100 ms",
    "10:00:00.000 error worker 0: died of SIGABRT while draining",
  ];
  for (const line of crashes) strictEqual(findCrash(["fine", line, "fine"]), line);
  const others = [
    "10:00:00.000 error worker 0: died of SIGKILL; starting another in 100 ms",
    "10:00:00.000 info  worker 0: connection ended with 3 bytes left",
    'error: cannot bind ":80"',
  ];
  strictEqual(findCrash(others), undefined);
  strictEqual(
    findCrash([crashes[2], "10:00:00.000 error workers do not start; giving up"]),
    undefined,
  );
});

Deno.test("a test whose program has crashed fails in the end, whatever else it found", async () => {
  const text = "10:00:00.000 error internal error: TypeError";
  const ringway = launchRingway("", { command: ["echo", text] });
  strictEqual(await ringway.exitCode(), 0);
  await rejects(async () => await ringway[Symbol.asyncDispose](), /it crashed: .*internal error/);
});
