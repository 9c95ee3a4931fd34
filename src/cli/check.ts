/**
 * `ringway check`: everything that is wrong with a configuration, at once. It binds nothing and
 * resolves nothing, so that it says the same on every machine; the demonstration is not what
 * anybody wants checked, so without a configuration it says where one is looked for.
 */
import {
  type Diagnostic,
  DIAGNOSTIC_FORMATS,
  type DiagnosticFormat,
  renderDiagnostics,
} from "../config/diagnostic.ts";
import { plural } from "../base/plural.ts";
import type { Config } from "../config/config.ts";
import { parseConfig } from "../config/parse_config.ts";
import { quoteText } from "../base/quoted_text.ts";
import { findNearest } from "../base/text_distance.ts";
import { UsageError } from "./command_line.ts";
import { type ConfigSource, findConfig } from "./config_source.ts";
import { EXIT_CONFIG, EXIT_OK } from "./exit_status.ts";
import { CONFIG_HELP, FIRST_STEPS } from "./help_text.ts";
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

/** @throws UsageError for a format that there is not. */
export async function runCheck(
  named: string | undefined,
  format: string = "text",
): Promise<number> {
  if (!(DIAGNOSTIC_FORMATS as readonly string[]).includes(format)) {
    const near = findNearest(format, DIAGNOSTIC_FORMATS);
    const hint = near === null
      ? `; one of ${DIAGNOSTIC_FORMATS.join(", ")}`
      : `; did you mean "${near}"?`;
    throw new UsageError(`unknown format ${quoteText(format)}${hint}`);
  }
  const { source, config, diagnostics } = await loadConfig(named);
  if (source.isDemo) {
    say(`ringway: no configuration found\n\n${CONFIG_HELP}\n${FIRST_STEPS.trimEnd()}\n`);
    return EXIT_CONFIG;
  }
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
