import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { CASE_NAMES } from "./goal.ts";
import { drawChart } from "./chart.ts";
import { testReport } from "./test_result.ts";

/** Throws at what is not closed, not nested or not escaped; enough for what is drawn here. */
function checkWellFormed(xml: string): void {
  const open: string[] = [];
  const rest = xml.replace(/<(\/?)([a-z]+)((?: [\w:]+="[^"<&]*(?:&\w+;[^"<&]*)*")*)(\/?)>/gi, (
    _tag,
    slash,
    name,
    _attributes,
    empty,
  ) => {
    if (slash === "/") strictEqual(open.pop(), name);
    else if (empty === "") open.push(name);
    return "";
  });
  deepStrictEqual(open, []);
  strictEqual(/[<>]|&(?!(amp|lt|gt|quot);)/.exec(rest), null);
}

Deno.test("the chart is well-formed, whatever the machine is called", () => {
  const chart = drawChart(testReport());
  checkWellFormed(chart);
  match(chart, /A &amp; B &lt;8&gt;/);
});

Deno.test("each case has a bar for each proxy, and Ringway's has the ratio", () => {
  const report = testReport();
  const peers = [...report.load, ...report.memory]
    .reduce((sum, { contenders }) => sum + contenders.length - 1, 0);
  const chart = drawChart(report);
  strictEqual(chart.match(/class="own"/g)?.length, CASE_NAMES.length);
  strictEqual(chart.match(/class="peer"/g)?.length, peers);
  match(chart, />10\.0 µs, 0\.500 of nginx \(0\.500\)</);
  match(chart, />128 B, 0\.064 of HAProxy/);
});

Deno.test("a peer's bar tells its tuning where it is not the default", () => {
  const { load, ...rest } = testReport();
  const [{ contenders, ...first }] = load;
  const tuned = contenders.map((each) => ({ ...each, tuning: `${each.name} set` }));
  const chart = drawChart({ ...rest, load: [{ ...first, contenders: tuned }], memory: [] });
  match(chart, />20\.0 µs, nginx set</);
  match(drawChart(testReport()), />20\.0 µs</);
});

Deno.test("bars are as long as their figures, the longest in a case being full", () => {
  const report = testReport();
  const chart = drawChart({ ...report, load: report.load.slice(0, 1), memory: [] });
  const widths = Array.from(chart.matchAll(/width="(\d+)" height="18"/g), ([, width]) => width);
  deepStrictEqual(widths, ["120", "240", "360"]);
});

Deno.test("a chart fits its picture, even of nothing", () => {
  const chart = drawChart(testReport());
  const height = Number(/viewBox="0 0 760 (\d+)"/.exec(chart)?.[1]);
  const lowest = Math.max(...Array.from(chart.matchAll(/ y="(\d+)"/g), ([, y]) => Number(y)));
  ok(lowest < height && lowest > height - 30);
  checkWellFormed(drawChart({ ...testReport(), load: [], memory: [] }));
});

Deno.test("the chart names those who were measured, and no others", () => {
  const report = testReport();
  match(
    drawChart(report),
    />Ringway, nginx \(stream\), HAProxy \(TCP\), dnsdist, bare Ringway and Ringway\/epoll, /,
  );
  match(drawChart({ ...report, load: [] }), /Ringway, nginx \(stream\) and HAProxy \(TCP\), each/);
  const udp = report.load.filter(({ name }) => name === "udp-64");
  match(drawChart({ ...report, load: udp, memory: [] }), />Ringway and nginx \(stream\), each/);
});

Deno.test("what is counted in a case is part of its title", () => {
  match(drawChart(testReport()), /a second: CPU time per 1,000 datagrams</);
  match(drawChart(testReport()), /live UDP flows [^<]*: memory per flow</);
});

Deno.test("doubts are part of the picture", () => {
  match(drawChart({ ...testReport(), doubts: ["it was noisy"] }), />it was noisy</);
});

Deno.test("colours follow the reader's theme", () => {
  match(drawChart(testReport()), /@media \(prefers-color-scheme: dark\)/);
});
