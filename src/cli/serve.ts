/**
 * `ringway serve`: from a configuration to a running supervisor, and from signals to its end.
 *
 * SIGTERM and SIGINT drain with the configured deadline, a second one cuts; SIGQUIT drains without
 * a deadline. SIGUSR1 belongs to the runtime (its inspector) and is never used.
 */
import { type AdminSocket, defaultAdminPath, openAdminSocket } from "../admin/admin_socket.ts";
import { EACCES, EPERM } from "../base/errno.ts";
import { plural } from "../base/plural.ts";
import { VERSION } from "../base/version.ts";
import { formatDuration } from "../base/duration.ts";
import { makePrintable } from "../base/quoted_text.ts";
import type { BackendConfig, Config, ProbeConfig } from "../config/config.ts";
import { renderDiagnostics } from "../config/diagnostic.ts";
import { type Format, isLogged, type Level, renderLine } from "../log/log.ts";
import { openShim } from "../../ffi/shim.ts";
import { startDemoServers } from "../supervisor/demo_servers.ts";
import { BindError } from "../supervisor/bind_error.ts";
import { PlatformError } from "../supervisor/platform.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import { loadConfig } from "./check.ts";
import {
  EXIT_CONFIG,
  EXIT_FAILURE,
  EXIT_INTERRUPTED,
  EXIT_PERMISSION,
  EXIT_TERMINATED,
  EXIT_UNAVAILABLE,
} from "./exit_status.ts";
import { say } from "./output.ts";

type Log = (worker: number, level: Level, text: string) => void;

function makeLog(config: Config): Log {
  const { level: threshold, format } = config.log;
  const chosen: Format = format !== "auto" ? format : Deno.stderr.isTerminal() ? "text" : "json";
  return (worker, level, text) => {
    if (isLogged(level, threshold)) {
      say(renderLine({ time: new Date(), level, text, worker }, chosen));
    }
  };
}

function describeBackend({ name, servers, balance, healthCheck }: BackendConfig): string {
  const check = healthCheck === null
    ? ""
    : `, ${describeProbe(healthCheck.probe)} every ${formatDuration(healthCheck.intervalMs)}`;
  return `backend "${name}": ${plural(servers.length, "server")}, ${balance}${check}`;
}

/** What a health check does, in two words. */
function describeProbe(probe: ProbeConfig): string {
  switch (probe.kind) {
    case "tcp":
      return "checked by TCP";
    case "udp":
      return "checked by UDP";
    case "http":
      return `checked by ${probe.method} ${makePrintable(probe.path)}`;
    case "grpc":
      return "checked by gRPC";
    case "dns":
      return `checked by DNS ${probe.name} ${probe.type}`;
  }
}

/** What runs, in a few lines, and what to try when it is the demonstration. */
function introduce(config: Config, supervisor: Supervisor, file: string, isDemo: boolean): string {
  const lines = [
    `ringway ${VERSION}: ${plural(supervisor.workers, "worker")}, configuration ${file}`,
  ];
  config.listeners.forEach((listener, i) => {
    const backends = [
      ...listener.routes.map((route) => route.backend),
      ...listener.backend === null ? [] : [listener.backend],
    ];
    const targets = [...new Set(backends)].map((name) => {
      const backend = config.backends.find((each) => each.name === name)!;
      return describeBackend(backend);
    });
    lines.push(
      `  listener "${listener.name}" ${supervisor.binds[i].join(", ")} (${listener.protocol}) -> ` +
        targets.join("; "),
    );
  });
  if (isDemo) {
    const port = supervisor.ports[0];
    lines.push(
      "",
      "This is a demonstration: the servers are inside. Try, in another terminal:",
      `  curl 127.0.0.1:${port}                  # again and again: the servers take turns`,
      "  deno task ringway status             # what happened",
      "  deno task serve -c FILE              # your own configuration; see config/",
      "Ctrl-C ends it.",
    );
  }
  return lines.join("\n") + "\n";
}

function failureStatus(failure: unknown): number {
  if (failure instanceof PlatformError) return EXIT_UNAVAILABLE;
  const denied = failure instanceof BindError &&
    (failure.errno === EACCES || failure.errno === EPERM);
  return denied ? EXIT_PERMISSION : EXIT_FAILURE;
}

/** A signal that comes again this soon is the same one: task runners forward what they got too. */
const REPEAT_MS = 300;

/** Drains on signals; the result is the exit status that a second signal asks for, or null. */
function followSignals(supervisor: Supervisor, config: Config, log: Log): { cutBy: number | null } {
  const asked = { cutBy: null as number | null };
  let askedMs = -Infinity;
  const drain = (name: string, timeoutMs: number | null, cutStatus: number) => {
    const sinceMs = performance.now() - askedMs;
    if (sinceMs < REPEAT_MS) return;
    if (sinceMs < Infinity && cutStatus !== 0) {
      log(-1, "warn", `${name} again: cutting ${plural(supervisor.open, "connection")}`);
      if (supervisor.open > 0) asked.cutBy = cutStatus;
      supervisor.cut();
      return;
    }
    askedMs = performance.now();
    const { delayMs } = config.drain;
    const limit = timeoutMs === null ? "without a deadline" : `for at most ${timeoutMs} ms`;
    const delay = delayMs > 0 ? `accepting for ${delayMs} ms more, then ` : "";
    log(-1, "info", `${name}: ${delay}draining ${limit}`);
    setTimeout(() => supervisor.drain(timeoutMs), delayMs);
  };
  Deno.addSignalListener("SIGTERM", () => {
    drain("SIGTERM", config.drain.timeoutMs, EXIT_TERMINATED);
  });
  Deno.addSignalListener("SIGINT", () => {
    drain("SIGINT", config.drain.timeoutMs, EXIT_INTERRUPTED);
  });
  Deno.addSignalListener("SIGQUIT", () => drain("SIGQUIT", null, 0));
  Deno.addSignalListener("SIGHUP", () => {
    log(-1, "warn", "SIGHUP: this version cannot reload; restart to apply a new configuration");
  });
  return asked;
}

/**
 * An error that nobody caught is told and survived. The runtime would end the program, and on that
 * way it kills the workers: what no request of an operator may cause, and no mistake of ours.
 */
function surviveErrors(log: Log): void {
  const tell = (cause: unknown) => {
    const text = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
    log(-1, "error", `internal error: ${text}`);
  };
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    tell(event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    tell(event.error);
  });
}

async function openAdmin(
  config: Config,
  supervisor: Supervisor,
  log: Log,
): Promise<AdminSocket | null> {
  if (config.admin === false) return null;
  const path = config.admin?.path ?? defaultAdminPath(Deno.env.toObject(), Deno.uid());
  return await openAdminSocket(path, supervisor, (text) => log(-1, "warn", text));
}

export async function runServe(named: string | undefined): Promise<number> {
  const loaded = await loadConfig(named);
  if (loaded.diagnostics.length > 0) {
    say(renderDiagnostics(loaded.diagnostics, "text", loaded.source.text));
  }
  if (loaded.config === null) return EXIT_CONFIG;
  const log = makeLog(loaded.config);
  const demo = startDemoServers(loaded.config);
  const { config } = demo;
  let supervisor: Supervisor | null = null;
  let admin: AdminSocket | null = null;
  try {
    supervisor = new Supervisor(config, openShim(), {
      onLog: log,
      onServing: () => log(-1, "info", "serving"),
    });
    await supervisor.prepare();
    admin = await openAdmin(config, supervisor, log);
  } catch (failure) {
    say(`ringway: ${failure instanceof Error ? failure.message : String(failure)}\n`);
    supervisor?.abandon();
    await demo.stop();
    return failureStatus(failure);
  }
  surviveErrors(log);
  const asked = followSignals(supervisor, config, log);
  supervisor.start();
  say(introduce(config, supervisor, loaded.source.file, loaded.source.isDemo));
  const status = await supervisor.finished;
  await admin?.stop();
  await demo.stop();
  log(-1, "info", "ended");
  return asked.cutBy ?? status;
}
