/**
 * Tables for people: columns as wide as they need to be, text to the left and numbers to the right,
 * remarks below the row that they belong to. Colors come last, so that they change no width.
 */

/** What a piece of text means; how that looks is the painter's. */
export type Tone = "plain" | "faint" | "good" | "odd" | "bad";
export type Paint = (text: string, tone: Tone) => string;

/** For pipes and files. */
export const paintNothing: Paint = (text) => text;

const CODES: Readonly<Record<Tone, string>> = {
  plain: "",
  faint: "\x1b[2m",
  good: "\x1b[32m",
  odd: "\x1b[33m",
  bad: "\x1b[31m",
};

/** For terminals: the sixteen colors that a person has chosen, no others. */
export const paintColors: Paint = (text, tone) =>
  CODES[tone] === "" || text === "" ? text : `${CODES[tone]}${text}\x1b[0m`;

export interface Column {
  readonly title: string;
  /** Of a number by default, which stands to the right. */
  readonly isText?: true;
}

export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface Row {
  readonly cells: readonly Cell[];
  /** Below the row, from its second column on. */
  readonly remarks?: readonly string[];
}

const GAP = "  ";

export function renderTable(
  columns: readonly Column[],
  rows: readonly Row[],
  paint: Paint = paintNothing,
): string {
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...rows.map(({ cells }) => textOf(cells[i]).length))
  );
  const line = (cells: readonly Cell[]) =>
    cells.map((cell, i) => {
      const text = textOf(cell);
      const space = " ".repeat(widths[i] - text.length);
      const painted = typeof cell === "string" ? cell : paint(text, cell.tone);
      return columns[i].isText ? painted + space : space + painted;
    }).join(GAP).trimEnd();
  const indent = " ".repeat(widths[0]) + GAP;
  return [
    line(columns.map(({ title }) => ({ text: title, tone: "faint" }))),
    ...rows.flatMap(({ cells, remarks = [] }) => [
      line(cells),
      ...remarks.map((remark) => indent + remark),
    ]),
  ].join("\n") + "\n";
}

function textOf(cell: Cell): string {
  return typeof cell === "string" ? cell : cell.text;
}
