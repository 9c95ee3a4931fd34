import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { askName, askNameFrom, askNames, tally } from "../client.ts";
import { Origin, say } from "../origin.ts";
import { ROOT, RUN_MAIN, startRingway } from "../ringway_process.ts";

Deno.test("config/tcp.yaml: a primary with a standby, a cache by client address", async () => {
  const hostname = "127.0.0.1";
  await using primary = new Origin(say("primary"), { hostname });
  await using standby = new Origin(say("standby"), { hostname });
  await using cache1 = new Origin(say("cache-1"), { hostname });
  await using cache2 = new Origin(say("cache-2"), { hostname });
  await using ringway = await startRingway("", {
    command: [...RUN_MAIN, "serve", "-c", `${ROOT}/config/tcp.yaml`],
    environment: {
      POSTGRES_PORT: "0",
      CACHE_PORT: "0",
      PRIMARY_PORT: String(primary.port),
      STANDBY_PORT: String(standby.port),
      CACHE_1_PORT: String(cache1.port),
      CACHE_2_PORT: String(cache2.port),
    },
  });
  deepStrictEqual(tally(await askNames(ringway.port("postgres"), 10)), { primary: 10 });
  await primary.stop();
  deepStrictEqual(tally(await askNames(ringway.port("postgres"), 10)), { standby: 10 });

  const port = ringway.port("cache");
  const names: string[] = [];
  for (let i = 1; i <= 60; i++) {
    const name = await askNameFrom(`127.0.5.${i}`, port);
    strictEqual(await askNameFrom(`127.0.5.${i}`, port), name);
    names.push(name);
  }
  // Three to one by weight: 45 expected, standard deviation 3.4.
  const counts = tally(names);
  strictEqual(counts["cache-1"] > 25 && counts["cache-2"] > 0, true, JSON.stringify(counts));
  match(await askName(port), /^cache-[12]$/);
});
