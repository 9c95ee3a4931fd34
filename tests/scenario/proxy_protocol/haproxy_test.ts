import { match, strictEqual } from "node:assert/strict";
import { startHeaderReader, startHeaderWriter } from "../real/haproxy.ts";
import { startRingway } from "../ringway_process.ts";
import { get } from "./proxy_client.ts";

const CLIENT = "127.0.5.7";
const TRUSTING = "proxy_protocol: true, trusted_proxies: [127.0.0.0/8]";

Deno.test("Ringway and HAProxy read each other's headers", async (t) => {
  await using reader = await startHeaderReader();
  await using ringway = await startRingway(`
workers: 1
listeners:
  from-v1: { bind: "127.0.0.1:0", backend: to-v2, ${TRUSTING} }
  from-v2: { bind: "127.0.0.1:0", backend: to-v1, ${TRUSTING} }
  as-v1: { bind: "127.0.0.1:0", backend: to-v1 }
  as-v2: { bind: "127.0.0.1:0", backend: to-v2 }
  bare: { bind: "127.0.0.1:0", backend: without }
backends:
  to-v1: { servers: ["${reader.address}"], proxy_protocol: v1 }
  to-v2: { servers: ["${reader.address}"], proxy_protocol: v2 }
  without: { servers: ["${reader.address}"] }
`);
  for (const version of ["v1", "v2"] as const) {
    await t.step(`HAProxy reads the client's address in Ringway's ${version} header`, async () => {
      const port = ringway.port(`as-${version}`);
      const { body, from } = await get(port, { from: CLIENT });
      match(from, /^127\.0\.5\.7:/);
      strictEqual(body, `${from} 127.0.0.1:${port}`);
    });
    await t.step(`Ringway passes on what HAProxy's ${version} header says`, async () => {
      await using writer = await startHeaderWriter(version, ringway.port(`from-${version}`));
      const { body, from } = await get(writer.port, { from: CLIENT, hostname: writer.hostname });
      match(from, /^127\.0\.5\.7:/);
      // Both ends are those of the connection to HAProxy, not of that to Ringway.
      strictEqual(body, `${from} ${writer.address}`);
    });
  }
  await t.step("HAProxy closes connections that come without a header", async () => {
    const { body } = await get(ringway.port("bare"));
    strictEqual(body, "", "this is how the steps above would fail");
  });
});
