/**
 * The slips that YAML invites, one test each: what was written, and the hint that it gets. More of
 * them, with everything that is printed, are in tests/vectors/config/.
 */
import assert from "node:assert/strict";
import { completed, configOf, problemsOf } from "./test_reading.ts";

function withListener(line: string): string {
  return completed(`listeners:\n  web:\n    ${line}\n    backend: app`);
}

Deno.test("bind: *:80 starts an alias; write the port alone", () => {
  assert.deepEqual(problemsOf(withListener("bind: *:80")), [
    '3:11 "*" starts an alias -> write ":80"',
  ]);
});

Deno.test("a leading * as in *.example.com must be quoted", () => {
  const text = completed("backends:\n  app: [*.example.com:80]");
  assert.deepEqual(problemsOf(text), [
    '2:9 "*" starts an alias -> quote it: "*.example.com:80"',
  ]);
});

Deno.test("an alias whose anchor does not exist suggests the nearest, or quotes", () => {
  const at = (alias: string) =>
    problemsOf(completed(`x-t: &short { idle: 1s }\nlisteners:\n  web:\n    bind: ${alias}`))
      .filter((problem) => problem.includes("alias"));
  const message = '4:11 "*" starts an alias, and there is no anchor';
  assert.deepEqual(at("*shrt"), [`${message} "&shrt" before it -> did you mean "*short"?`]);
  assert.deepEqual(at("*all"), [`${message} "&all" before it -> if it is text, quote it: "*all"`]);
});

Deno.test("bind: [::]:443 starts a list; quote it", () => {
  assert.deepEqual(problemsOf(withListener("bind: [::]:443")), [
    '3:11 "[" starts a list -> quote it: "[::]:443"',
  ]);
  assert.deepEqual(problemsOf(completed("backends:\n  app: [[::1]:80]")), [
    '2:9 "[" starts a list -> quote it: "[::1]:80"',
  ]);
});

Deno.test("${...} inside of braces starts a map; quote it", () => {
  const text = completed("listeners:\n  web: { bind: :${PORT}, backend: app }");
  assert.deepEqual(problemsOf(text), [
    '2:16 "{" starts a map inside braces -> quote it: ":${PORT}"',
  ]);
  // Outside of braces it needs no quotes, and in quotes it may stand anywhere.
  const quoted = completed('listeners:\n  web: { bind: ":${PORT}", backend: app }');
  assert.deepEqual(problemsOf(quoted, { PORT: "80" }), []);
  assert.deepEqual(problemsOf(withListener("bind: :${PORT}"), { PORT: "80" }), []);
});

Deno.test("@ and ` cannot begin a plain value; quote it", () => {
  assert.deepEqual(problemsOf(withListener("bind: @a")), [
    '3:11 a plain value cannot begin with "@" -> quote it: "@a"',
  ]);
  assert.deepEqual(problemsOf(withListener("bind: `a`  # quoted")), [
    '3:11 a plain value cannot begin with "`" -> quote it: "`a`"',
  ]);
});

Deno.test("% and | cannot begin a plain value either", () => {
  assert.deepEqual(problemsOf(withListener("bind: %a")), [
    '3:11 a plain value cannot begin with "%" -> quote it: "%a"',
  ]);
  assert.deepEqual(problemsOf(withListener("bind: |80")), [
    '3:11 a plain value cannot begin with "|" -> quote it: "|80"',
  ]);
});

Deno.test("a tab as indentation is told on each line", () => {
  assert.deepEqual(problemsOf(completed("listeners:\n\tweb:\n\t  bind: :80")), [
    "2:1 tabs are not allowed as indentation -> use spaces",
    "3:1 tabs are not allowed as indentation -> use spaces",
  ]);
});

Deno.test("a duplicate key tells where the first one is", () => {
  assert.deepEqual(problemsOf(withListener("bind: :80\n    bind: :81")), [
    '4:5 duplicate key "bind" -> first defined at line 3',
  ]);
});

Deno.test("a number with a zero in front is not octal to YAML 1.2, and so is refused", () => {
  const text = withListener("bind: :80\n    limits: { connections: 0660 }");
  assert.deepEqual(problemsOf(text), [
    '4:28 "0660" is the number 660: a zero in front makes nothing octal -> ' +
    "write 660, or quote it where text is meant",
  ]);
});

Deno.test("1.30 is the number 1.3; where text is meant it must be quoted", () => {
  assert.deepEqual(problemsOf(completed("listeners:\n  web: { bind: ':80', backend: 1.30 }")), [
    '2:32 backend must be text, found the number 1.3 -> quote it: "1.30"',
  ]);
  // As a key it is text anyway, as written.
  const text = "listeners:\n  1.30: { bind: ':80', backend: '1.30' }\nbackends:\n  1.30: [a:1]\n";
  assert.deepEqual(configOf(text).listeners.map(({ name }) => name), ["1.30"]);
});

Deno.test("no, off and yes are texts to YAML 1.2; a boolean is written true or false", () => {
  const at = (word: string) =>
    problemsOf(completed(`backends:\n  app: [{ address: a:1, backup: ${word} }]`))
      .filter((problem) => !problem.includes("warning"));
  assert.deepEqual(at("no"), [
    '2:33 backup must be true or false, found "no" -> write false',
  ]);
  assert.deepEqual(at("On"), ['2:33 backup must be true or false, found "On" -> write true']);
  assert.deepEqual(at('"true"'), [
    '2:33 backup must be true or false, found "true" -> write true without quotes',
  ]);
  assert.deepEqual(at("maybe"), ['2:33 backup must be true or false, found "maybe"']);
  // As a name no is a name.
  const text = "listeners:\n  no: { bind: ':80', backend: on }\nbackends:\n  on: [a:1]\n";
  assert.deepEqual(configOf(text).listeners.map(({ name, backend }) => [name, backend]), [
    ["no", "on"],
  ]);
});

Deno.test("~ and an empty value are nothing", () => {
  assert.deepEqual(problemsOf(withListener("bind: ~")), [
    '3:11 bind must be an address such as ":8080", a map or a list of them, found nothing',
  ]);
  // What is not there cannot be pointed at: its key is.
  assert.deepEqual(problemsOf(withListener("bind:")), [
    '3:5 bind must be an address such as ":8080", a map or a list of them, found nothing',
  ]);
});

Deno.test("a colon without a space behind it makes key and value one text", () => {
  assert.deepEqual(problemsOf(withListener("bind:8080")), [
    '3:5 no space behind ":" -> put one there',
  ]);
  const all = completed("listeners:\n  web:\n    bind:8080\n    backend:app");
  assert.deepEqual(problemsOf(all), [
    '3:5 listener "web" must be a map of bind, protocol, tls, backend, routes and others, ' +
    'found "bind:8080 backend:app" -> put a space behind ":"',
  ]);
  const braces = completed("listeners:\n  web: {bind::8080, backend: app}");
  assert.deepEqual(problemsOf(braces), [
    '2:9 unknown key "bind::8080" in listener "web" -> put a space behind ":"',
  ]);
});

Deno.test("typographic quotes are no quotes", () => {
  assert.deepEqual(problemsOf(withListener("bind: “:80”")), [
    '3:11 "“" is no quote to YAML -> use straight quotes: ":80"',
  ]);
});

Deno.test("a bracket, brace or quote that is never closed is shown where it begins", () => {
  const unclosed = (value: string) =>
    problemsOf(`${completed("")}x-a:\n  b: ${value}\nx-c: 1\n`).at(0);
  assert.equal(unclosed("[a, b"), '7:6 the "[" that begins here is never closed');
  assert.equal(unclosed("{a: [1, 2"), '7:10 the "[" that begins here is never closed');
  assert.equal(unclosed('"a, b'), "7:6 the quote that begins here is never closed");
  assert.equal(unclosed("'a, b"), "7:6 the quote that begins here is never closed");
  assert.equal(unclosed("[a, b}"), '7:11 "}" cannot close the "[" of line 7 -> write "]"');
  assert.equal(
    unclosed("[\n    a\n]"),
    '9:1 this "]" must be indented deeper -> ' +
      'at least as deep as the key of its "["',
  );
});

Deno.test("a line in the wrong column is told as such, not as grammar", () => {
  const same = "keys of one map begin in the same column";
  const problems = (lines: string) => problemsOf(completed(`listeners:\n  web:\n${lines}`));
  assert.deepEqual(problems("    bind: ':80'\n   backend: app"), [
    `4:4 this line begins in no column of the lines above -> ${same}`,
  ]);
  assert.deepEqual(problems("    bind: :80\n      backend: app"), [
    "4:7 this line is indented deeper than the key above, which has a value already " +
    `-> ${same}`,
  ]);
  assert.deepEqual(problems("    bind: ':80'\n    backend"), [
    '4:5 there is no ":" behind "backend" -> a key is written as "key: value"',
  ]);
  assert.deepEqual(problems("    bind: backend: app"), [
    "3:11 a second key on one line -> put it on a line of its own, " +
    'or quote a value that holds ": "',
  ]);
});

Deno.test("several errors of syntax are told at once, the first of each line", () => {
  const text = completed("listeners:\n  a: { bind: [::]:80, backend: @a }\n  b: { bind: [::]:81 }");
  assert.deepEqual(problemsOf(text), [
    '2:14 "[" starts a list -> quote it: "[::]:80"',
    '3:14 "[" starts a list -> quote it: "[::]:81"',
  ]);
});

Deno.test("what has no words of ours keeps the library's", () => {
  assert.deepEqual(problemsOf(completed(`x-${"a".repeat(1030)}: 1`)), [
    "1:1 YAML: the : indicator must be at most 1024 chars after the start of an implicit " +
    "block mapping key",
  ]);
});
