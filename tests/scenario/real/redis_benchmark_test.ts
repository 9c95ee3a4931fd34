import { deepEqual, equal, match } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { startRingway } from "../ringway_process.ts";
import { commandCount, runRedisBenchmark, startRedis } from "./redis.ts";

const REQUESTS = 20_000;

for (
  const { what, clients, bytes, pipeline } of [
    { what: "50 clients with small values", clients: 50, bytes: 100, pipeline: 1 },
    { what: "pipelines of 32", clients: 20, bytes: 1000, pipeline: 32 },
  ]
) {
  Deno.test(`redis-benchmark, ${what}: every command is done and none fails`, async () => {
    await using redis = await startRedis();
    await using ringway = await startRingway(configText({ workers: 2, servers: [redis] }));
    const load = { clients, requests: REQUESTS, bytes, pipeline };
    const report = await runRedisBenchmark(ringway.port(), load);
    match(report, /^"SET","[\d.]+"/m);
    match(report, /^"GET","[\d.]+"/m);
    deepEqual(await commandCount(redis, "set"), { calls: REQUESTS, failed: 0 });
    deepEqual(await commandCount(redis, "get"), { calls: REQUESTS, failed: 0 });
    const { listeners, backends } = await ringway.until("nothing is open", (snapshot) => {
      return snapshot.listeners[0].open === 0;
    });
    equal(listeners[0].refused, 0);
    equal(backends[0].servers[0].resets, 0);
  });
}
