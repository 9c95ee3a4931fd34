/**
 * The report as a picture: for each case a bar per proxy, CPU time per request (for what is idle
 * memory), shortest is best, and Ringway's ratio to the better peer. Each case has a scale of its
 * own: a body of 1 MiB costs forty times what a small one does.
 *
 * Written by hand as SVG: it scales, its labels are text that can be searched and read aloud, and
 * it follows the reader's light or dark theme by itself. It has its own ground, since what is
 * behind it is not known.
 */
import { CONTENDER_NAMES, type ContenderName, DEFAULTS, TITLES } from "./contender.ts";
import { formatBytes, formatMicros } from "./figure.ts";
import { describeMachine } from "./machine.ts";
import type { Report } from "./report.ts";
import type { PeerRatio } from "./statistic.ts";
import { describeRatio } from "./verdict.ts";
import { wrapWords } from "./word_wrap.ts";

const WIDTH = 760;
const MARGIN = 24;
/** Where bars begin, behind the names, and how long the longest is: a label follows it. */
const BARS_X = 110;
const BAR_LENGTH_MAX = 360;
const BAR_HEIGHT = 18;
const BAR_STEP = 24;
const TITLE_HEIGHT = 28;
const PANEL_GAP = 18;
const HEADER_HEIGHT = 48;
/** Of the line that names the machine, which is cut where it would leave the picture. */
const LINE_HEIGHT = 16;
const LINE_CHARACTERS = 105;

const STYLE = `
    .ground { fill: #ffffff; }
    text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
    .title { font-weight: 600; }
    .faint { font-size: 11.5px; fill: #59636e; }
    .own { fill: #0969da; }
    .peer { fill: #a5afba; }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117; }
      text { fill: #e6edf3; }
      .faint { fill: #9198a1; }
      .own { fill: #4493f8; }
      .peer { fill: #5b636d; }
    }
  `;

interface Bar {
  readonly name: ContenderName;
  readonly tuning: string;
  readonly value: number;
}

interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
  readonly format: (value: number) => string;
  readonly comparison: PeerRatio<ContenderName>;
}

function listPanels({ load, memory }: Report): Panel[] {
  const times: Panel[] = load.map(({ title, work, contenders, comparison }) => ({
    title: `${title}: CPU time per ${work.one}`,
    bars: contenders.map(({ cpuMicros, ...each }) => ({ ...each, value: cpuMicros.median })),
    format: formatMicros,
    comparison,
  }));
  const sizes: Panel[] = memory.map(({ title, one, contenders, comparison }) => ({
    title: `${title}: memory per ${one}`,
    bars: contenders.map(({ bytesEach, ...each }) => ({ ...each, value: bytesEach.median })),
    format: formatBytes,
    comparison,
  }));
  return [...times, ...sizes];
}

/** Those who were measured, and which of their parts. */
function listProxies({ load, memory }: Report): string {
  const parts: Partial<Record<ContenderName, string>> = { nginx: " (stream)", haproxy: " (TCP)" };
  const present = new Set(
    [...load, ...memory].flatMap(({ contenders }) => contenders.map(({ name }) => name)),
  );
  const names = CONTENDER_NAMES.filter((name) => present.has(name))
    .map((name) => `${TITLES[name]}${parts[name] ?? ""}`);
  return names.join(", ").replace(/, ([^,]*)$/, " and $1");
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function drawText(x: number, y: number, text: string, style = ""): string {
  const named = style === "" ? "" : ` class="${style}"`;
  return `  <text x="${x}" y="${y}"${named}>${escapeXml(text)}</text>`;
}

function drawPanel({ title, bars, format, comparison }: Panel, top: number): string[] {
  const longest = Math.max(...bars.map(({ value }) => value));
  const lines = [drawText(MARGIN, top + 14, title, "title")];
  bars.forEach(({ name, tuning, value }, index) => {
    const y = top + TITLE_HEIGHT + index * BAR_STEP;
    // Memory may have shrunk, and an empty case has no longest: a bar has a length all the same.
    const part = longest > 0 ? Math.max(0, value / longest) : 0;
    const length = Math.max(1, Math.round(part * BAR_LENGTH_MAX));
    const own = name === "ringway";
    const remark = own ? describeRatio(comparison) : tuning;
    const label = remark === DEFAULTS ? format(value) : `${format(value)}, ${remark}`;
    lines.push(
      drawText(MARGIN, y + 13, TITLES[name]),
      `  <rect x="${BARS_X}" y="${y}" width="${length}" height="${BAR_HEIGHT}" rx="2" ` +
        `class="${own ? "own" : "peer"}"/>`,
      drawText(BARS_X + length + 8, y + 13, label),
    );
  });
  return lines;
}

/** @returns a whole SVG document. */
export function drawChart(report: Report): string {
  const title = `${listProxies(report)}, each on one core: shorter is better`;
  const panels = listPanels(report);
  const lines: string[] = [];
  let top = HEADER_HEIGHT;
  for (const panel of panels) {
    lines.push(...drawPanel(panel, top));
    top += TITLE_HEIGHT + panel.bars.length * BAR_STEP + PANEL_GAP;
  }
  const notes = [...wrapWords(describeMachine(report.machine), LINE_CHARACTERS), ...report.doubts]
    .map((note) => note.slice(0, LINE_CHARACTERS));
  notes.forEach((note, index) => {
    lines.push(drawText(MARGIN, top + 4 + index * LINE_HEIGHT, note, "faint"));
  });
  const height = top + notes.length * LINE_HEIGHT + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${WIDTH} ${height}" ` +
    `width="${WIDTH}" height="${height}">`,
    `  <title>${escapeXml(title)}</title>`,
    `  <style>${STYLE}</style>`,
    `  <rect class="ground" width="${WIDTH}" height="${height}" rx="6"/>`,
    drawText(MARGIN, 30, title),
    ...lines,
    "</svg>",
    "",
  ].join("\n");
}
