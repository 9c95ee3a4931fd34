import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { askNames, Client, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, refusingAddresses, say } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("a client never sees that the first server refuses", async () => {
  await using origin = new Origin(say("second"));
  await using ringway = await startRingway(configText({
    servers: [...refusingAddresses(1), origin],
    backend: "balance: first, outlier_detection: false",
  }));
  deepStrictEqual(tally(await askNames(ringway.port(), 20)), { second: 20 });
  const { listeners, backends } = await ringway.snapshot();
  const [first, second] = backends[0].servers;
  strictEqual(listeners[0].refused, 0);
  deepStrictEqual([first.total, first.connect_failures, first.retries], [0, 20, 20]);
  deepStrictEqual([second.total, second.connect_failures, second.retries], [20, 0, 0]);
  await ringway.until("nothing is open", ({ backends }) => {
    return backends[0].servers.every(({ open }) => open === 0);
  });
});

Deno.test("what a client has sent before its server is found is not lost", async () => {
  await using origin = new Origin(async (connection) => {
    const buffer = new Uint8Array(100);
    const count = await connection.read(buffer);
    await connection.write(buffer.subarray(0, count ?? 0));
  });
  await using ringway = await startRingway(configText({
    servers: [...refusingAddresses(5), origin],
    backend: "balance: first, retries: 5",
  }));
  using client = await Client.connect(ringway.port());
  strictEqual(await client.converse("sent at once"), "sent at once");
});

for (const retries of [0, 2]) {
  Deno.test(`no more servers are tried than retries: ${retries} says`, async () => {
    await using ringway = await startRingway(configText({
      servers: refusingAddresses(5),
      backend: `retries: ${retries}`,
    }));
    using client = await Client.connect(ringway.port());
    deepStrictEqual(await client.receiveRest(), { text: "", end: "fin" });
    const { backends } = await ringway.until("the client is counted", ({ listeners }) => {
      return listeners[0].refused === 1 && listeners[0].open === 0;
    });
    const tried = backends[0].servers.map(({ connect_failures }) => connect_failures);
    strictEqual(Math.max(...tried), 1, "no server is tried twice for one connection");
    strictEqual(tried.reduce((sum, count) => sum + count), retries + 1);
  });
}
