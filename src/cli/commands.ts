/**
 * Runs what the command line asks for and returns the exit status. Each verb has its own file;
 * what they need is loaded when they run, so that `help` does not wait for a YAML parser.
 */
import { quoteText } from "../base/quoted_text.ts";
import { type CommandLine, parseCommandLine, UsageError } from "./command_line.ts";
import { ConfigSourceError } from "./config_source.ts";
import { EXIT_CONFIG, EXIT_OK, EXIT_USAGE } from "./exit_status.ts";
import { helpFor, helpOverview } from "./help_text.ts";
import { print, say } from "./output.ts";

function textOf(line: CommandLine, option: string): string | undefined {
  const value = line.options[option];
  return typeof value === "string" ? value : undefined;
}

async function run(line: CommandLine): Promise<number> {
  const { verb, positionals } = line;
  const config = textOf(line, "config");
  const whereabouts = { socket: textOf(line, "socket"), config };
  if (line.options.help === true) {
    print(helpFor(verb.name));
    return EXIT_OK;
  }
  switch (verb.name) {
    case "serve":
      return await (await import("./serve.ts")).runServe(config);
    case "proxy": {
      const { runProxy } = await import("./proxy.ts");
      return await runProxy(positionals, line.options);
    }
    case "init": {
      const { runInit } = await import("./init.ts");
      return runInit(positionals[0], line.options.force === true);
    }
    case "check": {
      const { runCheck } = await import("./check.ts");
      const [file] = positionals;
      if (file !== undefined && config !== undefined && file !== config) {
        throw new UsageError(
          `two files to check, ${quoteText(config)} and ${quoteText(file)}; name one`,
        );
      }
      return await runCheck(file ?? config, textOf(line, "format"));
    }
    case "schema": {
      const { makeJsonSchema } = await import("../config/json_schema.ts");
      print(JSON.stringify(makeJsonSchema(), null, 2) + "\n");
      return EXIT_OK;
    }
    case "status": {
      const { runStatus } = await import("./status.ts");
      return await runStatus(whereabouts, line.options.json === true);
    }
    case "events": {
      const { runEvents } = await import("./events.ts");
      return await runEvents(whereabouts, line.options.json === true);
    }
    case "server": {
      const { runServer } = await import("./server_action.ts");
      return await runServer(positionals, textOf(line, "deadline"), whereabouts);
    }
    case "doctor": {
      const { runDoctor } = await import("./doctor.ts");
      return await runDoctor(config, line.options.json === true);
    }
    case "healthcheck": {
      const { runHealthcheck } = await import("./healthcheck.ts");
      return await runHealthcheck(whereabouts);
    }
    case "completion": {
      const { renderCompletion } = await import("./completion.ts");
      print(renderCompletion(positionals[0]));
      return EXIT_OK;
    }
    case "man": {
      print((await import("./man_page.ts")).renderManPage());
      return EXIT_OK;
    }
    case "version":
      return (await import("./version.ts")).runVersion(line.options);
    default:
      print(positionals[0] === undefined ? helpOverview() : helpFor(positionals[0]));
      return EXIT_OK;
  }
}

export async function runCommand(words: readonly string[]): Promise<number> {
  if (words.length === 0) {
    // Somebody who looks around, or a script whose variable is empty: help, but no success.
    say(helpOverview());
    return EXIT_USAGE;
  }
  try {
    return await run(parseCommandLine(words));
  } catch (failure) {
    if (failure instanceof UsageError) {
      say(`ringway: ${failure.message}\n`);
      return EXIT_USAGE;
    }
    if (failure instanceof ConfigSourceError) {
      say(`ringway: ${failure.message}\n`);
      return EXIT_CONFIG;
    }
    throw failure;
  }
}
