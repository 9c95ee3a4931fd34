import assert from "node:assert/strict";
import fc from "fast-check";
import { completed, problemsOf } from "./test_reading.ts";

/** Without their places. */
function problems(text: string): string[] {
  return problemsOf(completed(text)).map((problem) => problem.replace(/^\S+ /, ""));
}

function serversProblems(servers: readonly string[]): string[] {
  return problems(`backends:\n  app: [${servers.join(", ")}]`);
}

Deno.test("groups of preference are accepted when they are 0, 1, 2 and so on", () => {
  const groups = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(groups, (priorities) => {
      const servers = priorities.map((priority, i) =>
        `{ address: "a${i}:1", priority: ${priority} }`
      );
      const different = new Set(priorities);
      const isWhole = Math.max(...priorities) === different.size - 1;
      assert.equal(serversProblems(servers).length, isWhole ? 0 : 1);
    }),
    { numRuns: 50 },
  );
});

Deno.test("backups are no group, and all of them may be", () => {
  assert.deepEqual(serversProblems(["{ address: a:1, backup: true }", "b:1"]), []);
  assert.deepEqual(serversProblems(["{ address: a:1, backup: true }"]), [
    'warning: all servers in backend "app" are backups, so they are used as if none were',
  ]);
  assert.deepEqual(
    serversProblems(["{ address: a:1, backup: true }", "{ address: b:1, priority: 1 }"]),
    [
      "no server has priority 0, and this one has 1 -> " +
      "groups are 0, 1, 2 and so on without a gap; 0 is the best",
    ],
  );
});

Deno.test("a subset is looked for in the backend of its route", () => {
  const text = (asked: string, name: string) =>
    `listeners:
  web:
    bind: ":443"
    protocol: tls
    tls: passthrough
    routes: [{ match: a.net, backend: ${name}, subset: ${asked} }]
    backend: other
backends:
  app: [{ address: a:1, labels: { v: "1" } }, { address: b:1, labels: { v: "1", w: x } }]
  other: [c:1]
`;
  assert.deepEqual(problems(text("{ v: '1', w: x }", "app")), []);
  assert.deepEqual(problems(text("{ v: '1', w: y }", "app")), [
    'no server of backend "app" has the label w: "y" -> there is "x"',
  ]);
  assert.deepEqual(problems(text("{ v: '1' }", "other")), [
    'no server of backend "other" has a label "v" -> give some of them labels: { v: VALUE }',
    'warning: backend "app" is used by no listener',
  ]);
  // That there is no such backend has been reported, and nothing is known of its servers.
  assert.deepEqual(problems(text("{ v: '1' }", "nowhere")), [
    'backend "nowhere" does not exist (have: app, other)',
  ]);
});

Deno.test("labels that cannot be read are told once, and not missed", () => {
  const text = `listeners:
  web: { bind: ":80", backend: app, subset: { v: v1 } }
backends:
  app: [{ address: a:1, labels: { v: 1 } }]
`;
  assert.deepEqual(problems(text), ['v must be text, found 1 -> quote it: "1"']);
});

Deno.test("a zone of this node in which some server of any backend stands is good", () => {
  const text = (zone: string) =>
    `zone: ${zone}\nbackends:\n  app: [a:1]\n  b: [{ address: a:1, zone: a }]`;
  const unused = 'warning: backend "b" is used by no listener';
  assert.deepEqual(problems(text("a")), [unused]);
  assert.deepEqual(problems(text("far")), [
    'warning: no server stands in zone "far", so none is preferred -> there is "a"',
    unused,
  ]);
});

Deno.test("a check fits its interval, whatever is written of either", () => {
  const check = (keys: string) =>
    problems(`backends:\n  app: { servers: [a:1], health_check: { tcp: true, ${keys} } }`);
  assert.deepEqual(check("interval: 2s, timeout: 2s, fast_interval: 2s"), []);
  assert.deepEqual(check("timeout: 5s"), []);
  assert.equal(check("timeout: 5001ms").length, 1);
  assert.equal(check("interval: 1s, fast_interval: 2s, timeout: 3s").length, 2);
  // A time that is none is one error.
  assert.equal(check("interval: 1, timeout: 3s").length, 1);
});

Deno.test("servers without a place in the network can be checked where there is one", () => {
  const check = (keys: string, server = "unix:/run/a") =>
    problems(`backends:\n  app: { servers: ["${server}"], ${keys} }`).length;
  assert.equal(check("health_check: tcp"), 0);
  assert.equal(check("health_check: /"), 0);
  for (const kind of ["udp: { send: a }", "dns: a.b", "grpc: true"]) {
    assert.equal(check(`health_check: { ${kind} }`), 1, kind);
    assert.equal(check(`health_check: { ${kind}, port: 5 }`), 1, kind);
    assert.equal(check(`health_check: { ${kind}, port: 5, address: ::1 }`), 0, kind);
    assert.equal(check(`health_check: { ${kind} }`, "demo:one"), 0, kind);
  }
  assert.equal(check("agent_check: 5"), 1);
  assert.equal(check("agent_check: { port: 5, address: a.b }"), 0);
  assert.equal(check("agent_check: 5", "demo:one"), 0);
});

Deno.test("a queue needs a limit, of the backend or of a server", () => {
  const queue = (servers: string, keys: string) =>
    problems(`backends:\n  app: { servers: ${servers}, limits: { ${keys} } }`).length;
  assert.equal(queue("[a:1]", "pending: 5"), 1);
  assert.equal(queue("[a:1]", "pending: 5, connections: 5"), 0);
  assert.equal(queue("[{ address: a:1, connections: 5 }]", "pending: 5, queue_timeout: 1s"), 0);
  assert.equal(queue("[a:1]", "connections: 5, queue_timeout: 1s"), 0);
});

Deno.test("ejection says so when it can never happen", () => {
  const eject = (count: number, value: string) => {
    const servers = Array.from({ length: count }, (_, i) => `a${i}:1`).join(", ");
    const text = `backends:\n  app: { servers: [${servers}], outlier_detection: ${value} }`;
    return problems(text).length;
  };
  assert.equal(eject(1, "true"), 1);
  assert.equal(eject(1, "false"), 0);
  assert.equal(eject(2, "{ max_ejected: 49% }"), 1);
  assert.equal(eject(2, "{ max_ejected: 50% }"), 0);
  assert.equal(eject(3, "{ max_ejected: 33.3333% }"), 1);
  assert.equal(eject(3, "{ max_ejected: 34% }"), 0);
  assert.equal(eject(20, "{ max_ejected: 5% }"), 0);
});
