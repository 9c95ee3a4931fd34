/** `ringway check`: everything that is wrong with a configuration, at once. */
import {
  type Diagnostic,
  DIAGNOSTIC_FORMATS,
  type DiagnosticFormat,
  renderDiagnostics,
} from "../config/diagnostic.ts";
import type { Config } from "../config/config.ts";
import { parseConfig } from "../config/parse_config.ts";
import { UsageError } from "./command_line.ts";
import { type ConfigSource, findConfig } from "./config_source.ts";
import { EXIT_CONFIG, EXIT_OK } from "./exit_status.ts";
import { print, say } from "./output.ts";

export interface LoadedConfig {
  readonly source: ConfigSource;
  readonly config: Config | null;
  readonly diagnostics: readonly Diagnostic[];
}

export async function loadConfig(named: string | undefined): Promise<LoadedConfig> {
  const source = await findConfig(named);
  const { config, diagnostics } = parseConfig(source.text, source.file, Deno.env.toObject());
  return { source, config, diagnostics };
}

export async function runCheck(
  named: string | undefined,
  format: string = "text",
): Promise<number> {
  if (!(DIAGNOSTIC_FORMATS as readonly string[]).includes(format)) {
    throw new UsageError(`unknown format "${format}"; one of ${DIAGNOSTIC_FORMATS.join(", ")}`);
  }
  const { source, config, diagnostics } = await loadConfig(named);
  const report = renderDiagnostics(diagnostics, format as DiagnosticFormat, source.text);
  // Text is for people, the other formats are for programs.
  if (format === "text") say(report);
  else print(report);
  if (config === null) return EXIT_CONFIG;
  const count = config.backends.reduce((sum, backend) => sum + backend.servers.length, 0);
  if (format === "text") {
    say(
      `${source.file}: ok, ${plural(config.listeners.length, "listener")}, ` +
        `${plural(config.backends.length, "backend")}, ${plural(count, "server")}\n`,
    );
  }
  return EXIT_OK;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
