import { strictEqual } from "node:assert/strict";
import { startHeaderWriter } from "../real/haproxy.ts";
import { shakeHands } from "../real/openssl.ts";
import { startRingway } from "../ringway_process.ts";
import { byByte, cutHello, inRecordsOf } from "./hello_cutter.ts";
import { startNamedServers, tlsConfig } from "./named_servers.ts";

const ASKS = { serverName: "one.example.test", alpn: ["h2"] };
/** Name and protocol both have to be read. */
const ROUTES = [
  "backend: three",
  "routes:",
  "  - { match: { sni: one.example.test, alpn: h2 }, backend: one }",
  "  - { match: { alpn: http/1.1 }, backend: two }",
];

const CUTS = {
  "byte by byte": byByte,
  "in two segments": (record: Uint8Array) => [record.subarray(0, 99), record.subarray(99)],
  "in records of one byte": inRecordsOf(1),
  "in records of a hundred bytes": inRecordsOf(100),
};

Deno.test("a hello is understood however it comes", async (t) => {
  await using servers = await startNamedServers();
  await using ringway = await startRingway(tlsConfig(servers, {
    web: ROUTES,
    inside: [...ROUTES, "proxy_protocol: true", "trusted_proxies: [127.0.0.0/8]"],
  }));
  for (const [what, cut] of Object.entries(CUTS)) {
    await t.step(what, async () => {
      await using cutter = cutHello(ringway.port("web"), cut);
      const { hostname, port } = cutter;
      // The server reads the same records, and its answer is bound to what it has read.
      const handshake = await shakeHands(port, { hostname, ...ASKS });
      strictEqual(handshake.name, "one", handshake.log);
      strictEqual(handshake.alpn, "h2");
    });
  }
  await t.step("of several kilobytes", async () => {
    const invented = Array.from({ length: 30 }, (_, i) => `protocol-${i}-${"x".repeat(150)}`);
    const alpn = [...invented, "h2"];
    const handshake = await shakeHands(ringway.port("web"), { ...ASKS, alpn });
    strictEqual(handshake.name, "one", handshake.log);
    strictEqual(handshake.alpn, "h2");
  });
  for (const version of ["v1", "v2"] as const) {
    await t.step(`behind HAProxy's ${version} header`, async () => {
      await using writer = await startHeaderWriter(version, ringway.port("inside"));
      const handshake = await shakeHands(writer.port, { hostname: writer.hostname, ...ASKS });
      strictEqual(handshake.name, "one", handshake.log);
    });
  }
});
