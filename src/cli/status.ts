/**
 * `ringway status`: one snapshot of the running program, asked for over its admin socket, as tables
 * for people or as JSON for programs.
 */
import { fetchSnapshot } from "../admin/admin_client.ts";
import type { ListenerSnapshot, Snapshot, WorkerSnapshot } from "../supervisor/snapshot.ts";
import { type Whereabouts, withRunning } from "./admin_path.ts";
import { formatAge } from "./age.ts";
import { formatBytes } from "./byte_text.ts";
import { BIND_LENGTH_MAX, cellText, oneLine } from "./cell_text.ts";
import { ownPaint, print } from "./output.ts";
import { renderBackends, renderLastEvents, renderServers } from "./server_tables.ts";
import { type Cell, type Column, type Paint, paintNothing, renderTable } from "./table.ts";

/** Of a listener that is bound to many addresses this many are shown. */
const BINDS_SHOWN_MAX = 4;

/** What a listener is bound to, one cell each. */
function bindCells({ binds }: ListenerSnapshot): string[] {
  const cells = binds.slice(0, BINDS_SHOWN_MAX).map((bind) => cellText(bind, BIND_LENGTH_MAX));
  const hidden = binds.length - cells.length;
  return hidden === 0 ? cells : [...cells, `and ${hidden} more`];
}

/** Rows of a listener: the first has its numbers, the others have what else it is bound to. */
function listenerRows(listener: ListenerSnapshot, numbers: readonly string[]): string[][] {
  const blank = numbers.map(() => "");
  return bindCells(listener).map((bind, i) =>
    i === 0 ? [titleOf(listener), bind, ...numbers] : ["", bind, ...blank]
  );
}

function titleOf({ name }: ListenerSnapshot): string {
  return `listener ${name}`;
}

/** Columns of text, then such of numbers. */
function columnsOf(texts: readonly string[], numbers: readonly string[]): Column[] {
  return [
    ...texts.map((title) => ({ title, isText: true as const })),
    ...numbers.map((title) => ({ title })),
  ];
}

function tableOf(columns: readonly Column[], rows: readonly Cell[][], paint: Paint): string[] {
  return rows.length === 0 ? [] : [renderTable(columns, rows.map((cells) => ({ cells })), paint)];
}

/** Listeners of connections and those of datagrams: tables of their own, where there are any. */
function renderListeners(listeners: readonly ListenerSnapshot[], paint: Paint): string[] {
  const streams = listeners.filter(({ datagrams }) => datagrams === null).flatMap((listener) =>
    listenerRows(listener, [
      String(listener.open),
      String(listener.total),
      String(listener.refused),
      formatBytes(listener.received_bytes),
      formatBytes(listener.sent_bytes),
    ])
  );
  const datagrams = listeners.flatMap((listener) =>
    listener.datagrams === null ? [] : listenerRows(listener, [
      String(listener.open),
      String(listener.total),
      String(listener.refused),
      String(listener.datagrams.flows_evicted),
      String(listener.datagrams.received),
      String(listener.datagrams.sent),
      String(listener.datagrams.dropped),
      formatBytes(listener.received_bytes),
      formatBytes(listener.sent_bytes),
    ])
  );
  const place = ["", "bind"];
  const counts = ["evicted", "received", "sent", "dropped"];
  const ofStreams = columnsOf(place, ["open", "total", "refused", "in", "out"]);
  const ofDatagrams = columnsOf(place, ["flows", "total", "refused", ...counts, "in", "out"]);
  return [
    ...tableOf(ofStreams, streams, paint),
    ...tableOf(ofDatagrams, datagrams, paint),
    ...renderRefusals(listeners, paint),
  ];
}

/** By reason, who was kept out before a server was chosen: only what has happened. */
function renderRefusals(listeners: readonly ListenerSnapshot[], paint: Paint): string[] {
  const refusing = listeners.filter(({ refusals }) =>
    Object.values(refusals).some((count) => count > 0)
  );
  if (refusing.length === 0) return [];
  const reasons = (Object.keys(refusing[0].refusals) as (keyof ListenerSnapshot["refusals"])[])
    .filter((reason) => refusing.some(({ refusals }) => refusals[reason] > 0));
  const titles = reasons.map((reason) => reason.replaceAll("_", " "));
  const rows = refusing.map((listener) => [
    titleOf(listener),
    ...reasons.map((reason) => String(listener.refusals[reason])),
  ]);
  return tableOf(columnsOf(["kept out by"], titles), rows, paint);
}

function stateCell({ state, shedding }: WorkerSnapshot): Cell {
  if (shedding) return { text: "overloaded", tone: "bad" };
  if (state === "serving") return state;
  return { text: state, tone: state === "down" ? "bad" : "odd" };
}

function renderWorkers(workers: readonly WorkerSnapshot[], hasFlows: boolean, paint: Paint) {
  const rows = workers.map((worker) => [
    `worker ${worker.index}`,
    stateCell(worker),
    String(worker.pid),
    `${Math.round(100 * worker.busy)}%`,
    String(worker.tunnels),
    ...hasFlows ? [String(worker.flows)] : [],
    String(worker.buffers_leased),
    String(worker.restarts),
  ]);
  const flows = hasFlows ? ["flows"] : [];
  const numbers = ["pid", "busy", "tunnels", ...flows, "buffers", "restarts"];
  return tableOf(columnsOf(["", "state"], numbers), rows, paint);
}

/** What runs, and whether all of it is well. */
function renderProgram(snapshot: Snapshot, paint: Paint): string {
  const { version, pid, state, uptime_seconds, workers, overload } = snapshot;
  const age = formatAge(1000 * uptime_seconds);
  const engine = workers.some(({ io }) => io === "epoll") ? ", on epoll" : "";
  const text = `ringway ${version}, pid ${pid}, ${state} for ${age}${engine}\n`;
  if (overload === null) return text;
  return `${text}${paint("overloaded", "bad")}: ${oneLine(overload)}\n`;
}

/** @param nowMs since 1970: what is shown of times is how long ago they are. */
export function renderSnapshot(
  snapshot: Snapshot,
  nowMs: number,
  paint: Paint = paintNothing,
): string {
  const { workers, listeners, backends, events } = snapshot;
  const hasFlows = listeners.some(({ datagrams }) => datagrams !== null);
  return [
    renderProgram(snapshot, paint),
    ...renderWorkers(workers, hasFlows, paint),
    ...renderListeners(listeners, paint),
    ...renderBackends(backends, paint),
    ...renderServers(backends, nowMs, paint),
    ...renderLastEvents(events, nowMs, paint),
  ].join("\n");
}

export async function runStatus(whereabouts: Whereabouts, json: boolean): Promise<number> {
  return await withRunning(whereabouts, async (path) => {
    const snapshot = await fetchSnapshot(path);
    const text = json
      ? JSON.stringify(snapshot, null, 2) + "\n"
      : renderSnapshot(snapshot, Date.now(), ownPaint());
    print(text);
  });
}
