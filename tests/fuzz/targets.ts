/**
 * What is fuzzed, one line each: a name, a function from bytes, folders with samples, and words.
 * Here a parser is added; the tests beside this file and `deno task fuzz` run all of them.
 */
import { ADDRESS_WORDS, runAddress } from "./address_target.ts";
import { COMMAND_LINE_WORDS, runCommandLine } from "./command_line_target.ts";
import { CONFIG_WORDS, runConfig } from "./config_target.ts";
import type { FuzzTarget } from "./target.ts";

const CONFIG_FOLDERS = ["config", "tests/vectors/config"];

export const TARGETS: readonly FuzzTarget[] = [
  { name: "config", run: runConfig, folders: CONFIG_FOLDERS, words: CONFIG_WORDS },
  { name: "address", run: runAddress, words: ADDRESS_WORDS },
  { name: "command_line", run: runCommandLine, words: COMMAND_LINE_WORDS },
];
