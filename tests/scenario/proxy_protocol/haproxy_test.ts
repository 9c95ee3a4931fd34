import { equal, match } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { startHeaderReader, startHeaderWriter } from "../real/haproxy.ts";
import { startRingway } from "../ringway_process.ts";
import { get } from "./proxy_client.ts";

const CLIENT = "127.0.5.7";

for (const version of ["v1", "v2"] as const) {
  Deno.test(`HAProxy reads the client's address in Ringway's ${version} header`, async () => {
    await using reader = await startHeaderReader();
    await using ringway = await startRingway(configText({
      servers: [reader],
      backend: `proxy_protocol: ${version}`,
    }));
    const { body, from } = await get(ringway.port(), { from: CLIENT });
    match(from, /^127\.0\.5\.7:/);
    equal(body, `${from} 127.0.0.1:${ringway.port()}`);
  });

  Deno.test(`Ringway passes on what HAProxy's ${version} header says`, async () => {
    await using reader = await startHeaderReader();
    await using ringway = await startRingway(configText({
      servers: [reader],
      listener: "proxy_protocol: true, trusted_proxies: [127.0.0.0/8]",
      backend: `proxy_protocol: ${version === "v1" ? "v2" : "v1"}`,
    }));
    await using writer = await startHeaderWriter(version, ringway.port());
    const places = { from: CLIENT, hostname: writer.hostname };
    const { body, from } = await get(writer.port, places);
    match(from, /^127\.0\.5\.7:/);
    // Both ends are those of the connection to HAProxy, not of that to Ringway.
    equal(body, `${from} ${writer.address}`);
  });
}

Deno.test("HAProxy closes connections of a Ringway that sends no header", async () => {
  await using reader = await startHeaderReader();
  await using ringway = await startRingway(configText({ servers: [reader] }));
  const { body } = await get(ringway.port());
  equal(body, "", "this is how the tests above would fail");
});
