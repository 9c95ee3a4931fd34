import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { startRingway } from "../ringway_process.ts";
import { commandCount, runRedisBenchmark, startRedis } from "./redis.ts";

const REQUESTS = 20_000;
const LOADS = {
  "50 clients with small values": { clients: 50, bytes: 100, pipeline: 1 },
  "pipelines of 32": { clients: 20, bytes: 1000, pipeline: 32 },
};

Deno.test("redis-benchmark: every command is done and none fails", async (t) => {
  await using redis = await startRedis();
  await using ringway = await startRingway(configText({ workers: 2, servers: [redis] }));
  let calls = 0;
  for (const [what, load] of Object.entries(LOADS)) {
    await t.step(what, async () => {
      const report = await runRedisBenchmark(ringway.port(), { ...load, requests: REQUESTS });
      match(report, /^"SET","[\d.]+"/m);
      match(report, /^"GET","[\d.]+"/m);
      calls += REQUESTS;
      deepStrictEqual(await commandCount(redis, "set"), { calls, failed: 0 });
      deepStrictEqual(await commandCount(redis, "get"), { calls, failed: 0 });
      const { listeners, backends } = await ringway.until("nothing is open", (snapshot) => {
        return snapshot.listeners[0].open === 0;
      });
      strictEqual(listeners[0].refused, 0);
      strictEqual(backends[0].servers[0].resets, 0);
    });
  }
});
