import assert from "node:assert/strict";
import { completed, configOf } from "./test_reading.ts";

function backendOf(keys: string, environment = {}) {
  const text = completed(`backends:\n  app: { servers: [a:1], ${keys} }`);
  return configOf(text, environment).backends[0];
}

function checkOf(value: string) {
  const check = backendOf(`health_check: ${value}`).healthCheck;
  assert.ok(check !== null);
  return check;
}

const HTTP = {
  ...{ kind: "http", method: "GET", path: "/", host: null, headers: {} },
  ...{ status: [[200, 399]], body: null },
};

Deno.test("a check is one of five kinds, the short forms are two of them", () => {
  const probe = (value: string) => checkOf(value).probe;
  assert.deepEqual(probe("tcp"), { kind: "tcp", send: null, expect: null });
  assert.deepEqual(probe("tcp"), probe("{ tcp: true }"));
  assert.deepEqual(probe("{ tcp: { expect: '220 ' } }"), {
    ...{ kind: "tcp", send: null, expect: "220 " },
  });
  assert.deepEqual(probe("/"), HTTP);
  assert.deepEqual(probe("/"), probe("{ path: / }"));
  assert.deepEqual(probe("{ grpc: true }"), { kind: "grpc", service: "" });
  assert.deepEqual(probe("{ grpc: a.B }"), { kind: "grpc", service: "a.B" });
  assert.deepEqual(probe("{ dns: A.example. }"), { kind: "dns", name: "a.example", type: "A" });
  assert.deepEqual(probe("{ dns: a.example SOA }"), {
    ...{ kind: "dns", name: "a.example", type: "SOA" },
  });
  assert.deepEqual(probe("{ udp: { send: 'a\\x00' } }"), {
    ...{ kind: "udp", send: "a\0", expect: null },
  });
});

Deno.test("a check without times has those that are documented", () => {
  const { probe: _, ...check } = checkOf("tcp");
  assert.deepEqual(check, {
    host: null,
    port: null,
    intervalMs: 5000,
    fastIntervalMs: 1000,
    timeoutMs: 2000,
    rise: 2,
    fall: 3,
    initial: "up",
  });
});

Deno.test("what is not written is never longer than the interval", () => {
  const check = checkOf("{ tcp: true, interval: 100ms }");
  assert.equal(check.timeoutMs, 100);
  assert.equal(check.fastIntervalMs, 100);
  const agent = backendOf("agent_check: { port: 9, interval: 500ms }").agentCheck;
  assert.equal(agent?.timeoutMs, 500);
  const slow = checkOf("{ tcp: true, interval: 1m }");
  assert.equal(slow.timeoutMs, 2000);
  assert.equal(slow.fastIntervalMs, 1000);
});

Deno.test("statuses are a status, a range or a list of both", () => {
  const status = (value: string) => {
    const { probe } = checkOf(`{ path: /, expect: ${value} }`);
    assert.ok(probe.kind === "http");
    return probe.status;
  };
  assert.deepEqual(status("204"), [[204, 204]]);
  assert.deepEqual(status("200-299"), [[200, 299]]);
  assert.deepEqual(status('["200-200", 418, "500-599"]'), [[200, 200], [418, 418], [500, 599]]);
});

Deno.test("the body is text as it is written, without escapes", () => {
  const { probe } = checkOf("{ path: /, body: 'é\\n' }");
  assert.ok(probe.kind === "http");
  assert.equal(probe.body, "é\\n");
});

Deno.test("an agent is its port, or a map of more", () => {
  const expected = { host: null, port: 9, send: null, intervalMs: 5000, timeoutMs: 2000 };
  assert.deepEqual(backendOf("agent_check: 9").agentCheck, expected);
  assert.deepEqual(backendOf("agent_check: { port: 9 }").agentCheck, expected);
  assert.deepEqual(backendOf('agent_check: "${N}"', { N: "9" }).agentCheck, expected);
  const elsewhere = backendOf("agent_check: { port: 9, address: '0:0::1', send: '\\n' }");
  assert.deepEqual(elsewhere.agentCheck, { ...expected, host: "::1", send: "\n" });
});

Deno.test("true is the section with its defaults, false is none", () => {
  const breaker = (value: string) => backendOf(`circuit_breaker: ${value}`).circuitBreaker;
  assert.deepEqual(breaker("true"), breaker("{}"));
  assert.equal(breaker("false"), null);
  const ejection = (value: string) => {
    const servers = "[a:1, b:1]";
    const text = `backends:\n  app: { servers: ${servers}, outlier_detection: ${value} }`;
    return configOf(completed(text)).backends[0].ejection;
  };
  assert.deepEqual(ejection("true"), ejection("{}"));
  assert.deepEqual(ejection("true"), backendOf("retries: 1").ejection);
  assert.equal(ejection("false"), null);
  assert.equal(ejection("{ eject: 10m }")?.ejectMsMax, 600_000);
  assert.equal(ejection("{ eject: 10m, max_eject: 10m }")?.ejectMsMax, 600_000);
});

Deno.test("an answer to a check may come from the environment", () => {
  const check = backendOf('health_check: { path: "${P}", expect: "${S}" }', {
    P: "/ready",
    S: "204",
  });
  assert.deepEqual(check.healthCheck?.probe, { ...HTTP, path: "/ready", status: [[204, 204]] });
});
