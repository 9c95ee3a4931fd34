import { strictEqual } from "node:assert/strict";
import { renderMarkdown, renderTable, type Table } from "./table.ts";

const TABLE: Table = {
  title: "what is compared",
  head: ["", "time", "n"],
  rows: [["one", "12.3 µs", "7"], ["another", "1 s", "1,000"]],
};

Deno.test("on a terminal names stand left and figures right", () => {
  strictEqual(
    renderTable(TABLE),
    [
      "what is compared",
      "              time      n",
      "  one      12.3 µs      7",
      "  another      1 s  1,000",
    ].join("\n"),
  );
});

Deno.test("in Markdown the columns are aligned too", () => {
  strictEqual(
    renderMarkdown(TABLE),
    [
      "|         |    time |     n |",
      "| ------- | ------: | ----: |",
      "| one     | 12.3 µs |     7 |",
      "| another |     1 s | 1,000 |",
    ].join("\n"),
  );
});

Deno.test("two columns may hold names", () => {
  const table = { title: "t", names: 2, head: ["a", "b", "c"], rows: [["one", "four", "12345"]] };
  strictEqual(renderTable(table), "t\n  a    b         c\n  one  four  12345");
  strictEqual(
    renderMarkdown(table),
    "| a   | b    |     c |\n| --- | ---- | ----: |\n| one | four | 12345 |",
  );
});

Deno.test("a bar in a cell does not break the row", () => {
  strictEqual(
    renderMarkdown({ title: "", head: ["a"], rows: [["x|y"]] }),
    "| a    |\n| ---- |\n| x\\|y |",
  );
});
