/**
 * What no field can know alone: names that must exist, addresses and names that must differ, keys
 * that need each other, sizes of everything together.
 *
 * It reads the tree and not the schema's result, and steps over whatever is not as it should be.
 * So a file with a misspelt key still has its references checked, and all errors come at once. Each
 * kind of check has a file of its own; here they are called, and what they count is added up.
 */
import { checkBackend } from "./check_backend.ts";
import { checkBinds } from "./check_binds.ts";
import { checkListener } from "./check_listener.ts";
import { checkReferences } from "./check_references.ts";
import { checkRoutes } from "./check_routes.ts";
import { checkServers } from "./check_servers.ts";
import { checkSubsets, checkZone } from "./check_subsets.ts";
import { checkUser } from "./check_user.ts";
import { RANGES_TOTAL_MAX, ROUTES_TOTAL_MAX, SERVERS_TOTAL_MAX } from "./config_limits.ts";
import { childOf, type ConfigTree } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import { entriesOf, itemsOf, listenersOf, type ListenerTree } from "./listener_tree.ts";
import type { Span } from "./source_text.ts";

export function crossCheck(tree: ConfigTree, diagnostics: DiagnosticList): void {
  const listeners = listenersOf(tree);
  const backends = entriesOf(tree, "backends");
  const count = entriesOf(tree, "listeners").size;
  const uses = checkReferences(listeners, count, backends, diagnostics);
  checkBinds(tree, listeners, diagnostics);
  let routes = 0;
  let ranges = 0;
  for (const listener of listeners) {
    checkListener(listener, diagnostics);
    routes += checkRoutes(listener, diagnostics);
    ranges += countRanges(listener);
  }
  let servers = 0;
  for (const [name, entry] of backends) {
    servers += checkServers(name, entry, diagnostics);
    checkBackend(entry.value, uses.get(name) ?? [], diagnostics);
  }
  checkSubsets(listeners, backends, diagnostics);
  checkZone(tree, backends, diagnostics);
  if (tree.kind === "map") checkUser(tree, diagnostics);
  const place = (entries: readonly { readonly keySpan: Span }[]) => entries[0]?.keySpan;
  checkTotal(routes, ROUTES_TOTAL_MAX, "listeners", "routes", place(listeners), diagnostics);
  checkTotal(
    ranges,
    RANGES_TOTAL_MAX,
    "listeners",
    "address ranges",
    place(listeners),
    diagnostics,
  );
  const first = place([...backends.values()]);
  checkTotal(servers, SERVERS_TOTAL_MAX, "backends", "servers", first, diagnostics);
}

/** Address ranges in all lists of a listener. */
function countRanges({ map }: ListenerTree): number {
  const routes = itemsOf(childOf(map, "routes"));
  const lists = [
    ...["trusted_proxies", "allow", "deny"].map((key) => childOf(map, key)),
    ...routes.flatMap((route) => ["allow", "deny"].map((key) => childOf(route, key))),
  ];
  return lists.reduce((sum, list) => sum + itemsOf(list).length, 0);
}

function checkTotal(
  count: number,
  most: number,
  holders: string,
  held: string,
  place: Span | undefined,
  diagnostics: DiagnosticList,
): void {
  if (count <= most || place === undefined) return;
  const message = `all ${holders} together must hold at most ${most} ${held}, found ${count}`;
  diagnostics.error(place, message);
}
