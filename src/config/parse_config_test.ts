import assert from "node:assert/strict";
import { parseConfig } from "./parse_config.ts";
import { completed, configOf, problemsOf } from "./test_reading.ts";

const FOLDER = `${import.meta.dirname}/../../config`;

Deno.test("the samples of the project are good, without a warning", () => {
  const names = Array.from(Deno.readDirSync(FOLDER)).filter(({ isFile }) => isFile)
    .map(({ name }) => name);
  assert.ok(names.includes("demo.yaml") && names.length > 1);
  for (const name of names) {
    const text = Deno.readTextFileSync(`${FOLDER}/${name}`);
    const { config, diagnostics } = parseConfig(text, name, {});
    assert.deepEqual(diagnostics, [], name);
    assert.notEqual(config, null, name);
  }
});

Deno.test("an error anywhere leaves no configuration, a warning does", () => {
  const warning = parseConfig(completed("backends:\n  app: [a:1]\n  b: [b:1]"), "f", {});
  assert.equal(warning.diagnostics.length, 1);
  assert.notEqual(warning.config, null);
  const error = parseConfig(completed("workers: 0"), "f", {});
  assert.equal(error.config, null);
});

Deno.test("errors of all kinds come at once, by position", () => {
  const text = `x-a: *gone
workers: \${NONE}
drain: 5
listeners:
  web: { bind: 80, backend: ap, bind: ":81" }
  api: { bind: ":82", backend: app, idle: 1s }
backends:
  app: [a:1, a:1]
`;
  const places = problemsOf(text).map((problem) => problem.split(" ")[0]);
  assert.deepEqual(places, ["1:6", "2:10", "3:8", "5:16", "5:29", "5:33", "6:37", "8:14"]);
});

Deno.test("a file without anything says what it needs", () => {
  const problem = "1:1 the file holds no configuration -> it needs listeners and backends";
  for (const text of ["", "\n\n", "# only\n# comments\n", "---\n", "~"]) {
    assert.deepEqual(problemsOf(text), [problem], JSON.stringify(text));
  }
});

Deno.test("a file that is no map says what it must be", () => {
  const problem = "1:1 the file must be a map with listeners and backends";
  for (const text of ["hello", "- a\n- b", "[]", "3", '"listeners"']) {
    assert.deepEqual(problemsOf(text), [problem], text);
  }
  assert.deepEqual(problemsOf("listeners:web"), [`${problem} -> put a space behind ":"`]);
});

Deno.test("listeners and backends keep the order of the file, numbers too", () => {
  const config = configOf(
    "listeners:\n  9: { bind: ':1', backend: b }\n  1: { bind: ':2', backend: '2' }\n" +
      "backends:\n  b: [a:1]\n  2: [a:1]\n  1x: [a:1]\n",
  );
  assert.deepEqual(config.listeners.map(({ name }) => name), ["9", "1"]);
  assert.deepEqual(config.backends.map(({ name }) => name), ["b", "2", "1x"]);
});

Deno.test("a listener knows where it was defined", () => {
  const config = configOf(completed("listeners:\n\n    web: { bind: ':1', backend: app }"));
  assert.deepEqual(config.listeners[0].position, { line: 3, column: 5 });
});

Deno.test("a bind address is kept as written, with its substitutions, for messages", () => {
  const text = completed("listeners:\n  web: { bind: '[0:0::1]:${PORT}', backend: app }");
  assert.deepEqual(configOf(text, { PORT: "80" }).listeners[0].binds, [
    { kind: "ip", host: "::1", port: 80, lastPort: 80, text: "[0:0::1]:80" },
  ]);
});

Deno.test("the same text gives the same result, and the environment is only what is passed", () => {
  const text = completed("workers: ${HOME}");
  assert.deepEqual(parseConfig(text, "f", {}), parseConfig(text, "f", {}));
  assert.deepEqual(
    problemsOf(text)[0].split(" -> ")[0],
    "1:10 the environment variable HOME is not set",
  );
});
