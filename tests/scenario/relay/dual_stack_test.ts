import { strictEqual } from "node:assert/strict";
import { askName, Client } from "../client.ts";
import { configText } from "../config_text.ts";
import { echo, Origin, say } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("IPv6 clients reach IPv6 servers", async () => {
  await using origin = new Origin(echo, { hostname: "::1" });
  await using ringway = await startRingway(configText({ bind: "[::1]:0", servers: [origin] }));
  using client = await Client.connect(ringway.port(), "::1");
  strictEqual(await client.converse("over six"), "over six");
});

Deno.test("a bind without an address takes IPv4 and IPv6", async () => {
  await using origin = new Origin(say("one server"));
  await using ringway = await startRingway(configText({ bind: ":0", servers: [origin] }));
  strictEqual(await askName(ringway.port(), "127.0.0.1"), "one server");
  strictEqual(await askName(ringway.port(), "::1"), "one server");
});

Deno.test("IPv4 clients reach IPv6 servers", async () => {
  await using origin = new Origin(say("six"), { hostname: "::1" });
  await using ringway = await startRingway(configText({ servers: [origin] }));
  strictEqual(await askName(ringway.port()), "six");
});

Deno.test("a bind to one address leaves the others alone", async () => {
  await using origin = new Origin(say("never"));
  await using ringway = await startRingway(configText({ servers: [origin] }));
  // The same port of another loopback address is free for anybody.
  using other = Deno.listen({ hostname: "127.0.0.5", port: ringway.port() });
  strictEqual(other.addr.port, ringway.port());
});
