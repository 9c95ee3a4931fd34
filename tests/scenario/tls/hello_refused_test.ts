import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { refusals } from "../access/listener_counts.ts";
import { configText } from "../config_text.ts";
import { echo, Origin } from "../origin.ts";
import { ClientFrom } from "../proxy_protocol/proxy_client.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";

const HELLO_MS = 300;
const HANDSHAKE = 0x16;
const ALERT = 0x15;
const FATAL = 2;

async function startWith(origin: Origin): Promise<RingwayProcess> {
  return await startRingway(configText({
    servers: [origin],
    listener: `protocol: tls, tls: passthrough, timeouts: { client_hello: ${HELLO_MS}ms }`,
  }));
}

async function untilRefused(ringway: RingwayProcess, count: number): Promise<void> {
  const snapshot = await ringway.until(`${count} are refused`, (snapshot) => {
    return refusals(snapshot, "client_hello") === count && snapshot.listeners[0].open === 0;
  });
  strictEqual(snapshot.backends[0].servers[0].total, 0, "no server was asked");
}

/** The alert that is all of `text`, which has come from Ringway, or null for none. */
function alertOf(text: string): { level: number; reason: number } | null {
  const bytes = Array.from(text, (each) => each.charCodeAt(0));
  if (bytes.length === 0) return null;
  deepStrictEqual([bytes.length, bytes[0], bytes[1], bytes[3], bytes[4]], [7, ALERT, 3, 0, 2]);
  return { level: bytes[5], reason: bytes[6] };
}

/** What a client that sends `bytes` gets before its end. */
async function answerTo(ringway: RingwayProcess, bytes: string | Uint8Array): Promise<string> {
  using client = await ClientFrom.connect(ringway.port());
  client.send(bytes);
  return (await client.untilEnded()).text;
}

/** The first bytes of a record with a handshake of type `type`, whose length is as it says. */
function record(type: number, bytes: number, ...body: readonly number[]): Uint8Array {
  const start = [HANDSHAKE, 3, 1, bytes >> 8, bytes & 0xff, type];
  return new Uint8Array([...start, ...body]);
}

const NO_HELLO: Readonly<Record<string, string | Uint8Array>> = {
  "HTTP": "GET / HTTP/1.1\r\nHost: test\r\n\r\n",
  "a server's hello": record(2, 50, 0, 0, 46, 3, 3),
  "a record of no bytes": record(1, 0),
  "a hello that says it is longer than any": record(1, 16_384, 0xff, 0xff, 0xff),
  "SSL 2": new Uint8Array([0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]),
};

Deno.test("what is no hello is closed with an alert, and counted", async (t) => {
  await using origin = new Origin(echo);
  await using ringway = await startWith(origin);
  let count = 0;
  for (const [what, bytes] of Object.entries(NO_HELLO)) {
    await t.step(what, async () => {
      strictEqual(alertOf(await answerTo(ringway, bytes))?.level, FATAL);
      await untilRefused(ringway, ++count);
    });
  }
  strictEqual(origin.acceptedCount, 0);
});

Deno.test("a hello that never ends is closed at its deadline", async (t) => {
  await using origin = new Origin(echo);
  await using ringway = await startWith(origin);
  const parts = { "nothing": "", "its beginning": record(1, 200, 0, 0, 196, 3, 3) };
  let count = 0;
  for (const [what, part] of Object.entries(parts)) {
    await t.step(`${what} comes`, async () => {
      const startedMs = performance.now();
      const text = await answerTo(ringway, part);
      const tookMs = performance.now() - startedMs;
      strictEqual(tookMs > HELLO_MS * 0.8, true, `it took ${tookMs} ms`);
      strictEqual(alertOf(text)?.level ?? FATAL, FATAL);
      await untilRefused(ringway, ++count);
    });
  }
  await t.step("a byte now and then does not help", async () => {
    using client = await ClientFrom.connect(ringway.port());
    client.send(record(1, 200, 0, 0, 196, 3, 3));
    const startedMs = performance.now();
    while (client.end === null) {
      client.send(new Uint8Array(1));
      await ringway.untilTurned(1);
    }
    const tookMs = performance.now() - startedMs;
    strictEqual(tookMs > HELLO_MS * 0.8 && tookMs < HELLO_MS * 10, true, `it took ${tookMs} ms`);
    await untilRefused(ringway, ++count);
  });
});

Deno.test("a client that goes in the middle of its hello leaves nothing behind", async () => {
  await using origin = new Origin(echo);
  await using ringway = await startWith(origin);
  for (let i = 0; i < 20; i++) {
    using client = await ClientFrom.connect(ringway.port());
    client.send(record(1, 200, 0, 0, 196, 3, 3));
    if (i % 2 === 0) client.socket.resetAndDestroy();
    else client.socket.end();
  }
  await ringway.until("all have been seen and have gone", ({ listeners }) => {
    return listeners[0].total === 20 && listeners[0].open === 0;
  });
  strictEqual(origin.acceptedCount, 0);
});
