import { deepStrictEqual, throws } from "node:assert/strict";
import { CASE_NAMES } from "./goal.ts";
import { readOptions } from "./options.ts";

Deno.test("without options everything is measured", () => {
  deepStrictEqual(readOptions([]), {
    rounds: 7,
    seconds: 3,
    cases: CASE_NAMES,
    out: null,
    markdown: false,
    help: false,
  });
});

Deno.test("options are read in both forms, later ones win", () => {
  deepStrictEqual(readOptions(["--quick", "--rounds=5", "--case", "idle", "--out", "/x", "-h"]), {
    rounds: 5,
    seconds: 1,
    cases: ["idle"],
    out: "/x",
    markdown: false,
    help: true,
  });
});

Deno.test("cases are run once each, in the order of the bench", () => {
  const { cases, markdown } = readOptions([
    ...["--case", "bulk", "--markdown", "--case=keep-alive", "--case", "bulk"],
  ]);
  deepStrictEqual([cases, markdown], [["keep-alive", "bulk"], true]);
});

Deno.test("what makes no sense is refused with what was expected", () => {
  throws(() => readOptions(["--rounds", "0"]), /whole number from 1/);
  throws(() => readOptions(["--seconds"]), /wants a value/);
  throws(() => readOptions(["--case", "fast"]), /keep-alive/);
  throws(() => readOptions(["--fast"]), /unknown option "--fast"/);
});
