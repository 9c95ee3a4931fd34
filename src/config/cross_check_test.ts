import assert from "node:assert/strict";
import { completed, configOf, problemsOf } from "./test_reading.ts";

const WITH_APP = "backends:\n  app: [10.0.0.1:80]\n";

Deno.test("a listener's backend must exist; the nearest name is suggested", () => {
  const text = (name: string) =>
    `listeners:\n  web: { bind: ':80', backend: ${name} }\n${WITH_APP}`;
  assert.deepEqual(problemsOf(text("ap")), [
    '2:32 backend "ap" does not exist (have: app) -> did you mean "app"?',
  ]);
  assert.deepEqual(problemsOf(text("payments")), [
    '2:32 backend "payments" does not exist (have: app)',
  ]);
});

Deno.test("a long list of backends is cut", () => {
  const backends = Array.from({ length: 10 }, (_, i) => `  b${i}: [a:1]\n`).join("");
  const [problem] = problemsOf(
    `listeners:\n  web: { bind: ':80', backend: nowhere }\nbackends:\n${backends}`,
  );
  assert.equal(
    problem,
    '2:32 backend "nowhere" does not exist (have: b0, b1, b2, b3, b4, b5, b6, b7, and 2 more)',
  );
});

Deno.test("without any backend only that is told", () => {
  assert.deepEqual(problemsOf("listeners:\n  web: { bind: ':80', backend: app }\n"), [
    '1:1 "backends" is missing',
  ]);
});

Deno.test("a backend that no listener uses is a warning, and the configuration is good", () => {
  const text = completed("backends:\n  app: [a:1]\n  old: [b:1]");
  assert.deepEqual(problemsOf(text), ['3:3 warning: backend "old" is used by no listener']);
  assert.equal(configOf(text).backends.length, 2);
});

Deno.test("while a reference leads nowhere no backend is called unused", () => {
  const text = "listeners:\n  web: { bind: ':80', backend: odl }\nbackends:\n  old: [b:1]\n";
  assert.deepEqual(problemsOf(text), [
    '2:32 backend "odl" does not exist (have: old) -> did you mean "old"?',
  ]);
});

function bindProblems(...binds: string[]): string[] {
  const listeners = binds.map((bind, i) => `  l${i}: { bind: "${bind}", backend: app }\n`);
  return problemsOf(`listeners:\n${listeners.join("")}${WITH_APP}`);
}

Deno.test("two listeners on one address are an error at the second", () => {
  assert.deepEqual(bindProblems(":80", ":80"), [
    '3:15 listeners "l0" and "l1" have the same address ":80" -> first used at line 2',
  ]);
  assert.deepEqual(bindProblems("[::1]:80", "[0:0::1]:80"), [
    '3:15 listeners "l0" and "l1" have the same address "[::1]:80" -> first used at line 2',
  ]);
});

Deno.test("a wildcard and an address that it includes are an error, in either order", () => {
  const overlap = (wide: string) =>
    `3:15 listeners "l0" and "l1" overlap: "${wide}" includes every address -> ` +
    "first used at line 2";
  assert.deepEqual(bindProblems(":80", "10.0.0.1:80"), [overlap(":80")]);
  assert.deepEqual(bindProblems("10.0.0.1:80", ":80"), [overlap(":80")]);
  assert.deepEqual(bindProblems("[::1]:80", ":80"), [overlap(":80")]);
  // IPv6 sockets take IPv4 as well.
  assert.deepEqual(bindProblems("[::]:80", "0.0.0.0:80"), [overlap("[::]:80")]);
  assert.deepEqual(bindProblems("10.0.0.1:80", "0.0.0.0:80"), [overlap("0.0.0.0:80")]);
  assert.deepEqual(bindProblems("0.0.0.0:80", "[::ffff:10.0.0.1]:80"), [overlap("0.0.0.0:80")]);
});

Deno.test("what does not overlap may stand side by side", () => {
  assert.deepEqual(bindProblems(":80", ":81", "10.0.0.1:82", "10.0.0.2:82"), []);
  assert.deepEqual(bindProblems("0.0.0.0:80", "[::1]:80"), []);
  // Port 0 is another port each time.
  assert.deepEqual(bindProblems(":0", ":0", "127.0.0.1:0"), []);
});

Deno.test("an address or a name that is in a backend twice is an error; in two it is not", () => {
  const problems = (servers: string) => problemsOf(completed(`backends:\n  app: ${servers}`));
  assert.deepEqual(problems("[a:1, A:1]"), [
    '2:14 the address "a:1" occurs twice in backend "app" -> first used at line 2',
  ]);
  assert.deepEqual(problems("['[::1]:1', '[0::1]:1']"), [
    '2:20 the address "[::1]:1" occurs twice in backend "app" -> first used at line 2',
  ]);
  assert.deepEqual(problems("[{ address: a:1, name: x }, { address: b:1, name: x }]"), [
    '2:58 the name "x" occurs twice in backend "app" -> first used at line 2',
  ]);
  assert.deepEqual(problems("[a:1, { address: b:1, name: a:1 }]"), [
    '2:36 the name "a:1" occurs twice in backend "app" -> first used at line 2',
  ]);
  assert.deepEqual(problems("[a:1, a:2]\n  b: [a:1]"), [
    '3:3 warning: backend "b" is used by no listener',
  ]);
});

Deno.test("an address that is no name needs one", () => {
  const host = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(20)}`;
  const [problem] = problemsOf(completed(`backends:\n  app: [${host}:80]`));
  assert.match(problem, /^2:9 the address "a+\.\.\." is no name; give the server one -> /);
  const named = completed(`backends:\n  app: [{ address: ${host}:80, name: far }]`);
  assert.deepEqual(problemsOf(named), []);
});

Deno.test("no server that may get anything is an error, all of them backups a warning", () => {
  const servers = (keys: string) =>
    problemsOf(
      completed(`backends:\n  app: [{ address: a:1, ${keys} }, { address: b:1, ${keys} }]`),
    );
  assert.deepEqual(servers("weight: 0"), [
    '2:8 all servers in backend "app" have weight 0, so none would get a connection',
  ]);
  assert.deepEqual(servers("backup: true"), [
    '2:8 warning: all servers in backend "app" are backups, so they are used as if none were',
  ]);
});

Deno.test("hash_on needs consistent hashing; a misspelt policy is not reported twice", () => {
  const backend = (keys: string) =>
    problemsOf(completed(`backends:\n  app: { servers: [a:1], hash_on: source_ip${keys} }`));
  const problem = "2:26 hash_on needs balance: consistent_hash -> set it, or remove hash_on";
  assert.deepEqual(backend(""), [problem]);
  assert.deepEqual(backend(", balance: first"), [problem]);
  assert.deepEqual(backend(", balance: consistent_hash"), []);
  assert.equal(backend(", balance: consistent_hush").length, 1);
});

Deno.test("all backends together have a bound", () => {
  const backend = (name: string, count: number) =>
    `  ${name}: [${Array.from({ length: count }, (_, i) => `a${i}:1`).join(", ")}]\n`;
  const text = (last: number) =>
    completed(`backends:\n${backend("app", 512)}${backend("b", 512)}${backend("c", last)}`);
  assert.deepEqual(problemsOf(text(1)).filter((problem) => !problem.includes("warning")), [
    "2:3 all backends together must hold at most 1024 servers, found 1025",
  ]);
});

Deno.test("references are checked although other keys are wrong", () => {
  const text = "wrokers: 2\nlisteners:\n  web: { bind: 80, backend: ap }\n";
  assert.deepEqual(problemsOf(text + WITH_APP), [
    '1:1 unknown key "wrokers" -> did you mean "workers"?',
    '3:16 bind must be an address, found "80" -> write ":80"',
    '3:29 backend "ap" does not exist (have: app) -> did you mean "app"?',
  ]);
});
