import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { askName, askNameFrom } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, say } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";
import { refusals } from "./listener_counts.ts";

/** What a client from `from` gets; refused ones may see a reset, which is "" too. */
async function nameFor(from: string, port: number): Promise<string> {
  return await askNameFrom(from, port).catch(() => "");
}

Deno.test("only those in allow get in, and of them nobody in deny", async () => {
  await using origin = new Origin(say("welcome"));
  await using ringway = await startRingway(configText({
    servers: [origin],
    listener: "allow: [127.0.5.0/24, 127.0.6.1], deny: [127.0.5.128/25]",
  }));
  const port = ringway.port();
  const clients = {
    "127.0.5.1": "welcome",
    "127.0.5.127": "welcome",
    "127.0.5.128": "",
    "127.0.5.200": "",
    "127.0.6.1": "welcome",
    "127.0.6.2": "",
    "127.0.0.1": "",
  };
  for (const [client, expected] of Object.entries(clients)) {
    strictEqual(await nameFor(client, port), expected, client);
  }
  await ringway.until("four are refused", (snapshot) => {
    return refusals(snapshot, "denied") === 4 && snapshot.listeners[0].open === 0;
  });
  strictEqual(origin.acceptedCount, 3, "no server was asked for the others");
});

Deno.test("lists of listeners: deny alone, of a bind without an address, none", async (t) => {
  await using origin = new Origin(say("welcome"));
  await using ringway = await startRingway(`
workers: 2
listeners:
  deny: { bind: "127.0.0.1:0", backend: app, deny: [127.0.5.7] }
  both: { bind: ":0", backend: app, allow: [127.0.5.0/24, '::1'] }
  inner: { bind: "127.0.0.1:0", backend: app, allow: [10.0.0.0/8] }
  outer: { bind: "127.0.0.1:0", backend: app }
backends:
  app: ["${origin.address}"]
`);
  await t.step("with deny alone everybody else gets in", async () => {
    strictEqual(await nameFor("127.0.5.7", ringway.port("deny")), "");
    strictEqual(await nameFor("127.0.5.8", ringway.port("deny")), "welcome");
  });
  await t.step("IPv4 clients of a bind without an address are judged as IPv4", async () => {
    strictEqual(await nameFor("127.0.5.7", ringway.port("both")), "welcome");
    strictEqual(await nameFor("127.0.6.7", ringway.port("both")), "");
    strictEqual(await askName(ringway.port("both"), "::1"), "welcome");
  });
  await t.step("lists of one listener do not touch another", async () => {
    for (let i = 0; i < 10; i++) {
      strictEqual(await nameFor("127.0.0.1", ringway.port("inner")), "");
      strictEqual(await nameFor("127.0.0.1", ringway.port("outer")), "welcome");
    }
    const snapshot = await ringway.snapshot();
    deepStrictEqual(["inner", "outer"].map((name) => refusals(snapshot, "denied", name)), [10, 0]);
  });
});
