import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { askName, askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { backendStatus, expectNoRestart, named, serverStatus } from "../health_status.ts";
import { MoodyServer, tell } from "../moody_server.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

async function untilBreaker(ringway: RingwayProcess, state: string): Promise<void> {
  await ringway.until(`the breaker is ${state}`, (snapshot) => {
    return backendStatus(snapshot).breaker === state;
  });
}

Deno.test("a circuit breaker opens, lets some try, and closes or opens again", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a }),
    backend: "circuit_breaker: { errors: 50%, connections: 6, open: 1s, trials: 2 }",
  }));
  deepStrictEqual(tally(await askNames(ringway.port(), 4)), { a: 4 });
  strictEqual(backendStatus(await ringway.snapshot()).breaker, "closed");

  await a.refuse();
  await until("it opens", async () => {
    await askNames(ringway.port(), 1);
    return backendStatus(await ringway.snapshot()).breaker === "open";
  }, { state: () => ringway.state });
  const failed = serverStatus(await ringway.snapshot(), "a").connect_failures;
  strictEqual(failed >= 4, true, `${failed} of those and 4 others: a half`);
  // The server is back, but nobody is let through.
  await a.comeBack();
  const taken = a.acceptedCount;
  let refused = 0;
  for (;;) {
    const name = await askName(ringway.port());
    if (backendStatus(await ringway.snapshot()).breaker !== "open") break;
    strictEqual(name === "a", false);
    strictEqual(a.acceptedCount, taken);
    refused++;
  }
  strictEqual(refused > 0, true);

  // Trials that fail.
  await a.refuse();
  strictEqual(await askName(ringway.port()) === "a", false);
  await untilBreaker(ringway, "open");
  // Trials that succeed.
  await a.comeBack();
  await untilBreaker(ringway, "half_open");
  await until("it closes", async () => {
    await askName(ringway.port());
    return backendStatus(await ringway.snapshot()).breaker === "closed";
  });
  deepStrictEqual(tally(await askNames(ringway.port(), 10)), { a: 10 });

  const events = (await ringway.snapshot()).events.filter(({ server }) => server === "");
  deepStrictEqual(events.map(({ from, to }) => `${from} to ${to}`), [
    "breaker closed to breaker open",
    "breaker open to breaker half open",
    "breaker half open to breaker open",
    "breaker open to breaker half open",
    "breaker half open to breaker closed",
  ]);
  match(events[0].reason, /%|of \d+/);
  await expectNoRestart(ringway);
});

Deno.test("half open no more than `trials` are let through at a time", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a }),
    backend: "circuit_breaker: { errors: 50%, connections: 6, open: 500ms, trials: 1 }",
  }));
  await a.refuse();
  await until("it opens", async () => {
    await askNames(ringway.port(), 1);
    return backendStatus(await ringway.snapshot()).breaker === "open";
  });
  await untilBreaker(ringway, "half_open");
  await a.comeBack();
  const names = await Promise.all(Array.from({ length: 12 }, () => askName(ringway.port())));
  const served = names.filter((name) => name === "a").length;
  strictEqual(served >= 1, true, ringway.state);
  await untilBreaker(ringway, "closed");
  deepStrictEqual(tally(await askNames(ringway.port(), 10)), { a: 10 });
  await expectNoRestart(ringway);
});

Deno.test("a breaker that few connections fail at stays closed", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({
    servers: named({ a, b }),
    backend: "circuit_breaker: true, outlier_detection: false",
  }));
  await a.refuse();
  // A third: one of two is tried and fails, then the other.
  deepStrictEqual(tally(await askNames(ringway.port(), 60)), { b: 60 });
  await ringway.untilTurned(1);
  strictEqual(backendStatus(await ringway.snapshot()).breaker, "closed");
  await expectNoRestart(ringway);
});
