/**
 * The report as tables: one per case for a terminal, where each has its title, and one for all
 * cases in a page, where it stands among text. And the goals, each with target, found, and the
 * verdict.
 */
import { type ContenderName, DEFAULTS, TITLES } from "./contender.ts";
import { formatBytes, formatCount, formatMicros, formatRange, formatShare } from "./figure.ts";
import { describeMachine } from "./machine.ts";
import type { Report } from "./report.ts";
import type { LoadFigures, LoadSummary, MemorySummary } from "./summary.ts";
import { renderMarkdown, renderTable, type Table } from "./table.ts";
import { describeRatio, describeVerdicts, type Verdict } from "./verdict.ts";
import { wrapWords } from "./word_wrap.ts";

/** Where the formatter breaks the text of a page. */
const PAGE_COLUMNS = 100;

type Transport = LoadSummary["transport"];

function loadCells(figures: LoadFigures, transport: Transport): string[] {
  return [
    formatCount(figures.perSecond.median),
    formatMicros(figures.p50Micros.median),
    formatMicros(figures.p99Micros.median),
    formatMicros(figures.cpuMicros.median),
    formatRange(figures.cpuMicros, formatMicros),
    formatShare(figures.coreShare.median),
    formatBytes(figures.memoryBytes.median),
    ...(transport === "udp" ? [formatCount(figures.errors)] : []),
  ];
}

/** What UDP carries differs from case to case: the titles tell it. */
const LOAD_HEADS: Readonly<Record<Transport, readonly string[]>> = {
  tcp: ["requests/s", "p50", "p99", "CPU/request", "range", "core", "memory"],
  udp: ["per second", "p50", "p99", "CPU each", "range", "core", "memory", "lost"],
};

function loadTitle({ title, transport, work }: LoadSummary): string {
  return transport === "udp" ? `${title}; CPU time per ${work.one}` : title;
}

/** Ratios belong to Ringway: whom it is compared with has none. */
function ratioCell(name: string, comparison: LoadSummary["comparison"]): string {
  return name === "ringway" ? describeRatio(comparison).replace(/ \(.*/, "") : "";
}

/** The name, and how a peer was tuned where that made it better. */
function tunedName({ name, tuning }: { name: ContenderName; tuning: string }): string {
  return tuning === DEFAULTS ? TITLES[name] : `${TITLES[name]}, ${tuning}`;
}

/** The case, and what was tuned in it: a column for that would be empty most of the time. */
function tunedTitle(title: string, contenders: readonly { name: ContenderName; tuning: string }[]) {
  const tuned = contenders.filter(({ tuning }) => tuning !== DEFAULTS).map(tunedName);
  return [title, ...tuned].join("; ");
}

export function loadTable(summary: LoadSummary): Table {
  const { transport, contenders, comparison } = summary;
  return {
    title: tunedTitle(loadTitle(summary), contenders),
    head: ["", ...LOAD_HEADS[transport], "CPU ratio"],
    rows: contenders.map((each) => [
      TITLES[each.name],
      ...loadCells(each, transport),
      ratioCell(each.name, comparison),
    ]),
  };
}

export function memoryTable({ title, one, contenders, comparison }: MemorySummary): Table {
  return {
    title: tunedTitle(title, contenders),
    head: ["", `per ${one}`, "range", "memory", "ratio"],
    rows: contenders.map((each) => [
      TITLES[each.name],
      formatBytes(each.bytesEach.median),
      formatRange(each.bytesEach, formatBytes),
      formatBytes(each.memoryBytes.median),
      ratioCell(each.name, comparison),
    ]),
  };
}

function goalTable(verdicts: readonly Verdict[]): Table {
  return {
    title: "goals",
    head: ["", "target", "found", ""],
    rows: verdicts.map(({ goal, target, found, met }) => [
      goal,
      target,
      found,
      met ? "met" : "MISSED",
    ]),
  };
}

function describeRun({ options, garbage }: Report): string {
  const { rounds, seconds } = options;
  const chunks = garbage === null ? "" : `; garbage over ${formatCount(garbage.chunks)} chunks`;
  return `medians of interleaved rounds (rounds: ${rounds}, of ${seconds} s)${chunks}`;
}

export function renderTerminal(report: Report): string {
  const { load, memory, machine, verdicts, doubts } = report;
  const tables = [...load.map(loadTable), ...memory.map(memoryTable)];
  return [
    `${describeMachine(machine)}\n${describeRun(report)}`,
    ...tables.map(renderTable),
    renderTable(goalTable(verdicts)),
    ...(doubts.length === 0 ? [] : [["doubts", ...doubts.map((each) => `  ${each}`)].join("\n")]),
    describeVerdicts(verdicts),
  ].join("\n\n");
}

/** All cases of a transport in one table: a case's name stands in its first row only. */
function pageTables(load: readonly LoadSummary[], transport: Transport): Table[] {
  const cases = load.filter((each) => each.transport === transport);
  if (cases.length === 0) return [];
  return [{
    title: "",
    names: 2,
    head: ["case", "", ...LOAD_HEADS[transport], "CPU to the better peer"],
    rows: cases.flatMap((summary) =>
      summary.contenders.map((each, index) => [
        index === 0 ? loadTitle(summary) : "",
        tunedName(each),
        ...loadCells(each, transport),
        ratioCell(each.name, summary.comparison),
      ])
    ),
  }];
}

function memoryPageTable(memory: MemorySummary): Table {
  const { head, rows } = memoryTable(memory);
  return {
    title: "",
    head: [memory.title, ...head.slice(1)],
    rows: rows.map((row, index) => [tunedName(memory.contenders[index]), ...row.slice(1)]),
  };
}

/** For a page such as the README. */
export function renderPage(report: Report): string {
  const { load, memory, machine, verdicts, doubts } = report;
  const goals = { ...goalTable(verdicts), head: ["goal", "target", "found", "verdict"] };
  const tables = [
    ...pageTables(load, "tcp"),
    ...pageTables(load, "udp"),
    ...memory.map(memoryPageTable),
    goals,
  ];
  return [
    wrapWords(`${describeMachine(machine)}; ${describeRun(report)}.`, PAGE_COLUMNS).join("\n"),
    ...tables.map(renderMarkdown),
    ...(doubts.length === 0 ? [] : [doubts.map((each) => `- ${each}`).join("\n")]),
  ].join("\n\n");
}
