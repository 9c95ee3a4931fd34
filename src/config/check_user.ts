/**
 * Whom the program becomes: a group alone changes nothing, because root with another group is root.
 * Whether the accounts exist is asked when the program starts, on the machine where it does.
 */
import type { MapTree } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";

export function checkUser(file: MapTree, diagnostics: DiagnosticList): void {
  const group = file.entries.get("group");
  if (group === undefined || file.entries.has("user")) return;
  const message = "group has no effect: without user the program stays who it is";
  diagnostics.warning(group.keySpan, message, "add user");
}
