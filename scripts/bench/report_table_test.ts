import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { CASE_NAMES } from "./goal.ts";
import { loadTable, memoryTable, renderPage, renderTerminal } from "./report_table.ts";
import { testReport } from "./test_result.ts";

Deno.test("a case under load shows throughput, latency, CPU time, memory and the ratio", () => {
  const { head, rows } = loadTable(testReport().load[0]);
  strictEqual(head.length, rows[0].length);
  deepStrictEqual(rows[0], [
    ...["Ringway", "30,000", "1.50 ms", "4.00 ms", "10.0 µs", "10.0 µs", "30 %", "50.0 MiB"],
    "0.500 of nginx",
  ]);
  deepStrictEqual(rows.map((row) => row.at(-1)), ["0.500 of nginx", "", ""]);
});

Deno.test("a case of UDP shows what was lost, and tells what is counted in its title", () => {
  const stream = testReport().load.find(({ name }) => name === "udp-bulk")!;
  const { title, head, rows } = loadTable(stream);
  match(title, /; CPU time per 1,000 datagrams$/);
  strictEqual(head.indexOf("lost"), 8);
  deepStrictEqual(rows[0], [
    ...["Ringway", "80,000", "1.50 ms", "4.00 ms", "10.0 µs", "10.0 µs", "0 %", "50.0 MiB", "0"],
    "0.500 of nginx",
  ]);
});

Deno.test("idle connections show memory for each and for all", () => {
  const { rows } = memoryTable(testReport().memory[0]);
  deepStrictEqual(rows[0], ["Ringway", "128 B", "128 B", "60.0 MiB", "0.064 of HAProxy"]);
});

Deno.test("a peer's tuning is told where it is not the default", () => {
  const { contenders, ...rest } = testReport().memory[0];
  const tuned = contenders.map((each) => ({ ...each, tuning: `${each.name} set` }));
  match(
    memoryTable({ contenders: [contenders[0], ...tuned.slice(1)], ...rest }).title,
    /five bytes; nginx, nginx set; HAProxy, haproxy set$/,
  );
  match(memoryTable(testReport().memory[0]).title, /five bytes$/);
});

Deno.test("a terminal gets a table for each case, the goals, and lines that fit", () => {
  const text = renderTerminal(testReport());
  strictEqual(text.match(/^ {2}Ringway /gm)?.length, CASE_NAMES.length);
  match(text, /keep-alive: CPU per request.*at most 0\.92.*0\.500 of nginx.*met/);
  match(text, /goals measured: 18, all met$/);
  const figures = text.split("\n").filter((line) => line.startsWith("  "));
  ok(figures.every((line) => line.length <= 110), figures.join("\n"));
});

Deno.test("a missed goal is said, and so are doubts", () => {
  const report = testReport();
  const [first, ...others] = report.verdicts;
  const missed = [{ ...first, met: false }, ...others];
  const text = renderTerminal({ ...report, verdicts: missed, doubts: ["it was noisy"] });
  match(text, /0\.500 of nginx \(0\.500\) +MISSED\n/);
  match(text, /doubts\n {2}it was noisy\n/);
  match(text, /goals measured: 18, met: 17, MISSED: 1$/);
});

Deno.test("a page has Markdown tables, and only those there is something for", () => {
  const page = renderPage(testReport());
  strictEqual(page.match(/^\| -+ \|/gm)?.length, 5);
  match(page, /^\| 1 MiB bodies/m);
  match(page, /^\| UDP, 64 clients[^|]*; CPU time per round trip/m);
  strictEqual(
    renderPage({ ...testReport(), load: [], memory: [] }).match(/^\| -+ \|/gm)?.length,
    1,
  );
});
