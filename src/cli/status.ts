/**
 * `ringway status`: one snapshot of the running program, asked for over its admin socket, as tables
 * for people or as JSON for programs.
 */
import { defaultAdminPath, fetchSnapshot } from "../admin/admin_socket.ts";
import { makePrintable } from "../base/quoted_text.ts";
import type { ListenerSnapshot, Snapshot } from "../supervisor/snapshot.ts";
import { loadConfig } from "./check.ts";
import { EXIT_CONFIG, EXIT_FAILURE, EXIT_OK } from "./exit_status.ts";
import { print, say } from "./output.ts";

/** Columns as wide as they need to be; the first is text, the others are numbers. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i].length))
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))
      .join("  ").trimEnd();
  return [line(head), ...rows.map(line)].join("\n") + "\n";
}

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function formatBytes(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < SIZES.length - 1) {
    size /= 1024;
    unit++;
  }
  return unit === 0 ? `${size} B` : `${size.toFixed(1)} ${SIZES[unit]}`;
}

/** As long as an IPv6 address with a range of ports; of what is longer the middle is left out. */
const CELL_LENGTH_MAX = 52;
const ELLIPSIS = "...";

/** Text of the configuration as one cell: a path may be long, and hold what a terminal obeys. */
function shorten(text: string): string {
  const shown = makePrintable(text);
  if (shown.length <= CELL_LENGTH_MAX) return shown;
  const rest = CELL_LENGTH_MAX - ELLIPSIS.length;
  const head = Math.floor(rest / 3);
  return shown.slice(0, head) + ELLIPSIS + shown.slice(head - rest);
}

/** Of a listener that is bound to many addresses this many are shown. */
const BINDS_SHOWN_MAX = 4;

/** What a listener is bound to, one cell each. */
function bindCells({ binds }: ListenerSnapshot): string[] {
  const cells = binds.slice(0, BINDS_SHOWN_MAX).map(shorten);
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

/** Listeners of connections and those of datagrams: tables of their own, where there are any. */
function renderListeners(listeners: readonly ListenerSnapshot[]): string[] {
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
  const counts = ["evicted", "received", "sent", "dropped"];
  return [
    ...tableOf(["", "bind", "open", "total", "refused", "in", "out"], streams),
    ...tableOf(["", "bind", "flows", "total", "refused", ...counts, "in", "out"], datagrams),
    ...renderRefusals(listeners),
  ];
}

/** By reason, who was kept out before a server was chosen: only what has happened. */
function renderRefusals(listeners: readonly ListenerSnapshot[]): string[] {
  const refusing = listeners.filter(({ refusals }) =>
    Object.values(refusals).some((count) => count > 0)
  );
  if (refusing.length === 0) return [];
  const reasons = (Object.keys(refusing[0].refusals) as (keyof ListenerSnapshot["refusals"])[])
    .filter((reason) => refusing.some(({ refusals }) => refusals[reason] > 0));
  const head = ["kept out by", ...reasons.map((reason) => reason.replaceAll("_", " "))];
  return tableOf(
    head,
    refusing.map((listener) => [
      titleOf(listener),
      ...reasons.map((reason) => String(listener.refusals[reason])),
    ]),
  );
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [renderTable(head, rows)];
}

export function renderSnapshot(snapshot: Snapshot): string {
  const hasFlows = snapshot.listeners.some(({ datagrams }) => datagrams !== null);
  const workers = snapshot.workers.map((worker) => [
    `worker ${worker.index}`,
    worker.state,
    String(worker.pid),
    String(worker.tunnels),
    ...hasFlows ? [String(worker.flows)] : [],
    String(worker.buffers_leased),
    String(worker.restarts),
  ]);
  const servers = snapshot.backends.flatMap((backend) =>
    backend.servers.map((server) => [
      `${backend.name}/${server.name}`,
      server.address === null ? "unresolved" : shorten(server.address),
      server.backup ? `${server.weight} backup` : String(server.weight),
      String(server.open),
      String(server.total),
      String(server.connect_failures),
      String(server.resets),
      formatBytes(server.sent_bytes),
      formatBytes(server.received_bytes),
    ])
  );
  const flows = hasFlows ? ["flows"] : [];
  return [
    `ringway ${snapshot.version}, pid ${snapshot.pid}, ${snapshot.state} for ` +
    `${snapshot.uptime_seconds} s\n`,
    renderTable(["", "state", "pid", "tunnels", ...flows, "buffers", "restarts"], workers),
    ...renderListeners(snapshot.listeners),
    renderTable(
      ["", "address", "weight", "open", "total", "failed", "reset", "sent", "received"],
      servers,
    ),
  ].join("\n");
}

export async function runStatus(
  socket: string | undefined,
  configFile: string | undefined,
  json: boolean,
): Promise<number> {
  let path = socket;
  if (path === undefined && configFile !== undefined) {
    const { config } = await loadConfig(configFile);
    if (config === null) {
      say(`ringway: "${configFile}" has errors; see "ringway check ${configFile}"\n`);
      return EXIT_CONFIG;
    }
    if (config.admin === false) {
      say(`ringway: "${configFile}" switches the admin socket off ("admin: false")\n`);
      return EXIT_FAILURE;
    }
    path = config.admin?.path;
  }
  path ??= defaultAdminPath(Deno.env.toObject(), Deno.uid());
  let snapshot: Snapshot;
  try {
    snapshot = await fetchSnapshot(path);
  } catch (failure) {
    say(`ringway: ${failure instanceof Error ? failure.message : String(failure)}\n`);
    return EXIT_FAILURE;
  }
  print(json ? JSON.stringify(snapshot, null, 2) + "\n" : renderSnapshot(snapshot));
  return EXIT_OK;
}
