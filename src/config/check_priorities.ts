/**
 * Groups of preference among the servers of a backend: 0, 1, 2 and so on. A gap is refused because
 * it is mostly a slip (the best group is 0, not 1), and backups are a group by themselves.
 */
import { PRIORITY_MAX } from "./config_limits.ts";
import { childOf, type ConfigTree } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { holds, itemsOf, numberOf, serversOf } from "./listener_tree.ts";
import type { Span } from "./source_text.ts";

export function checkPriorities(backend: ConfigTree, diagnostics: DiagnosticList): void {
  /** Where each group is mentioned first. */
  const groups = new Map<number, Span>();
  let isReadable = true;
  for (const server of itemsOf(serversOf(backend))) {
    const priority = server.kind === "map" ? server.entries.get("priority") : undefined;
    const isBackup = holds(childOf(server, "backup"), true);
    if (isBackup) {
      if (priority === undefined) continue;
      const message = "priority is not for backups: they come after all others";
      diagnostics.error(priority.keySpan, message, "remove priority, or remove backup");
      continue;
    }
    const group = priority === undefined ? 0 : numberOf(priority.value);
    if (group === null || !Number.isInteger(group) || group < 0 || group > PRIORITY_MAX) {
      isReadable = false;
    } else if (!groups.has(group)) groups.set(group, priority?.value.span ?? server.span);
  }
  if (isReadable) checkGaps(groups, diagnostics);
}

function checkGaps(groups: ReadonlyMap<number, Span>, diagnostics: DiagnosticList): void {
  const sorted = [...groups.keys()].sort((one, other) => one - other);
  const above = sorted.find((group, index) => group !== index);
  if (above === undefined) return;
  const missing = sorted.indexOf(above);
  const message = `no server has priority ${missing}, and this one has ${above}`;
  const hint = "groups are 0, 1, 2 and so on without a gap; 0 is the best";
  diagnostics.error(groups.get(above)!, message, hint);
}
