/**
 * `ringway serve`: from a configuration to a running supervisor, and from signals to its end; the
 * service manager is told of both, if there is one.
 *
 * SIGTERM and SIGINT drain with the configured deadline, a second one cuts; SIGQUIT drains without
 * a deadline. SIGUSR1 belongs to the runtime (its inspector) and is never used.
 */
import { type AdminSocket, defaultAdminPath, openAdminSocket } from "../admin/admin_socket.ts";
import { EACCES, EPERM } from "../base/errno.ts";
import { plural } from "../base/plural.ts";
import type { Config } from "../config/config.ts";
import { renderDiagnostics } from "../config/diagnostic.ts";
import { type Format, isLogged, type Level, renderLine } from "../log/log.ts";
import { openShim } from "../../ffi/shim.ts";
import { startDemoServers } from "../supervisor/demo_servers.ts";
import { BindError } from "../supervisor/bind_error.ts";
import { Notifier } from "../supervisor/notify.ts";
import { PlatformError } from "../supervisor/platform.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import { loadConfig } from "./check.ts";
import { UsageError } from "./command_line.ts";
import { ENGINE_VARIABLE, ENGINE_WORDS, readEngineWord } from "./engine_choice.ts";
import {
  EXIT_CONFIG,
  EXIT_FAILURE,
  EXIT_INTERRUPTED,
  EXIT_PERMISSION,
  EXIT_TERMINATED,
  EXIT_UNAVAILABLE,
} from "./exit_status.ts";
import { introduce } from "./introduction.ts";
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

function failureStatus(failure: unknown): number {
  if (failure instanceof PlatformError) return EXIT_UNAVAILABLE;
  const denied = failure instanceof BindError &&
    (failure.errno === EACCES || failure.errno === EPERM);
  return denied ? EXIT_PERMISSION : EXIT_FAILURE;
}

/** A signal that comes again this soon is the same one: task runners forward what they got too. */
const REPEAT_MS = 300;

/** Drains on signals, and tells; the result is the status that a second one asks for, or null. */
function followSignals(
  supervisor: Supervisor,
  notifier: Notifier,
  config: Config,
  log: Log,
): { cutBy: number | null } {
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
    supervisor.announceDrain();
    notifier.stopping(`draining ${limit}`);
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
  // As process 1 of a container it was started with them blocked: none was lost meanwhile.
  openShim().library.rw_signals_unblock();
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

/** @throws UsageError for a word in the environment that is no engine. */
function withEngine(config: Config): Config {
  const word = readEngineWord();
  if (word === null) return config;
  if (word.io === null) {
    throw new UsageError(`${ENGINE_VARIABLE} is ${word.text}; it must be ${ENGINE_WORDS}`);
  }
  return { ...config, io: word.io };
}

/** What says that there is no folder to write in, as in a read-only root without any. */
const UNWRITABLE = ["ENOENT", "EACCES", "EPERM", "EROFS"];

/**
 * Without a socket there is no status, which is no reason to carry no traffic; but a place that the
 * configuration names is meant.
 */
async function openAdmin(
  config: Config,
  supervisor: Supervisor,
  log: Log,
): Promise<AdminSocket | null> {
  if (config.admin === false) return null;
  const path = config.admin?.path ?? defaultAdminPath(Deno.env.toObject(), Deno.uid());
  const warn = (text: string) => log(-1, "warn", text);
  try {
    return await openAdminSocket(path, supervisor, warn, supervisor.identity);
  } catch (failure) {
    if (!(failure instanceof Error)) throw failure;
    const { code } = (failure.cause ?? {}) as { code?: string };
    if (config.admin !== null || code === undefined || !UNWRITABLE.includes(code)) throw failure;
    warn(`serving without status and commands: ${failure.message}`);
    return null;
  }
}

/** A configuration without errors, and where it comes from. */
export interface Chosen {
  readonly config: Config;
  /** As shown to people. */
  readonly file: string;
  readonly isDemo: boolean;
}

export async function runServe(named: string | undefined): Promise<number> {
  const { config, diagnostics, source } = await loadConfig(named);
  if (diagnostics.length > 0) say(renderDiagnostics(diagnostics, "text", source.text));
  if (config === null) return EXIT_CONFIG;
  return await serveConfig({ config, file: source.file, isDemo: source.isDemo });
}

/** Runs until the last connection has ended; the exit status. */
export async function serveConfig(chosen: Chosen): Promise<number> {
  const log = makeLog(chosen.config);
  const demo = startDemoServers(chosen.config);
  const config = withEngine(demo.config);
  let supervisor: Supervisor | null = null;
  let notifier: Notifier | null = null;
  let admin: AdminSocket | null = null;
  try {
    const shim = openShim();
    notifier = Notifier.open(shim, (text) => log(-1, "warn", text));
    supervisor = new Supervisor(config, shim, {
      onLog: log,
      onServing: () => {
        log(-1, "info", "serving");
        notifier?.ready("serving");
      },
    });
    await supervisor.prepare();
    admin = await openAdmin(config, supervisor, log);
    supervisor.becomeUser();
  } catch (failure) {
    say(`ringway: ${failure instanceof Error ? failure.message : String(failure)}\n`);
    await admin?.stop();
    supervisor?.abandon();
    notifier?.close();
    await demo.stop();
    return failureStatus(failure);
  }
  surviveErrors(log);
  const asked = followSignals(supervisor, notifier, config, log);
  supervisor.start();
  say(introduce({ ...chosen, config }, supervisor));
  const status = await supervisor.finished;
  await admin?.stop();
  await demo.stop();
  notifier.close();
  log(-1, "info", "ended");
  return asked.cutBy ?? status;
}
