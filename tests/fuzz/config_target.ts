/**
 * The promises of reading a configuration: no text makes it throw, all that is wrong is said in
 * places that are in the file and in words that fit on a line, and what is accepted is complete.
 */
import type { Config } from "../../src/config/config.ts";
import {
  type Diagnostic,
  DIAGNOSTIC_FORMATS,
  renderDiagnostics,
} from "../../src/config/diagnostic.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import { SourceText } from "../../src/config/source_text.ts";
import { promise } from "./target.ts";

const ENVIRONMENT = { PORT: "8080", EMPTY: "", NUMBER: "7", ODD: "a: [b]\n# \x1b", ZEROS: "007" };
/** What moves a cursor or ends a line. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}]/u;
const MESSAGE_LENGTH_MAX = 1000;

export const CONFIG_WORDS = [
  ...["listeners", "backends", "servers", "bind", "backend", "balance", "timeouts", "idle", "log"],
  ...["drain", "admin", "workers", "address", "weight", "backup", "hash_on", "x-a", "limits"],
  ...[": ", "- ", "\n", "\n  ", "\n    ", "[", "]", "{", "}", ", ", "#", " #", "'", '"', "|", ">"],
  ...["&a ", "*a", "<<: *a", "? ", "!!str ", "%YAML 1.2\n", "---\n", "...\n", "\t", "\r\n", "~"],
  ...["${PORT}", "${EMPTY}", "${NUMBER}", "${ODD}", "${ZEROS}", "${NONE:-1}", "$${", "${", "}"],
  ...["0660", "1.30", "1e999", "0x10", ".inf", "-1", "true", "no", "null", "30", "30s", "576h"],
  ...[":80", "10.0.0.1:80", "[::1]:80", "[::]:443", "*:80", "a.b:1", "demo:x", "unix:/x", "://"],
  ...["\ufeff", "\u2028", "\u202e", "\u00a0", "😀", "\x1b[31m", "__proto__", "constructor"],
];

export function runConfig(input: Uint8Array): void {
  // As a file is read: what is no UTF-8 becomes U+FFFD.
  const text = new TextDecoder().decode(input);
  const { config, diagnostics } = parseConfig(text, "f.yaml", ENVIRONMENT);
  const hasError = diagnostics.some(({ severity }) => severity === "error");
  promise((config === null) === hasError, "a configuration, or at least one error");
  const source = new SourceText("f.yaml", text);
  for (const diagnostic of diagnostics) checkDiagnostic(diagnostic, source);
  checkOrder(diagnostics);
  checkRendering(diagnostics, text);
  if (config !== null) checkConfig(config);
}

function checkDiagnostic(diagnostic: Diagnostic, source: SourceText): void {
  const { line, column, length, message, hint = "" } = diagnostic;
  const lineText = source.lineText(line);
  promise(lineText !== null, `line ${line} is in the file`);
  const characters = Array.from(lineText).length;
  promise(column >= 1 && column <= characters + 1, `column ${column} is in line ${line}`);
  promise(length >= 1 && column - 1 + length <= characters + 1, "the caret stays on its line");
  for (const words of [message, hint]) {
    promise(!UNPRINTABLE.test(words), `no control character in ${JSON.stringify(words)}`);
    promise(words.length <= MESSAGE_LENGTH_MAX, `fits on a line: ${words}`);
  }
  promise(message !== "", "says something");
}

function checkOrder(diagnostics: readonly Diagnostic[]): void {
  for (let i = 1; i < diagnostics.length; i++) {
    const [before, after] = [diagnostics[i - 1], diagnostics[i]];
    const isSorted = before.line < after.line ||
      before.line === after.line && before.column <= after.column;
    promise(isSorted, "sorted by position");
    const isSame = before.line === after.line && before.column === after.column &&
      before.message === after.message;
    promise(!isSame, `said once: ${after.message}`);
  }
}

function checkRendering(diagnostics: readonly Diagnostic[], text: string): void {
  for (const format of DIAGNOSTIC_FORMATS) {
    const report = renderDiagnostics(diagnostics, format, text);
    if (format === "json") {
      promise(JSON.parse(report).diagnostics.length === diagnostics.length, "all are in the JSON");
    }
    const lines = report.split("\n");
    promise(!lines.some((line) => UNPRINTABLE.test(line)), `printable as ${format}`);
  }
}

/** What the rest of the program takes for granted. */
function checkConfig({ listeners, backends }: Config): void {
  promise(listeners.length > 0 && backends.length > 0, "something to do");
  const names = backends.map(({ name }) => name);
  promise(new Set(names).size === names.length, "names of backends differ");
  for (const { backend, idleTimeoutMs, connectionsMax } of listeners) {
    promise(names.includes(backend), `backend "${backend}" exists`);
    promise(idleTimeoutMs > 0 && Number.isInteger(connectionsMax), "numbers are in range");
  }
  for (const { servers } of backends) {
    const serverNames = new Set(servers.map(({ name }) => name));
    promise(servers.length > 0 && serverNames.size === servers.length, "names of servers differ");
    promise(servers.some(({ weight }) => weight > 0), "some server may be picked");
  }
}
