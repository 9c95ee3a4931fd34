/**
 * For the tests of this folder: reads a configuration and gives what came of it in a form that a
 * test can state in one line per error.
 */
import { assert } from "../base/assert.ts";
import type { Config } from "./config.ts";
import { parseConfig } from "./parse_config.ts";
import type { Environment } from "./substitution.ts";

/** `line:column message -> hint` of each error and warning, by position. */
export function problemsOf(text: string, environment: Environment = {}): string[] {
  const { diagnostics } = parseConfig(text, "f.yaml", environment);
  return diagnostics.map(({ severity, line, column, message, hint }) => {
    const kind = severity === "warning" ? "warning: " : "";
    return `${line}:${column} ${kind}${message}${hint === undefined ? "" : ` -> ${hint}`}`;
  });
}

/** The configuration of a text that has no error. */
export function configOf(text: string, environment: Environment = {}): Config {
  const { config, diagnostics } = parseConfig(text, "f.yaml", environment);
  assert(config !== null, diagnostics[0]?.message ?? "");
  return config;
}

const LISTENERS = "listeners:\n  web: { bind: ':8080', backend: app }\n";
const BACKENDS = "backends:\n  app: [10.0.0.1:80]\n";

/**
 * A configuration around a part of it; `part` begins at line 1, so that positions can be stated.
 * What the part defines itself (`listeners:`, `backends:`) is not added.
 */
export function completed(part: string): string {
  const listeners = /^listeners:/m.test(part) ? "" : LISTENERS;
  const backends = /^backends:/m.test(part) ? "" : BACKENDS;
  return `${part}\n${listeners}${backends}`;
}
