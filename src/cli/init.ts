/**
 * `ringway init`: writes the configuration to begin with, config/starter.yaml, which is part of the
 * program. A file that exists is somebody's work, and is only replaced by who says so.
 */
import STARTER from "../../config/starter.yaml" with { type: "text" };
import { quoteText } from "../base/quoted_text.ts";
import { LOCAL_FILE } from "./config_source.ts";
import { EXIT_FAILURE, EXIT_OK } from "./exit_status.ts";
import { ownCommand } from "./own_command.ts";
import { print, say } from "./output.ts";

/** @param file the local one without it; - is standard output. */
export function runInit(file: string = LOCAL_FILE, isForced: boolean): number {
  if (file === "-") {
    print(STARTER);
    return EXIT_OK;
  }
  try {
    Deno.writeTextFileSync(placeOf(file), STARTER, { createNew: !isForced });
  } catch (cause) {
    say(`ringway: ${explain(cause, file)}\n`);
    return EXIT_FAILURE;
  }
  const named = file === LOCAL_FILE ? "" : ` -c ${file}`;
  say(
    `wrote ${file}. Put your servers into it, then:\n` +
      `  ${ownCommand(`check ${file}`)}\n  ${ownCommand(`serve${named}`)}\n`,
  );
  return EXIT_OK;
}

/** Relative to where the person is: a task runner changes the folder. */
function placeOf(file: string): string {
  const folder = Deno.env.get("INIT_CWD");
  return folder === undefined || file.startsWith("/") ? file : `${folder}/${file}`;
}

function explain(cause: unknown, file: string): string {
  const shown = quoteText(file);
  if (cause instanceof Deno.errors.AlreadyExists) {
    return `${shown} exists; name another file, or write over it with --force`;
  }
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `cannot write ${shown}: ${reason}`;
}
