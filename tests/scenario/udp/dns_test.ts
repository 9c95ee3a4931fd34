import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { openFileCount } from "../process_table.ts";
import {
  dig,
  digAddress,
  HOST_ADDRESS,
  HOST_NAME,
  LONG_NAME,
  LONG_TEXT,
  runDnsperf,
  SERVER_NAME,
  startDnsmasq,
} from "../real/dnsmasq.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";
import { datagramCount } from "../access/listener_counts.ts";

/** One question, one answer. */
const DNS = "protocol: udp, udp: { responses: 1 }";

Deno.test("dig is answered rightly, by two dnsmasq in turn, and no flow is left", async () => {
  await using one = await startDnsmasq("one");
  await using two = await startDnsmasq("two");
  await using ringway = await startRingway(configText({ servers: [one, two], listener: DNS }));
  const { workers } = await ringway.snapshot();
  const before = openFileCount(workers[0].pid);
  strictEqual(await digAddress({ port: ringway.port() }, HOST_NAME), HOST_ADDRESS);
  strictEqual(await digAddress({ port: ringway.port() }, "none.example.test"), "");
  const names: string[] = [];
  for (let i = 0; i < 10; i++) names.push(await dig({ port: ringway.port() }, SERVER_NAME));
  deepStrictEqual(tally(names), { one: 5, two: 5 });

  const snapshot = await ringway.until("no flow is open", ({ listeners, backends }) => {
    return listeners[0].open === 0 && backends[0].servers.every(({ open }) => open === 0);
  });
  strictEqual(snapshot.listeners[0].total, 12);
  strictEqual(snapshot.listeners[0].refused, 0);
  deepStrictEqual(snapshot.backends[0].servers.map(({ total }) => total), [6, 6]);
  strictEqual(datagramCount(snapshot, "received"), 12);
  strictEqual(datagramCount(snapshot, "sent"), 12);
  strictEqual(datagramCount(snapshot, "dropped"), 0);
  await until("no file is open", () => openFileCount(workers[0].pid) === before);
});

Deno.test("an answer of more than 512 bytes comes whole, by UDP and by TCP", async () => {
  await using server = await startDnsmasq("one");
  await using ringway = await startRingway(`
workers: 1
listeners:
  datagrams: { bind: "127.0.0.1:0", ${DNS}, backend: dns }
  connections: { bind: "127.0.0.1:0", backend: dns }
backends:
  dns: { servers: ["${server.address}"] }
`);
  const long = Array(12).fill(LONG_TEXT).join(" ");
  // Without +ignore dig would ask again over TCP when an answer is cut.
  strictEqual(
    await dig({ port: ringway.port("datagrams") }, LONG_NAME, "+bufsize=4096", "+ignore"),
    long,
  );
  strictEqual(await dig({ port: ringway.port("connections") }, LONG_NAME, "+tcp"), long);
});

for (
  const { what, listener } of [
    { what: "flows that end with the answer", listener: DNS },
    { what: "flows that last", listener: "protocol: udp" },
  ]
) {
  Deno.test(`dnsperf, ${what}: no question is lost`, async () => {
    await using one = await startDnsmasq("one");
    await using two = await startDnsmasq("two");
    await using ringway = await startRingway(configText({
      workers: 2,
      servers: [one, two],
      listener,
    }));
    const count = 4000;
    const result = await runDnsperf({ port: ringway.port() }, { count, clients: 20 });
    deepStrictEqual(result, {
      sent: count,
      completed: count,
      lost: 0,
      codes: `NOERROR ${count} (100.00%)`,
    });
    const snapshot = await ringway.snapshot();
    strictEqual(datagramCount(snapshot, "received"), count);
    strictEqual(datagramCount(snapshot, "sent"), count);
    strictEqual(datagramCount(snapshot, "dropped"), 0);
  });
}
