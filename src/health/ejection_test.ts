import assert from "node:assert/strict";
import { type EjectionRules, Ejections, type ServerCounters } from "./ejection.ts";

const RULES: EjectionRules = {
  errors: 5,
  windowMs: 10_000,
  ejectMs: 10_000,
  ejectMsMax: 35_000,
  ejectedMax: 0.5,
};

function makeCounters(servers: number): ServerCounters {
  return {
    connectFailures: new Float64Array(servers),
    resets: new Float64Array(servers),
    open: new Float64Array(servers),
    connectStreak: new Float64Array(servers),
    resetStreak: new Float64Array(servers),
  };
}

/** Ejections of so many servers whose counters were seen once, at 0 ms. */
function makeEjections(servers: number, rules = RULES): [Ejections, ServerCounters] {
  const ejections = new Ejections(servers, rules);
  const counters = makeCounters(servers);
  ejections.count(counters, 0);
  return [ejections, counters];
}

function failConnects(counters: ServerCounters, server: number, count: number): void {
  counters.connectFailures[server] += count;
  counters.connectStreak[server] += count;
}

function resetConnections(counters: ServerCounters, server: number, count: number): void {
  counters.resets[server] += count;
  counters.resetStreak[server] += count;
}

Deno.test("a server is due with as many failed connects in a row as the rules say", () => {
  const [ejections, counters] = makeEjections(2);
  failConnects(counters, 1, 4);
  ejections.count(counters, 100);
  assert.deepEqual(ejections.due(counters), []);
  failConnects(counters, 1, 1);
  ejections.count(counters, 200);
  assert.deepEqual(ejections.due(counters), [1]);
});

Deno.test("many errors that are no row do not count against a server", () => {
  const [ejections, counters] = makeEjections(1);
  counters.connectFailures[0] = 100;
  counters.connectStreak[0] = 4;
  ejections.count(counters, 100);
  assert.deepEqual(ejections.due(counters), []);
});

Deno.test("a row that took longer than the window does not count", () => {
  const [ejections, counters] = makeEjections(1);
  for (let error = 0; error < 8; error++) {
    failConnects(counters, 0, 1);
    ejections.count(counters, error * 4000);
    assert.deepEqual(ejections.due(counters), []);
  }
});

Deno.test("resets in a row count when they are a tenth of what is open", () => {
  const [ejections, counters] = makeEjections(1);
  counters.open[0] = 200;
  resetConnections(counters, 0, 19);
  ejections.count(counters, 100);
  assert.deepEqual(ejections.due(counters), []);
  resetConnections(counters, 0, 1);
  ejections.count(counters, 200);
  assert.deepEqual(ejections.due(counters), [0]);
});

Deno.test("with few connections open resets count like connects", () => {
  const [ejections, counters] = makeEjections(1);
  resetConnections(counters, 0, 4);
  ejections.count(counters, 100);
  assert.deepEqual(ejections.due(counters), []);
  resetConnections(counters, 0, 1);
  ejections.count(counters, 200);
  assert.deepEqual(ejections.due(counters), [0]);
});

Deno.test("the longest row is due first", () => {
  const [ejections, counters] = makeEjections(3);
  failConnects(counters, 0, 6);
  resetConnections(counters, 1, 9);
  failConnects(counters, 2, 7);
  ejections.count(counters, 100);
  assert.deepEqual(ejections.due(counters), [1, 2, 0]);
});

Deno.test("each ejection lasts longer by one span than the one before, up to the most", () => {
  const [ejections, counters] = makeEjections(1);
  const durations = [0, 1, 2, 3, 4].map(() => {
    ejections.begin(0, counters, 1000);
    return ejections.untilMs(0) - 1000;
  });
  assert.deepEqual(durations, [10_000, 20_000, 30_000, 35_000, 35_000]);
});

Deno.test("each full span up makes up for one ejection, less than a span for none", () => {
  const [ejections, counters] = makeEjections(1);
  const lengthAt = (nowMs: number) => {
    ejections.begin(0, counters, nowMs);
    return ejections.untilMs(0) - nowMs;
  };
  assert.equal(lengthAt(0), 10_000);
  ejections.credit(0, false, 10_000);
  ejections.credit(0, true, 19_999);
  assert.equal(lengthAt(20_000), 20_000);
  ejections.credit(0, false, 40_000);
  ejections.credit(0, true, 45_000);
  ejections.credit(0, true, 60_000);
  // Two of them, after two full spans.
  assert.equal(lengthAt(60_000), 10_000);
});

Deno.test("a server that was let back in too often for long is forgiven as soon as another", () => {
  const [ejections, counters] = makeEjections(1);
  for (let i = 0; i < 1000; i++) ejections.begin(0, counters, 0);
  ejections.credit(0, false, 0);
  ejections.credit(0, true, 40_000);
  ejections.begin(0, counters, 40_000);
  assert.equal(ejections.untilMs(0) - 40_000, 10_000);
});

Deno.test("when the most is shorter than one span it holds from the first time on", () => {
  const [ejections, counters] = makeEjections(1, { ...RULES, ejectMsMax: 4000 });
  ejections.begin(0, counters, 0);
  assert.equal(ejections.untilMs(0), 4000);
});

Deno.test("an ejection says what happened and how long it lasts", () => {
  const [ejections, counters] = makeEjections(1);
  failConnects(counters, 0, 5);
  assert.equal(
    ejections.begin(0, counters, 0),
    "5 connects in a row failed: left out for 10s",
  );
  counters.connectStreak[0] = 0;
  resetConnections(counters, 0, 12);
  assert.equal(
    ejections.begin(0, counters, 0),
    "12 connections in a row reset by it: left out for 20s",
  );
});

Deno.test("who is forgiven is due by new errors alone, even if its row was not cleared", () => {
  const [ejections, counters] = makeEjections(1);
  failConnects(counters, 0, 50);
  ejections.count(counters, 100);
  ejections.forgive(0);
  assert.deepEqual(ejections.due(counters), []);
  failConnects(counters, 0, 5);
  ejections.count(counters, 200);
  assert.deepEqual(ejections.due(counters), [0]);
});
