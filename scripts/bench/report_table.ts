/**
 * The report as tables: one per case for a terminal, where each has its title, and one for all
 * cases in a page, where it stands among text. And the goals, each with target, found, and the
 * verdict.
 */
import { type ContenderName, DEFAULTS, TITLES } from "./contender.ts";
import { formatBytes, formatCount, formatMicros, formatRange, formatShare } from "./figure.ts";
import { IDLE_TITLE } from "./goal.ts";
import { describeMachine } from "./machine.ts";
import type { Report } from "./report.ts";
import type { IdleSummary, LoadFigures, LoadSummary } from "./summary.ts";
import { renderMarkdown, renderTable, type Table } from "./table.ts";
import { describeRatio, describeVerdicts, type Verdict } from "./verdict.ts";
import { wrapWords } from "./word_wrap.ts";

/** Where the formatter breaks the text of a page. */
const PAGE_COLUMNS = 100;

function loadCells(figures: LoadFigures): string[] {
  return [
    formatCount(figures.requestsPerSecond.median),
    formatMicros(figures.p50Micros.median),
    formatMicros(figures.p99Micros.median),
    formatMicros(figures.cpuMicros.median),
    formatRange(figures.cpuMicros, formatMicros),
    formatShare(figures.coreShare.median),
    formatBytes(figures.memoryBytes.median),
  ];
}

const LOAD_HEAD = ["requests/s", "p50", "p99", "CPU/request", "range", "core", "memory"];

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

export function loadTable({ title, contenders, comparison }: LoadSummary): Table {
  return {
    title: tunedTitle(title, contenders),
    head: ["", ...LOAD_HEAD, "CPU ratio"],
    rows: contenders.map((each) => [
      TITLES[each.name],
      ...loadCells(each),
      ratioCell(each.name, comparison),
    ]),
  };
}

export function idleTable({ contenders, comparison }: IdleSummary): Table {
  return {
    title: tunedTitle(IDLE_TITLE, contenders),
    head: ["", "per connection", "range", "memory", "ratio"],
    rows: contenders.map((each) => [
      TITLES[each.name],
      formatBytes(each.bytesPerConnection.median),
      formatRange(each.bytesPerConnection, formatBytes),
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
  const { load, idle, machine, verdicts, doubts } = report;
  const tables = [...load.map(loadTable), ...(idle === null ? [] : [idleTable(idle)])];
  return [
    `${describeMachine(machine)}\n${describeRun(report)}`,
    ...tables.map(renderTable),
    renderTable(goalTable(verdicts)),
    ...(doubts.length === 0 ? [] : [["doubts", ...doubts.map((each) => `  ${each}`)].join("\n")]),
    describeVerdicts(verdicts),
  ].join("\n\n");
}

/** All cases under load in one table: a case's name stands in its first row only. */
function pageTable(load: readonly LoadSummary[]): Table {
  return {
    title: "",
    names: 2,
    head: ["case", "", ...LOAD_HEAD, "CPU to the better peer"],
    rows: load.flatMap(({ title, contenders, comparison }) =>
      contenders.map((each, index) => [
        index === 0 ? title : "",
        tunedName(each),
        ...loadCells(each),
        ratioCell(each.name, comparison),
      ])
    ),
  };
}

function idlePageTable(idle: IdleSummary): Table {
  const { head, rows } = idleTable(idle);
  return {
    title: "",
    head: [IDLE_TITLE, ...head.slice(1)],
    rows: rows.map((row, index) => [tunedName(idle.contenders[index]), ...row.slice(1)]),
  };
}

/** For a page such as the README. */
export function renderPage(report: Report): string {
  const { load, idle, machine, verdicts, doubts } = report;
  const goals = { ...goalTable(verdicts), head: ["goal", "target", "found", "verdict"] };
  return [
    wrapWords(`${describeMachine(machine)}; ${describeRun(report)}.`, PAGE_COLUMNS).join("\n"),
    ...(load.length === 0 ? [] : [renderMarkdown(pageTable(load))]),
    ...(idle === null ? [] : [renderMarkdown(idlePageTable(idle))]),
    renderMarkdown(goals),
    ...(doubts.length === 0 ? [] : [doubts.map((each) => `- ${each}`).join("\n")]),
  ].join("\n\n");
}
