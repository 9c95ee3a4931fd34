/**
 * What is fuzzed, one line each: a name, a function from bytes, folders with samples, and words.
 * Here a parser is added; the tests beside this file and `deno task fuzz` run all of them.
 */
import { ADDRESS_WORDS, runAddress } from "./address_target.ts";
import { CLIENT_HELLO_WORDS, runClientHello } from "./client_hello_target.ts";
import { COMMAND_LINE_WORDS, runCommandLine } from "./command_line_target.ts";
import { CONFIG_WORDS, runConfig } from "./config_target.ts";
import { PROXY_PROTOCOL_WORDS, runProxyProtocol } from "./proxy_protocol_target.ts";
import { QUIC_HEADER_WORDS, runQuicHeader } from "./quic_header_target.ts";
import type { FuzzTarget } from "./target.ts";

const CONFIG_FOLDERS = ["config", "tests/vectors/config"];
const HELLO_FOLDERS = ["tests/vectors/client_hello"];

export const TARGETS: readonly FuzzTarget[] = [
  { name: "config", run: runConfig, folders: CONFIG_FOLDERS, words: CONFIG_WORDS },
  { name: "address", run: runAddress, words: ADDRESS_WORDS },
  { name: "command_line", run: runCommandLine, words: COMMAND_LINE_WORDS },
  { name: "client_hello", run: runClientHello, folders: HELLO_FOLDERS, words: CLIENT_HELLO_WORDS },
  { name: "quic_header", run: runQuicHeader, words: QUIC_HEADER_WORDS },
  { name: "proxy_protocol", run: runProxyProtocol, words: PROXY_PROTOCOL_WORDS },
];
