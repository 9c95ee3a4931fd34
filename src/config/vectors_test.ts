/**
 * Mistakes that people make, as documents: tests/vectors/config/NAME.yaml, and beside each in
 * NAME.expected word by word what `ringway check NAME.yaml` says about it. Of a file that it finds
 * nothing wrong with, NAME.expected is what was understood, as JSON.
 *
 * After a change of wording write them anew, then read the difference as the person would who made
 * the mistake: does it say what is wrong, where, why, and what to write?
 *
 *   RINGWAY_VECTORS=write deno test -A src/config/vectors_test.ts
 */
import assert from "node:assert/strict";
import { renderDiagnostics } from "./diagnostic.ts";
import { parseConfig } from "./parse_config.ts";

const FOLDER = `${import.meta.dirname}/../../tests/vectors/config`;
const ENVIRONMENT = { PORT: "8080", WORD: "seven", MODE: "0660", EMPTY: "" };
const IS_WRITING = Deno.env.get("RINGWAY_VECTORS") === "write";

function namesOf(ending: string): string[] {
  return Array.from(Deno.readDirSync(FOLDER), ({ name }) => name)
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length))
    .sort();
}

function check(name: string): string {
  const text = Deno.readTextFileSync(`${FOLDER}/${name}.yaml`);
  const { config, diagnostics } = parseConfig(text, `${name}.yaml`, ENVIRONMENT);
  const hasErrors = diagnostics.some(({ severity }) => severity === "error");
  assert.equal(config === null, hasErrors, "a configuration, or at least one error");
  if (diagnostics.length === 0) return JSON.stringify(config, showInfinity, 2) + "\n";
  return renderDiagnostics(diagnostics, "text", text);
}

/** JSON would make null of it. */
function showInfinity(_key: string, value: unknown): unknown {
  return value === Infinity ? "Infinity" : value;
}

for (const name of namesOf(".yaml")) {
  Deno.test(`check says what is written in ${name}.expected`, () => {
    const path = `${FOLDER}/${name}.expected`;
    const found = check(name);
    if (IS_WRITING) Deno.writeTextFileSync(path, found);
    // By line, so that a failure shows the lines that differ.
    assert.deepEqual(found.split("\n"), Deno.readTextFileSync(path).split("\n"));
  });
}

Deno.test("each vector has its expected text, and there are at least forty", () => {
  const names = namesOf(".yaml");
  assert.deepEqual(namesOf(".expected"), names);
  assert.ok(names.length >= 40, `${names.length}`);
});
