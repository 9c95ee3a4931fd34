import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { CheckedServers } from "../checked_servers.ts";
import { askNames, tally } from "../client.ts";
import { named } from "../health_status.ts";
import { type HandshakeOptions, shakeHands } from "../real/openssl.ts";
import { startRingway } from "../ringway_process.ts";
import { startNamedServers } from "../tls/named_servers.ts";

Deno.test("a listener's subset: only servers that have all its labels", async () => {
  await using servers = await CheckedServers.start(["a", "b", "c", "d"]);
  const list = named(servers.addresses, {
    a: "labels: { version: v1, size: large }",
    b: "labels: { version: v2, size: large }",
    c: "labels: { version: v2, size: small }",
  });
  await using ringway = await startRingway(`
workers: 2
listeners:
  all: { bind: "127.0.0.1:0", backend: app }
  second: { bind: "127.0.0.1:0", backend: app, subset: { version: v2 } }
  one: { bind: "127.0.0.1:0", backend: app, subset: { version: v2, size: small } }
backends:
  app: { servers: [${list.join(", ")}], ${servers.check} }
`);
  const ask = async (listener: string, count = 24) => {
    return Object.keys(tally(await askNames(ringway.port(listener), count))).sort().join("");
  };
  strictEqual(await ask("all"), "abcd");
  strictEqual(await ask("second"), "bc");
  strictEqual(await ask("one"), "c");

  await servers.setDown(ringway, "b");
  strictEqual(await ask("all"), "acd");
  strictEqual(await ask("second"), "c");
  // Nobody of a subset is left: its servers are used whatever probes say, and no others.
  await servers.setDown(ringway, "c");
  strictEqual(await ask("one"), "c");
  strictEqual(await ask("second"), "b");
  strictEqual(await ask("all"), "abd");
});

Deno.test("a route's subset, beside another route to the same backend", async () => {
  await using servers = await startNamedServers();
  const { one, two, three } = servers.addresses;
  await using ringway = await startRingway(`
workers: 1
listeners:
  web:
    bind: "127.0.0.1:0"
    protocol: tls
    tls: passthrough
    backend: app
    subset: { kind: plain }
    routes:
      - { match: canary.test, backend: app, subset: { kind: canary } }
      - { match: any.test, backend: app }
backends:
  app:
    balance: round_robin
    servers:
      - { name: one, address: "${one}", labels: { kind: plain } }
      - { name: two, address: "${two}", labels: { kind: canary } }
      - { name: three, address: "${three}", labels: { kind: plain } }
`);
  const ask = async (asks: HandshakeOptions) => {
    const names = new Set<string | null>();
    for (let i = 0; i < 6; i++) names.add((await shakeHands(ringway.port(), asks)).name);
    return [...names].sort();
  };
  deepStrictEqual(await ask({ serverName: "canary.test" }), ["two"]);
  deepStrictEqual(await ask({ serverName: "any.test" }), ["one", "three", "two"]);
  deepStrictEqual(await ask({}), ["one", "three"]);
});
