import assert from "node:assert/strict";
import { fail, note, ok } from "../doctor/finding.ts";
import { renderFindings } from "./doctor.ts";

Deno.test("a line for each, what mends it below, and the sum", () => {
  const findings = [
    ok("kernel", "6.18.2"),
    note("io_uring", "cannot be opened", "first lock\nand perhaps also: second lock"),
    fail("open files", "64", "raise it"),
  ];
  assert.equal(
    renderFindings(findings),
    `ok    kernel      6.18.2
note  io_uring    cannot be opened
                  -> first lock
                     and perhaps also: second lock
fail  open files  64
                  -> raise it

1 ok, 1 note, 1 failed
`,
  );
});

Deno.test("colors are around the states alone", () => {
  const text = renderFindings([ok("a", "b")], (text, tone) => `<${tone}:${text}>`);
  assert.match(text, /^<good:ok {2}> {2}a {2}b\n/);
});
