import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { startRingway } from "../ringway_process.ts";
import { runPgbench, startPostgres } from "./postgres.ts";

Deno.test("pgbench: every transaction is done, on lasting and on new connections", async () => {
  await using postgres = await startPostgres();
  await using ringway = await startRingway(configText({ workers: 2, servers: [postgres] }));
  const none = "0 (0.000%)";
  const lasting = await runPgbench(ringway.port(), { clients: 10, transactions: 300 });
  deepStrictEqual(lasting, { processed: "3000/3000", failed: none });
  const load = { clients: 5, transactions: 20, connectEach: true };
  deepStrictEqual(await runPgbench(ringway.port(), load), { processed: "100/100", failed: none });
  const { listeners } = await ringway.until("nothing is open", (snapshot) => {
    return snapshot.listeners[0].open === 0;
  });
  strictEqual(listeners[0].total >= 110, true, `${listeners[0].total} connections`);
  strictEqual(listeners[0].refused, 0);
});
