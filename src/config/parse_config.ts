/**
 * From the text of a configuration file to a `Config`, or to everything that is wrong with it.
 *
 * Pure: the text and the environment come in, the configuration and diagnostics go out. It reads no
 * file, resolves no name, and does not know on which machine the result will run, so a check gives
 * the same answer everywhere. No text makes it throw. Warnings alone leave a configuration; with an
 * error there is none, since half of a load balancer's configuration is an outage.
 */
import { assert } from "../base/assert.ts";
import { checkSchema } from "./check_schema.ts";
import type { Config } from "./config.ts";
import { buildTree, type ConfigTree } from "./config_tree.ts";
import { crossCheck } from "./cross_check.ts";
import { type Diagnostic, DiagnosticList } from "./diagnostic.ts";
import { makeConfig } from "./make_config.ts";
import { SourceText } from "./source_text.ts";
import type { Environment } from "./substitution.ts";
import { readYaml } from "./yaml_document.ts";

export interface ParsedConfig {
  /** Null when there is an error among the diagnostics. */
  readonly config: Config | null;
  /** Sorted by position. */
  readonly diagnostics: readonly Diagnostic[];
}

/** @param file the name for messages; nothing is read from it. */
export function parseConfig(text: string, file: string, environment: Environment): ParsedConfig {
  const diagnostics = new DiagnosticList(new SourceText(file, text));
  const config = readConfig(environment, diagnostics);
  assert(config !== null || diagnostics.hasErrors, "what is refused is explained");
  return { config: diagnostics.hasErrors ? null : config, diagnostics: diagnostics.sorted() };
}

function readConfig(environment: Environment, diagnostics: DiagnosticList): Config | null {
  const document = readYaml(diagnostics);
  if (document === null) return null;
  const tree = buildTree(document, environment, diagnostics);
  if (tree === null) return null;
  if (tree.kind !== "map") {
    reportNoMap(tree, diagnostics);
    return null;
  }
  const { values, tree: meant } = checkSchema(tree, diagnostics);
  crossCheck(meant, diagnostics);
  if (values === null || diagnostics.hasErrors) return null;
  return makeConfig(values, tree, diagnostics.source);
}

function reportNoMap(tree: ConfigTree, diagnostics: DiagnosticList): void {
  if (tree.kind === "scalar" && tree.isReported) return;
  if (tree.kind === "scalar" && tree.value === null) {
    const hint = "it needs listeners and backends";
    diagnostics.error(tree.span, "the file holds no configuration", hint);
    return;
  }
  const isTight = tree.kind === "scalar" && /^[A-Za-z_]+:\S/.test(tree.text);
  const hint = isTight ? 'put a space behind ":"' : undefined;
  diagnostics.error(tree.span, "the file must be a map with listeners and backends", hint);
}
