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

Deno.test("a route's backend must exist, and makes it used", () => {
  const text = (name: string) =>
    `listeners:
  web:
    bind: ":443"
    protocol: tls
    tls: passthrough
    routes: [{ match: a.net, backend: ${name} }, { match: b.net, backend: app }]
backends: { app: [a:1], api: [b:1] }
`;
  assert.deepEqual(problemsOf(text("api")), []);
  assert.deepEqual(problemsOf(text("app")), [
    '7:25 warning: backend "api" is used by no listener',
  ]);
  assert.deepEqual(problemsOf(text("apu")), [
    '6:39 backend "apu" does not exist (have: app, api) -> did you mean "app"?',
  ]);
});

Deno.test("TCP and UDP have ports of their own; tls is TCP", () => {
  const problems = (...protocols: string[]) => {
    const listeners = protocols.map((protocol, i) =>
      `  l${i}: { bind: ":53", protocol: ${protocol}, backend: app }\n`
    );
    return problemsOf(`listeners:\n${listeners.join("")}${WITH_APP}`);
  };
  assert.deepEqual(problems("tcp", "udp"), []);
  const same = 'listeners "l0" and "l1" have the same address ":53" -> first used at line 2';
  assert.deepEqual(problems("udp", "udp"), [`3:15 ${same}`]);
  assert.deepEqual(problems("tcp", "'tls', tls: passthrough"), [`3:15 ${same}`]);
  // A misspelt protocol may have been meant to be the other one.
  assert.equal(problems("tcp", "upd").length, 1);
});

Deno.test("a range overlaps with every address that has one of its ports", () => {
  const overlap = (...binds: string[]) =>
    bindProblems(...binds).map((problem) => problem.split(" ").slice(5).join(" "));
  const at = (
    port: number,
    one: string,
    other: string,
  ) => [`overlap at port ${port}: "${one}" and "${other}" -> first used at line 2`];
  assert.deepEqual(overlap(":80-90", ":90"), at(90, ":80-90", ":90"));
  assert.deepEqual(overlap("10.0.0.1:80", ":70-80"), at(80, "10.0.0.1:80", ":70-80"));
  assert.deepEqual(overlap(":80-90", ":85-95"), at(85, ":80-90", ":85-95"));
  assert.deepEqual(overlap(":80-89", ":90-99", "10.0.0.1:70-79"), []);
  assert.deepEqual(overlap("10.0.0.1:80-90", "10.0.0.2:80-90"), []);
});

Deno.test("all listeners together have bounds of ports, routes and address ranges", () => {
  const part = (count: number, item: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => item(i)).join(", ");
  const tls = "protocol: tls, tls: passthrough";
  const listener = (i: number, keys: string) => `  l${i}: { bind: ":${i}", ${keys} }\n`;
  const routes = (count: number) =>
    `routes: [${part(count, (i) => `{ match: a${i}.net, backend: app }`)}]`;
  const text = (keys: readonly string[]) =>
    `listeners:\n${keys.map((key, i) => listener(i + 1, key)).join("")}${WITH_APP}`;
  const limit = (
    count: number,
    what: string,
  ) => [`2:3 all listeners together must hold at most ${count} ${what}, found ${count + 1}`];
  const many = [512, 512, 1].map((count) => `${tls}, ${routes(count)}`);
  assert.deepEqual(problemsOf(text(many)), limit(1024, "routes"));
  assert.deepEqual(problemsOf(text(many.slice(0, 2))), []);
  const deny = (count: number) =>
    `backend: app, deny: [${part(count, (i) => `10.${i >> 8}.${i & 255}.0/24`)}]`;
  assert.deepEqual(problemsOf(text([deny(4096), deny(4096)])), []);
  assert.deepEqual(
    problemsOf(text([deny(4096), deny(4096), deny(1)])),
    limit(8192, "address ranges"),
  );
  const ports = (from: number) => `":${from}-${from + 1023}"`;
  const binds = part(4, (i) => ports(i * 1024 + 1));
  assert.deepEqual(
    problemsOf(`listeners:\n  a: { bind: [${binds}], backend: app }\n${WITH_APP}`),
    [],
  );
  assert.deepEqual(
    problemsOf(`listeners:\n  a: { bind: [${binds}, ":5000"], backend: app }\n${WITH_APP}`),
    ["2:3 all listeners together must bind at most 4096 ports, found 4097"],
  );
});

Deno.test("a backend may be for TCP and UDP at once, with options that only TCP has", () => {
  const text = (listeners: string, keys: string) =>
    `listeners: { ${listeners} }\nbackends: { app: { servers: [a:1], ${keys} } }\n`;
  const tcp = "a: { bind: ':53', backend: app }";
  const udp = "b: { bind: ':53', protocol: udp, backend: app }";
  const keys = "socket: { keepalive: true }";
  assert.deepEqual(problemsOf(text(`${tcp}, ${udp}`, keys)), []);
  assert.deepEqual(problemsOf(text(udp, keys)), [
    "2:46 keepalive is an option of TCP, and only udp listeners use this backend -> " +
    "remove keepalive",
  ]);
});
