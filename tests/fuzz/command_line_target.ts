/**
 * The promises of the command line: whatever the words, either a command or a usage error in one
 * printable line; help about any command that is accepted.
 */
import { parseCommandLine, UsageError } from "../../src/cli/command_line.ts";
import { helpFor } from "../../src/cli/help_text.ts";
import { promise } from "./target.ts";

const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]/u;

export const COMMAND_LINE_WORDS = [
  ...["serve", "check", "schema", "status", "version", "help", "srve", "run", "stop", "-", "--"],
  ...["-c", "-h", "-v", "-x", "--config", "--config=", "--json", "--format", "--socket", "--help"],
  ...["\n", "\n", "=", "a.yaml", "text", "constructor", "__proto__", "--toString", "😀"],
];

/** One word a line. */
export function runCommandLine(input: Uint8Array): void {
  const words = new TextDecoder().decode(input).split("\n");
  try {
    const { verb } = parseCommandLine(words);
    promise(helpFor(verb.name).includes(verb.name), "there is help");
  } catch (failure) {
    if (!(failure instanceof UsageError)) throw failure;
    promise(failure.message !== "" && !UNPRINTABLE.test(failure.message), "one printable line");
  }
}
