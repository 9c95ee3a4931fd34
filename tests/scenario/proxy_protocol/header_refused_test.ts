import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type Reason, refusals } from "../access/listener_counts.ts";
import { configText } from "../config_text.ts";
import { echo, Origin } from "../origin.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { ClientFrom } from "./proxy_client.ts";
import { ENDS, headerV1, headerV2, headerV2WithChecksum } from "./proxy_header.ts";

async function startWith(origin: Origin, headerMs = 3000): Promise<RingwayProcess> {
  return await startRingway(configText({
    servers: [origin],
    listener: `proxy_protocol: true, trusted_proxies: [127.0.5.0/24], ` +
      `timeouts: { proxy_header: ${headerMs}ms }`,
  }));
}

/** What a client from `from` that sends `what` gets before its end. */
async function textFor(
  ringway: RingwayProcess,
  what: string | Uint8Array,
  from = "127.0.5.7",
): Promise<string> {
  using client = await ClientFrom.connect(ringway.port(), { from });
  client.send(what);
  return (await client.untilEnded()).text;
}

async function untilRefused(ringway: RingwayProcess, reason: Reason, count: number) {
  const snapshot = await ringway.until(`${count} are refused as ${reason}`, (snapshot) => {
    return refusals(snapshot, reason) === count && snapshot.listeners[0].open === 0;
  });
  strictEqual(snapshot.backends[0].servers[0].total, 0, "no server was asked");
}

Deno.test("who is no trusted proxy is closed, whatever it says", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startWith(origin);
  strictEqual(await textFor(ringway, `${headerV1()}let me in`, "127.0.6.1"), "");
  strictEqual(await textFor(ringway, "no header", "127.0.6.1"), "");
  await untilRefused(ringway, "untrusted", 2);
  using trusted = await ClientFrom.connect(ringway.port(), { from: "127.0.5.7" });
  trusted.send(`${headerV1()}let me in`);
  await trusted.untilReceived("let me in");
  strictEqual(origin.acceptedCount, 1);
});

const BROKEN: Readonly<Record<string, string | Uint8Array>> = {
  "HTTP": "GET / HTTP/1.1\r\nHost: test\r\n\r\n",
  "a TLS hello": new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
  "an address that is none": "PROXY TCP4 198.51.100.777 203.0.113.1 4711 443\r\n",
  "a port that is none": headerV1({ ...ENDS, fromPort: 70_000 }),
  "a v1 line that never ends": `PROXY TCP4 ${"1".repeat(200)}`,
  "a v2 header of version 3": headerV2().map((byte, i) => i === 12 ? 0x31 : byte),
  "a v2 header too short for its addresses": headerV2().map((byte, i) => i === 15 ? 4 : byte),
  "a v2 header with a wrong checksum": headerV2WithChecksum({ error: 1 }),
};

Deno.test("what is no header closes the connection at once, and is counted", async (t) => {
  await using origin = new Origin(echo);
  await using ringway = await startWith(origin);
  let count = 0;
  for (const [what, bytes] of Object.entries(BROKEN)) {
    await t.step(what, async () => {
      strictEqual(await textFor(ringway, bytes), "");
      await untilRefused(ringway, "proxy_header", ++count);
    });
  }
});

Deno.test("a header that does not come in time closes the connection", async (t) => {
  const headerMs = 300;
  await using origin = new Origin(echo);
  await using ringway = await startWith(origin, headerMs);
  const parts = { "nothing": "", "half of one": headerV2().subarray(0, 20), "half a line": "PROX" };
  let count = 0;
  for (const [what, part] of Object.entries(parts)) {
    await t.step(`${what} comes`, async () => {
      const startedMs = performance.now();
      strictEqual(await textFor(ringway, part), "");
      const tookMs = performance.now() - startedMs;
      strictEqual(tookMs > headerMs * 0.8, true, `it took ${tookMs} ms`);
      await untilRefused(ringway, "proxy_header", ++count);
    });
  }
  strictEqual(origin.acceptedCount, 0);
});

Deno.test("clients that dribble their header do not hold others up", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startWith(origin, 1000);
  using slow = new DisposableStack();
  for (let i = 0; i < 50; i++) {
    const client = slow.use(await ClientFrom.connect(ringway.port(), { from: "127.0.5.7" }));
    client.send("PROXY ");
  }
  using client = await ClientFrom.connect(ringway.port(), { from: "127.0.5.8" });
  client.send(`${headerV1()}quick`);
  await client.untilReceived("quick");
  deepStrictEqual(client.text, "quick");
  await ringway.until("the slow ones are refused", (snapshot) => {
    return refusals(snapshot, "proxy_header") === 50;
  });
});
