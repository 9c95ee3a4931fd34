import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { type Failure, type LoadReport } from "../connection_load.ts";
import { GreetingServer } from "../greeting_server.ts";
import { changesOf, expectNoRestart, named, serverStatus, untilElapsed } from "../health_status.ts";
import { LoadProcess } from "../load_process.ts";
import { greet, MoodyServer } from "../moody_server.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

/** At a time: so many can be open to a server in the moment in which it is killed. */
const CLIENTS = 4;
const FLAPS = 2;
const FLAP_MS = 1000;
const LOAD = import.meta.resolve("../connection_load.ts");

/** What the load has met since it was asked last. */
async function ask(load: LoadProcess, line = "report"): Promise<LoadReport> {
  await load.tell(line);
  return await load.next<LoadReport>("what it has met");
}

/** Waits until each of these servers has served some, and nothing has failed meanwhile. */
async function untilUsed(load: LoadProcess, names: string): Promise<void> {
  const counts: Record<string, number> = {};
  await until(`${names} have served 20 each`, async () => {
    const { servedBy, failures } = await ask(load);
    deepStrictEqual(failures, []);
    for (const name of names) counts[name] = (counts[name] ?? 0) + (servedBy[name] ?? 0);
    return Object.values(counts).every((count) => count >= 20);
  }, { state: () => JSON.stringify(counts) });
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Fails unless every failure is one of a connection that was there in one of these spans. */
function onlyWithin(failures: readonly Failure[], spans: readonly [number, number][]): void {
  const others = failures.filter(({ startedMs, endedMs }) => {
    return !spans.some(([begin, end]) => startedMs <= end && endedMs >= begin);
  });
  deepStrictEqual(others, [], `only ${JSON.stringify(spans)}`);
  strictEqual(failures.length <= CLIENTS * spans.length, true, `${failures.length} failures`);
}

Deno.test("a server that is killed under load costs only what was open to it", async () => {
  await using a = await GreetingServer.start("a");
  await using b = await GreetingServer.start("b");
  await using c = await GreetingServer.start("c");
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b, c }),
    backend: "outlier_detection: { eject: 1s }",
  }));
  await using load = new LoadProcess(LOAD, [String(ringway.port()), String(CLIENTS)]);
  await untilUsed(load, "abc");
  const beginMs = now();
  const endMs = await b.kill();
  let met: Failure[] = [];
  await until("it is ejected", async () => {
    met = met.concat((await ask(load)).failures);
    return serverStatus(await ringway.snapshot(), "b").state === "ejected";
  }, { state: () => ringway.state });
  const without = await ask(load);
  met = met.concat(without.failures);
  onlyWithin(met, [[beginMs, endMs]]);

  await b.restart();
  await untilUsed(load, "abc");
  const { failures, slowestMs } = await ask(load, "end");
  deepStrictEqual(failures, []);
  strictEqual(slowestMs < 1500, true, `${slowestMs} ms`);
  deepStrictEqual(changesOf(await ringway.snapshot(), "b").slice(0, 2), [
    "up to ejected",
    "ejected to up",
  ]);
  await expectNoRestart(ringway);
});

for (
  const { what, backend } of [
    { what: "with passive ejection alone", backend: "outlier_detection: { eject: 300ms }" },
    {
      what: "with probes, and connections closed when it goes down",
      backend: `on_down: close, slow_start: 1s,
        health_check: { tcp: true, interval: 100ms, timeout: 100ms, fall: 2, rise: 2 }`,
    },
  ]
) {
  Deno.test(`a server that flaps costs only what was open to it, ${what}`, async () => {
    await using a = await MoodyServer.start(greet("a"));
    await using b = await MoodyServer.start(greet("b"));
    await using c = await MoodyServer.start(greet("c"));
    await using ringway = await startRingway(configText({
      workers: 2,
      servers: named({ a, b, c }),
      backend,
    }));
    await using load = new LoadProcess(LOAD, [String(ringway.port()), String(CLIENTS)]);
    const spans: [number, number][] = [];
    const met: Failure[] = [];
    for (let flap = 0; flap < FLAPS; flap++) {
      await untilElapsed(FLAP_MS);
      const beginMs = now();
      await a.refuse();
      a.resetAll();
      spans.push([beginMs, now()]);
      await untilElapsed(FLAP_MS);
      await a.comeBack();
    }
    await untilElapsed(FLAP_MS);
    const { servedBy, failures } = await ask(load, "end");
    met.push(...failures);
    onlyWithin(met, spans);
    strictEqual(servedBy.a > 0, true, JSON.stringify(servedBy));
    strictEqual(servedBy.b > servedBy.a && servedBy.c > servedBy.a, true, JSON.stringify(servedBy));
    await expectNoRestart(ringway);
  });
}
