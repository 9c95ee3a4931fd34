/**
 * Keys about servers that fail and connections that wait, which have no effect beside others, or
 * which the listeners of a backend cannot have.
 *
 * What another key makes void is a warning here and no error, unlike in check_listener.ts: these
 * keys are shared by anchors and filled in from the environment, and nothing wrong happens.
 */
import { quoteText } from "../base/quoted_text.ts";
import { formatDuration } from "../base/duration.ts";
import { parsePercentage } from "../base/percentage.ts";
import { childOf, type ConfigTree, type MapTree, stringOf } from "./config_tree.ts";
import type { DiagnosticList } from "./diagnostic.ts";
import {
  describeUser,
  durationOf,
  holds,
  itemsOf,
  type ListenerTree,
  serversOf,
} from "./listener_tree.ts";

/** @param users the listeners that use the backend. */
export function checkResilience(
  backend: MapTree,
  users: readonly ListenerTree[],
  diagnostics: DiagnosticList,
): void {
  checkEjection(backend, diagnostics);
  checkQueue(backend, diagnostics);
  checkRetries(backend, diagnostics);
  checkOnDown(backend, diagnostics);
  checkConnectionKeys(backend, users, diagnostics);
}

const EJECT_MS = 10_000;

function checkEjection(backend: MapTree, diagnostics: DiagnosticList): void {
  const detection = backend.entries.get("outlier_detection");
  const isOn = detection?.value.kind === "map" || holds(detection?.value, true);
  if (detection === undefined || !isOn) return;
  const servers = serversOf(backend);
  const count = servers?.kind === "list" ? servers.items.length : 0;
  if (count === 1) {
    const message = "outlier_detection is off with a single server: nothing could take over";
    diagnostics.warning(detection.keySpan, message);
  }
  const eject = childOf(detection.value, "eject");
  const ejectMs = eject === undefined ? EJECT_MS : durationOf(eject);
  const most = childOf(detection.value, "max_eject");
  const mostMs = durationOf(most);
  if (most !== undefined && mostMs !== null && ejectMs !== null && mostMs < ejectMs) {
    const shown = eject === undefined
      ? `${formatDuration(EJECT_MS)}, which is the default`
      : stringOf(eject);
    const message = `max_eject (${stringOf(most)}) is shorter than eject (${shown})`;
    diagnostics.error(most.span, message, "make it at least as long");
  }
  if (count > 1) checkEjectedMax(childOf(detection.value, "max_ejected"), count, diagnostics);
}

function checkEjectedMax(
  tree: ConfigTree | undefined,
  count: number,
  diagnostics: DiagnosticList,
): void {
  const share = parsePercentage(stringOf(tree) ?? "");
  if (tree === undefined || share === null || share === 0 || share * count >= 1) return;
  const message = `max_ejected (${stringOf(tree)}) of ${count} servers is less than one, ` +
    "so none is ever ejected";
  diagnostics.warning(tree.span, message, `write at least ${Math.ceil(100 / count)}%`);
}

/** Nothing waits where nothing is limited. */
function checkQueue(backend: MapTree, diagnostics: DiagnosticList): void {
  const limits = childOf(backend, "limits");
  if (limits?.kind !== "map") return;
  const isLimited = limits.entries.has("connections") ||
    itemsOf(serversOf(backend)).some((server) => childOf(server, "connections") !== undefined);
  const hint = "limit connections of the backend or of its servers";
  for (const key of ["pending", "queue_timeout"]) {
    const entry = limits.entries.get(key);
    if (entry === undefined || isLimited) continue;
    const message = `${key} has no effect: without a limit of connections none ever waits`;
    diagnostics.warning(entry.keySpan, message, hint);
  }
  const timeout = limits.entries.get("queue_timeout");
  if (!isLimited || timeout === undefined || !holds(childOf(limits, "pending"), 0)) return;
  diagnostics.warning(timeout.keySpan, "queue_timeout has no effect: with pending: 0 none waits");
}

function checkRetries(backend: MapTree, diagnostics: DiagnosticList): void {
  const budget = backend.entries.get("retry_budget");
  if (budget === undefined || !holds(childOf(backend, "retries"), 0)) return;
  diagnostics.warning(budget.keySpan, "retry_budget has no effect: retries is 0");
}

function checkOnDown(backend: MapTree, diagnostics: DiagnosticList): void {
  const onDown = backend.entries.get("on_down");
  const isChecked = ["health_check", "agent_check"].some((key) => backend.entries.has(key));
  if (onDown === undefined || isChecked || stringOf(onDown.value) !== "close") return;
  const message = "on_down: close has no effect: without a check no server is known to be down";
  diagnostics.warning(onDown.keySpan, message, "add health_check or agent_check");
}

/** What is only for connections, and why: datagrams have none that could end or be judged. */
const CONNECTION_KEYS = {
  rebalance: "ends connections",
  circuit_breaker: "is about connections that fail",
};

function checkConnectionKeys(
  backend: MapTree,
  users: readonly ListenerTree[],
  diagnostics: DiagnosticList,
): void {
  const udp = users.find(({ protocol }) => protocol === "udp");
  if (udp === undefined) return;
  for (const [key, why] of Object.entries(CONNECTION_KEYS)) {
    const entry = backend.entries.get(key);
    if (entry === undefined || holds(entry.value, false)) continue;
    const message = `${key} ${why}, and ${describeUser(udp)} uses this backend`;
    const hint = `remove ${key}, or give listener ${quoteText(udp.name)} a backend of its own`;
    diagnostics.error(entry.keySpan, message, hint);
  }
}
