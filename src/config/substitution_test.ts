import assert from "node:assert/strict";
import { hasSubstitution, substitute } from "./substitution.ts";

const ENVIRONMENT = { PORT: "8080", EMPTY: "", BRACES: "${PORT}", A1_b: "x" };

function textOf(text: string): string {
  const { text: result, problems } = substitute(text, ENVIRONMENT);
  assert.deepEqual(problems, []);
  return result;
}

function problemOf(text: string): string {
  const { problems } = substitute(text, ENVIRONMENT);
  assert.equal(problems.length, 1, text);
  return problems[0].message;
}

Deno.test("${NAME} is the variable, as often as it stands there", () => {
  assert.equal(textOf(":${PORT}"), ":8080");
  assert.equal(textOf("${PORT}-${A1_b}-${PORT}"), "8080-x-8080");
  assert.equal(textOf("${EMPTY}"), "");
});

Deno.test("${NAME:-default} takes the default where the variable is unset or empty", () => {
  assert.equal(textOf("${PORT:-9}"), "8080");
  assert.equal(textOf("${EMPTY:-9}"), "9");
  assert.equal(textOf("${NONE:-a:-b c}"), "a:-b c");
  assert.equal(textOf("${NONE:-}"), "");
});

Deno.test("${NAME:?message} is an error with that message where it is unset or empty", () => {
  assert.equal(textOf("${PORT:?no port}"), "8080");
  assert.equal(problemOf("${NONE:?name a port}"), 'NONE is not set: "name a port"');
  assert.equal(problemOf("${EMPTY:?name a port}"), 'EMPTY is not set: "name a port"');
});

Deno.test("a variable that is not set is an error", () => {
  const { problems } = substitute("${NONE}", ENVIRONMENT);
  assert.deepEqual(problems, [{
    message: "the environment variable NONE is not set",
    hint: 'set it, or give a default: "${NONE:-default}"',
  }]);
});

Deno.test("what every JavaScript object has is no variable", () => {
  assert.match(problemOf("${constructor}"), /not set/);
  assert.match(problemOf("${__proto__}"), /not set/);
});

Deno.test("a value is put in as it is: it is not substituted again", () => {
  assert.equal(textOf("${BRACES}"), "${PORT}");
});

Deno.test("a dollar is a dollar, and $${ is ${", () => {
  assert.equal(textOf("$PORT $$ $"), "$PORT $$ $");
  assert.equal(textOf("$${PORT}"), "${PORT}");
  assert.equal(textOf("a$${b${PORT}"), "a${b8080");
  assert.ok(hasSubstitution("$${PORT}") && !hasSubstitution("$PORT"));
});

Deno.test("other forms are errors", () => {
  for (const text of ["${}", "${1A}", "${A-B}", "${A-b}", "${A:+b}", "${ A }", "${A:}"]) {
    assert.equal(problemOf(text), `"${text}" is no substitution`);
  }
  assert.match(problemOf("${file:/run/secret}"), /not supported by this version/);
});

Deno.test("a brace that is not closed, or opened again before, is an error", () => {
  assert.equal(problemOf("${PORT"), '"${" has no "}" before the next brace');
  assert.equal(problemOf("${PORT{}"), '"${" has no "}" before the next brace');
});

Deno.test("each problem of a text is told, up to eight", () => {
  assert.equal(substitute("${X} ${PORT} ${Y}", ENVIRONMENT).problems.length, 2);
  assert.equal(substitute("${X}".repeat(100), ENVIRONMENT).problems.length, 8);
});

Deno.test("a text that is one substitution and nothing else is whole", () => {
  const isWhole = (text: string) => substitute(text, ENVIRONMENT).isWhole;
  assert.ok(isWhole("${PORT}") && isWhole("${NONE:-3}"));
  assert.ok(!isWhole(" ${PORT}") && !isWhole("${PORT}${PORT}") && !isWhole("$${PORT}"));
});

Deno.test("values cannot grow without bound", () => {
  const environment = { LONG: "x".repeat(1000) };
  const { text, problems } = substitute("${LONG}".repeat(2000), environment);
  assert.ok(text.length <= 1 << 20);
  assert.equal(problems[0].message, "the values put in here are larger than 1 MiB together");
});
