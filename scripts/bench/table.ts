/**
 * A table of text, and how it looks on a terminal and in Markdown: the first columns to the left,
 * because they hold names, the others to the right, because they hold figures.
 */
export interface Table {
  readonly title: string;
  /** How many columns hold names; one, if it does not say. */
  readonly names?: number;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const GAP = "  ";

function columnWidths({ head, rows }: Table): number[] {
  return head.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column])].map((text) => text.length))
  );
}

function pad(row: readonly string[], widths: readonly number[], names = 1): string[] {
  return row.map((text, column) =>
    column < names ? text.padEnd(widths[column]) : text.padStart(widths[column])
  );
}

/** Lines for a terminal, without a newline at the end. */
export function renderTable(table: Table): string {
  const widths = columnWidths(table);
  const lines = [table.head, ...table.rows].map((row) =>
    `  ${pad(row, widths, table.names).join(GAP)}`
  );
  return [table.title, ...lines].map((line) => line.trimEnd()).join("\n");
}

/** A table of a Markdown page, aligned as `deno fmt` would align it; the title is left out. */
export function renderMarkdown(table: Table): string {
  const { head, rows, names = 1 } = table;
  const escaped = (row: readonly string[]) => row.map((text) => text.replaceAll("|", "\\|"));
  const safe = { title: "", head: escaped(head), rows: rows.map(escaped) };
  // The line below the head takes three dashes at least.
  const widths = columnWidths(safe).map((width) => Math.max(3, width));
  const rule = widths.map((width, column) => "-".repeat(width - 1) + (column < names ? "-" : ":"));
  const line = (row: readonly string[]) => `| ${pad(row, widths, names).join(" | ")} |`;
  return [line(safe.head), line(rule), ...safe.rows.map(line)].join("\n");
}
