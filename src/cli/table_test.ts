import assert from "node:assert/strict";
import { type Column, paintColors, renderTable } from "./table.ts";

const COLUMNS: readonly Column[] = [
  { title: "", isText: true },
  { title: "state", isText: true },
  { title: "open" },
];

Deno.test("columns are as wide as needed; text to the left, numbers to the right", () => {
  const rows = [{ cells: ["listener web", "up", "3"] }, { cells: ["x", "drain 12s", "12345"] }];
  assert.equal(
    renderTable(COLUMNS, rows),
    "              state       open\n" +
      "listener web  up             3\n" +
      "x             drain 12s  12345\n",
  );
  assert.equal(renderTable([{ title: "a" }, { title: "b" }], []), "a  b\n");
});

Deno.test("remarks stand below their row, from the second column on", () => {
  const rows = [
    { cells: ["one", "down", "3"], remarks: ["a remark that is wider than the table", "another"] },
    { cells: ["twenty", "up", ""] },
  ];
  assert.equal(
    renderTable(COLUMNS, rows),
    "        state  open\n" +
      "one     down      3\n" +
      "        a remark that is wider than the table\n" +
      "        another\n" +
      "twenty  up\n",
  );
});

Deno.test("colors change no width", () => {
  const rows = [{ cells: ["one", { text: "down", tone: "bad" } as const, "3"] }];
  const colored = renderTable(COLUMNS, rows, paintColors);
  assert.ok(colored.includes("\x1b[31mdown\x1b[0m"), JSON.stringify(colored));
  // deno-lint-ignore no-control-regex
  assert.equal(colored.replace(/\x1b\[\d*m/g, ""), renderTable(COLUMNS, rows));
});

Deno.test("what is plain, and what is empty, is not painted", () => {
  assert.equal(paintColors("text", "plain"), "text");
  assert.equal(paintColors("", "bad"), "");
});
