import assert from "node:assert/strict";
import type { CheckReport } from "./check_report.ts";
import { failed, notAsked, passed, type ProbeOutcome } from "./probe_outcome.ts";
import { ProbeRecord, type ProbeVerdict } from "./probe_record.ts";

/** What a record of `check` tells after each of these outcomes. */
function told(
  outcomes: readonly ProbeOutcome[],
  check: ConstructorParameters<typeof ProbeRecord>[0] = { rise: 2, fall: 3, initial: "up" },
): readonly (readonly [ProbeVerdict, CheckReport])[] {
  const all: [ProbeVerdict, CheckReport][] = [];
  const record = new ProbeRecord(check, (verdict, report) => all.push([verdict, report]));
  for (const outcome of outcomes) record.onResult({ outcome, durationMs: 7, atMs: 99 });
  return all;
}

const [good, bad] = [passed("status 200"), failed("status 503")];

Deno.test("a server falls and rises by probes in a row, and each says how far it is", () => {
  const verdicts = told([good, bad, bad, bad, bad, good, good, good]).map(([verdict]) => verdict);
  assert.deepEqual(verdicts.map(({ streak }) => streak), [
    "",
    "1 of 3 probes failed",
    "2 of 3 probes failed",
    "3 of 3 probes failed",
    "",
    "1 of 2 probes succeeded",
    "2 of 2 probes succeeded",
    "",
  ]);
  const states = verdicts.map(({ isUp, changed }) => (isUp ? "up" : "down") + (changed ? "!" : ""));
  assert.deepEqual(states, ["up", "up", "up", "down!", "down", "down", "up!", "up"]);
  assert.deepEqual(verdicts.map(({ isFirst }) => isFirst), [true, ...new Array(7).fill(false)]);
});

Deno.test("one probe is enough where one is asked for", () => {
  const [[verdict]] = told([good], { rise: 1, fall: 1, initial: "down" });
  const streak = "1 of 1 probe succeeded";
  assert.deepEqual(verdict, { isUp: true, isFirst: true, changed: true, streak });
});

Deno.test("the report is the outcome with its time", () => {
  const [[, report]] = told([bad]);
  assert.deepEqual(report, { isOk: false, text: "status 503", atMs: 99, durationMs: 7 });
});

Deno.test("what is our own fault is told, but does not count", () => {
  const shortage = notAsked("too many open files (EMFILE)");
  const all = told([shortage, bad, bad, shortage, bad]);
  const verdict = { isUp: true, isFirst: false, changed: false, streak: "" };
  assert.deepEqual(all[0][0], verdict);
  assert.equal(all[0][1].text, "not counted: too many open files (EMFILE)");
  assert.equal(all[1][0].isFirst, true, "the first that says anything");
  assert.deepEqual(all[3][0], verdict);
  assert.equal(all[4][0].streak, "3 of 3 probes failed");
});

Deno.test("it moves while probes speak against its verdict", () => {
  const record = new ProbeRecord({ rise: 2, fall: 2, initial: "up" }, () => {});
  const moves = [good, bad, good, bad, bad, good, good].map((outcome) => {
    record.onResult({ outcome, durationMs: 0, atMs: 0 });
    return record.isMoving();
  });
  assert.deepEqual(moves, [false, true, false, true, false, true, false]);
});
