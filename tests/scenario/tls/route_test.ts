import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { refusals } from "../access/listener_counts.ts";
import { type HandshakeOptions, shakeHands } from "../real/openssl.ts";
import { startRingway } from "../ringway_process.ts";
import { startNamedServers, tlsConfig } from "./named_servers.ts";

Deno.test("a TLS connection goes to the backend of the first route that matches", async (t) => {
  await using servers = await startNamedServers();
  await using ringway = await startRingway(tlsConfig(servers, {
    web: [
      "backend: three",
      "routes:",
      "  - { match: one.example.test, backend: one }",
      '  - { match: ["*.two.example.test", other.test], backend: two }',
      "  - { name: http2, match: { alpn: h2 }, backend: two }",
      "  - { match: { sni: mixed.test, alpn: [acme-tls/1] }, backend: one }",
    ],
  }));
  const cases: readonly { what: string; asks: HandshakeOptions; name: string }[] = [
    { what: "by its exact name", asks: { serverName: "one.example.test" }, name: "one" },
    { what: "by its name in capitals", asks: { serverName: "ONE.example.TEST" }, name: "one" },
    { what: "with TLS 1.2", asks: { serverName: "other.test", options: ["-tls1_2"] }, name: "two" },
    { what: "by a wildcard", asks: { serverName: "a.two.example.test" }, name: "two" },
    { what: "by labels under it", asks: { serverName: "a.b.two.example.test" }, name: "two" },
    {
      what: "not the name under the wildcard",
      asks: { serverName: "two.example.test" },
      name: "three",
    },
    {
      what: "not a name that only ends so",
      asks: { serverName: "xone.example.test" },
      name: "three",
    },
    { what: "without a name to the default", asks: {}, name: "three" },
    { what: "by protocol, with no name", asks: { alpn: ["http/1.1", "h2"] }, name: "two" },
    { what: "not by another protocol", asks: { alpn: ["http/1.1"] }, name: "three" },
    {
      what: "by name before protocol, which stands first",
      asks: { serverName: "one.example.test", alpn: ["h2"] },
      name: "one",
    },
    {
      what: "by name and protocol, both",
      asks: { serverName: "mixed.test", alpn: ["acme-tls/1"] },
      name: "one",
    },
    { what: "not by one of both", asks: { serverName: "mixed.test" }, name: "three" },
  ];
  for (const { what, asks, name } of cases) {
    await t.step(what, async () => {
      const handshake = await shakeHands(ringway.port(), asks);
      strictEqual(handshake.name, name, handshake.log);
      // What the server has chosen of what the client offers: nothing was changed on the way.
      if (asks.alpn !== undefined) strictEqual(asks.alpn.includes(handshake.alpn!), true);
    });
  }
  const { listeners } = await ringway.snapshot();
  deepStrictEqual([listeners[0].total, listeners[0].refused], [cases.length, 0]);
});

Deno.test("without a default backend, without routes, with lists of routes", async (t) => {
  await using servers = await startNamedServers();
  await using ringway = await startRingway(tlsConfig(servers, {
    strict: [
      "routes:",
      "  - { match: one.example.test, backend: one }",
      "  - { match: { sni: two.example.test, alpn: h2 }, backend: two }",
    ],
    plain: ["backend: one"],
    guarded: [
      "backend: three",
      "routes:",
      "  - { match: one.example.test, backend: one, deny: [127.0.0.0/8] }",
      "  - { match: two.example.test, backend: two, allow: [127.0.0.1] }",
    ],
  }));
  const ask = async (listener: string, asks: HandshakeOptions) => {
    return await shakeHands(ringway.port(listener), asks);
  };

  await t.step("who has no route and no default gets an alert that says why", async () => {
    const unknownName = /unrecognized name.*SSL alert number 112/;
    const unknownProtocol = /no application protocol.*SSL alert number 120/;
    const cases: readonly { asks: HandshakeOptions; reason: RegExp }[] = [
      { asks: { serverName: "stranger.test", alpn: ["h2"] }, reason: unknownName },
      { asks: {}, reason: unknownName },
      { asks: { serverName: "two.example.test", alpn: ["http/1.1"] }, reason: unknownProtocol },
    ];
    for (const { asks, reason } of cases) {
      const { name, log } = await ask("strict", asks);
      strictEqual(name, null);
      match(log, reason);
    }
    const snapshot = await ringway.until("three are refused", (snapshot) => {
      return refusals(snapshot, "no_route", "strict") === 3;
    });
    strictEqual(snapshot.listeners[0].open, 0);
    strictEqual((await ask("strict", { serverName: "one.example.test" })).name, "one");
  });

  await t.step("a listener without routes passes everything to its backend", async () => {
    for (const asks of [{ serverName: "whatever.test" }, {}]) {
      strictEqual((await ask("plain", asks)).name, "one");
    }
  });

  await t.step("routes have their own allow and deny lists", async () => {
    strictEqual((await ask("guarded", { serverName: "one.example.test" })).name, null);
    strictEqual((await ask("guarded", { serverName: "two.example.test" })).name, "two");
    strictEqual((await ask("guarded", {})).name, "three");
    await ringway.until("one is refused", (snapshot) => {
      return refusals(snapshot, "denied", "guarded") === 1;
    });
  });
});

Deno.test("hash_on: sni keeps a name at its server, and spreads names", async () => {
  await using servers = await startNamedServers();
  const { one, two, three } = servers.addresses;
  await using ringway = await startRingway(`
workers: 1
listeners:
  web: { bind: "127.0.0.1:0", protocol: tls, tls: passthrough, backend: app }
backends:
  app:
    # Names, because those without are hashed by their ports, which are others each time.
    servers:
      - { address: "${one}", name: one }
      - { address: "${two}", name: two }
      - { address: "${three}", name: three }
    balance: consistent_hash
    hash_on: sni
`);
  const names = new Set<string>();
  for (let i = 0; i < 6; i++) {
    const serverName = `host-${i}.example.test`;
    const { name } = await shakeHands(ringway.port(), { serverName });
    strictEqual((await shakeHands(ringway.port(), { serverName })).name, name);
    names.add(name!);
  }
  strictEqual(names.size > 1, true, "names are at different servers");
});
