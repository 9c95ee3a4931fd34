import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { askName, askNameFrom, askNames, tally } from "../client.ts";
import { Origin, say } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";
import { refusals } from "./listener_counts.ts";

Deno.test("rates let a burst in and reset what comes faster", async (t) => {
  await using origin = new Origin(say("in"));
  const rows = Object.entries({
    burst: 'connection_rate: { rate: "1/h", burst: 5 }',
    refilled: 'connection_rate: { rate: "4/s", burst: 1 }',
    each: 'connection_rate_per_ip: { rate: "1/h", burst: 3 }',
  }).map(([name, limit]) => {
    return `  ${name}: { bind: "127.0.0.1:0", backend: app, limits: { ${limit} } }`;
  });
  // Whichever of the workers a connection meets: they have one rate together.
  await using ringway = await startRingway(`
workers: 2
listeners:
${rows.join("\n")}
backends:
  app: ["${origin.address}"]
`);

  await t.step("connection_rate: the burst, and no more", async () => {
    const names = await askNames(ringway.port("burst"), 20);
    deepStrictEqual(names.slice(0, 5), Array(5).fill("in"));
    strictEqual(tally(names).in, 5);
    await ringway.until("all others are refused", (snapshot) => {
      return refusals(snapshot, "rate", "burst") === 15;
    });
    strictEqual(origin.acceptedCount, 5);
  });

  await t.step("a rate fills up again with time", async () => {
    const before = origin.acceptedCount;
    strictEqual(await askName(ringway.port("refilled")), "in");
    const startedMs = performance.now();
    let asked = 0;
    await until("four more get in", async () => {
      asked++;
      await askName(ringway.port("refilled"));
      return origin.acceptedCount === before + 5;
    });
    const tookMs = performance.now() - startedMs;
    strictEqual(tookMs > 800, true, `it took ${tookMs} ms for ${asked}`);
  });

  await t.step("connection_rate_per_ip counts each address alone", async () => {
    const ask = (from: string) => askNameFrom(from, ringway.port("each")).catch(() => "");
    for (const from of ["127.0.5.7", "127.0.5.8"]) {
      const names: string[] = [];
      for (let i = 0; i < 6; i++) names.push(await ask(from));
      deepStrictEqual(names, ["in", "in", "in", "", "", ""], from);
    }
    await ringway.until("six are refused", (snapshot) => {
      return refusals(snapshot, "client_rate", "each") === 6;
    });
  });
});
