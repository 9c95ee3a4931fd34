import { deepEqual, equal } from "node:assert/strict";
import { askName, askNameFrom, askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say } from "../origin.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";
import { refusals } from "./listener_counts.ts";

async function startWith(origin: Origin, limits: string, workers = 1): Promise<RingwayProcess> {
  return await startRingway(configText({
    workers,
    servers: [origin],
    listener: `limits: { ${limits} }`,
  }));
}

Deno.test("connection_rate lets a burst in, and closes what comes faster", async () => {
  await using origin = new Origin(say("in"));
  await using ringway = await startWith(origin, 'connection_rate: { rate: "1/h", burst: 5 }');
  const names = await askNames(ringway.port(), 12);
  deepEqual(names.slice(0, 5), Array(5).fill("in"));
  equal(tally(names).in, 5);
  await ringway.until("seven are refused", (snapshot) => refusals(snapshot, "rate") === 7);
  equal(origin.acceptedCount, 5);
});

Deno.test("connection_rate holds for all workers together", async () => {
  await using origin = new Origin(say("in"));
  await using ringway = await startWith(origin, 'connection_rate: { rate: "1/h", burst: 10 }', 2);
  const names = await askNames(ringway.port(), 60);
  // A worker may have its share only; together they never let in more.
  const count = tally(names).in;
  equal(count >= 5 && count <= 10, true, `${count} got in`);
});

Deno.test("a rate fills up again with time", async () => {
  await using origin = new Origin(say("in"));
  await using ringway = await startWith(origin, 'connection_rate: { rate: "4/s", burst: 1 }');
  equal(await askName(ringway.port()), "in");
  const startedMs = performance.now();
  let asked = 0;
  await until("four more get in", async () => {
    asked++;
    await askName(ringway.port());
    return origin.acceptedCount === 5;
  });
  const tookMs = performance.now() - startedMs;
  equal(tookMs > 800, true, `it took ${tookMs} ms for ${asked}`);
});

Deno.test("connection_rate_per_ip counts each address alone", async () => {
  await using origin = new Origin(say("in"));
  const rate = 'connection_rate_per_ip: { rate: "1/h", burst: 3 }';
  await using ringway = await startWith(origin, rate);
  const ask = (from: string) => askNameFrom(from, ringway.port()).catch(() => "");
  for (const from of ["127.0.5.7", "127.0.5.8"]) {
    const names: string[] = [];
    for (let i = 0; i < 6; i++) names.push(await ask(from));
    deepEqual(names, ["in", "in", "in", "", "", ""], from);
  }
  await ringway.until("six are refused", (snapshot) => refusals(snapshot, "client_rate") === 6);
});
