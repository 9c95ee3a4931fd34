/**
 * `ringway proxy LISTEN SERVER...`: the load balancer for who has no configuration yet. It makes
 * one from its arguments and goes the way of `serve`; with --print it only shows it.
 */
import { parseConfig } from "../config/parse_config.ts";
import { type CommandLine, UsageError } from "./command_line.ts";
import { EXIT_OK } from "./exit_status.ts";
import { print, say } from "./output.ts";
import { explainArgument, makeProxyConfig, type ProxyArguments } from "./proxy_config.ts";

/** What messages call the text that is no file. */
const SOURCE = "of the command line";

/** @throws UsageError with everything that is wrong with the arguments. */
export async function runProxy(
  [listen, ...servers]: readonly string[],
  options: CommandLine["options"],
): Promise<number> {
  // Those of this verb with a value have the names that they have there, and are texts.
  const made = makeProxyConfig({ ...options, listen, servers } as ProxyArguments);
  const { config, diagnostics } = parseConfig(made.text, SOURCE, {});
  const explained = diagnostics.map((each) => ({ ...each, text: explainArgument(made, each) }));
  if (config === null) {
    const errors = explained.filter(({ severity }) => severity === "error");
    throw new UsageError(errors.map(({ text }) => text).join("\nringway: "));
  }
  for (const { text } of explained) say(`ringway: warning: ${text}\n`);
  if (options.print === true) {
    print(made.text);
    return EXIT_OK;
  }
  // Only then: who prints a configuration needs no shim.
  const { serveConfig } = await import("./serve.ts");
  return await serveConfig({ config, file: SOURCE, isDemo: false });
}
