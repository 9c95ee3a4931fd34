/**
 * `ringway status`: one snapshot of the running program, asked for over its admin socket, as tables
 * for people or as JSON for programs.
 */
import { defaultAdminPath, fetchSnapshot } from "../admin/admin_socket.ts";
import type { Snapshot } from "../supervisor/snapshot.ts";
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

export function renderSnapshot(snapshot: Snapshot): string {
  const workers = snapshot.workers.map((worker) => [
    `worker ${worker.index}`,
    worker.state,
    String(worker.pid),
    String(worker.tunnels),
    String(worker.buffers_leased),
    String(worker.restarts),
  ]);
  const listeners = snapshot.listeners.map((listener) => [
    `listener ${listener.name}`,
    listener.bind.endsWith(":0") ? `${listener.bind} (port ${listener.port})` : listener.bind,
    String(listener.open),
    String(listener.total),
    String(listener.refused),
    formatBytes(listener.received_bytes),
    formatBytes(listener.sent_bytes),
  ]);
  const servers = snapshot.backends.flatMap((backend) =>
    backend.servers.map((server) => [
      `${backend.name}/${server.name}`,
      server.address ?? "unresolved",
      server.backup ? `${server.weight} backup` : String(server.weight),
      String(server.open),
      String(server.total),
      String(server.connect_failures),
      String(server.resets),
      formatBytes(server.sent_bytes),
      formatBytes(server.received_bytes),
    ])
  );
  return [
    `ringway ${snapshot.version}, pid ${snapshot.pid}, ${snapshot.state} for ` +
    `${snapshot.uptime_seconds} s\n`,
    renderTable(["", "state", "pid", "tunnels", "buffers", "restarts"], workers),
    renderTable(["", "bind", "open", "total", "refused", "in", "out"], listeners),
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
