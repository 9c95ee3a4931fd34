import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { Origin, readToEnd, say, writeAll } from "../origin.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { ClientFrom } from "./proxy_client.ts";
import {
  ENDS,
  field,
  headerV1,
  headerV2,
  headerV2WithChecksum,
  tellHeader,
} from "./proxy_header.ts";

const TRUSTING = "proxy_protocol: true, trusted_proxies: [127.0.0.0/8, '::1']";
const TOLD = `v2 TCP4 ${ENDS.from}:${ENDS.fromPort} ${ENDS.to}:${ENDS.toPort}\n`;
/** Types of fields, as the specification numbers them. */
const AUTHORITY = 0x02;
const NOOP = 0x04;
const UNKNOWN_TYPE = 0xe7;

async function startTelling(origin: Origin): Promise<RingwayProcess> {
  return await startRingway(configText({
    servers: [origin],
    listener: TRUSTING,
    backend: "proxy_protocol: v2",
  }));
}

function bytesOf(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : text;
}

const FIELDS = [
  ...field(AUTHORITY, Array.from(bytesOf("www.example.test"))),
  ...field(NOOP, Array(200).fill(0)),
  ...field(UNKNOWN_TYPE, [1, 2, 3]),
];

const HEADERS: Readonly<Record<string, string | Uint8Array>> = {
  "a v1 header": headerV1(),
  "a v2 header": headerV2(),
  "a v2 header with fields behind the addresses": headerV2(ENDS, { fields: FIELDS }),
  "a v2 header with a checksum": headerV2WithChecksum({ fields: FIELDS }),
};

Deno.test("a header names the client, and what follows it is the client's", async (t) => {
  await using origin = new Origin(tellHeader);
  await using ringway = await startTelling(origin);
  for (const [what, header] of Object.entries(HEADERS)) {
    await t.step(`${what}, in one segment with the first bytes`, async () => {
      using client = await ClientFrom.connect(ringway.port());
      client.send(new Uint8Array([...bytesOf(header), ...bytesOf("first")]));
      await client.untilReceived("first");
      client.send(", then more");
      await client.untilReceived("more");
      strictEqual(client.text, `${TOLD}first, then more`);
    });
    await t.step(`${what}, byte by byte`, async () => {
      using client = await ClientFrom.connect(ringway.port());
      await client.sendByByte(bytesOf(header));
      await client.sendByByte(bytesOf("first"));
      await client.untilReceived("first");
      strictEqual(client.text, `${TOLD}first`);
    });
  }
});

const NAMELESS: Readonly<Record<string, string | Uint8Array>> = {
  "a v1 header that says UNKNOWN": "PROXY UNKNOWN\r\n",
  "a v2 header that says LOCAL": headerV2(ENDS, { command: "local" }),
};

Deno.test("a header without a name leaves the connection's own addresses", async (t) => {
  await using origin = new Origin(tellHeader);
  await using ringway = await startTelling(origin);
  for (const [what, header] of Object.entries(NAMELESS)) {
    await t.step(what, async () => {
      using client = await ClientFrom.connect(ringway.port(), { from: "127.0.5.7" });
      client.send(header);
      client.send("x");
      await client.untilReceived("x");
      const own = `127.0.5.7:${client.port} 127.0.0.1:${ringway.port()}`;
      strictEqual(client.text, `v2 TCP4 ${own}\nx`);
    });
  }
});

Deno.test("a header alone is enough for a server that speaks first", async () => {
  await using origin = new Origin(say("hello"));
  await using ringway = await startRingway(configText({ servers: [origin], listener: TRUSTING }));
  using client = await ClientFrom.connect(ringway.port());
  client.send(headerV2());
  deepStrictEqual(await client.untilEnded(), { text: "hello", end: "fin" });
});

Deno.test("the client's half-close comes through behind a header", async () => {
  await using origin = new Origin(async (connection) => {
    const text = await readToEnd(connection);
    await writeAll(connection, `all of it: ${text}`);
  });
  await using ringway = await startRingway(configText({ servers: [origin], listener: TRUSTING }));
  using client = await ClientFrom.connect(ringway.port());
  client.socket.end(new Uint8Array([...headerV2(), ...bytesOf("and good-bye")]));
  deepStrictEqual(await client.untilEnded(), { text: "all of it: and good-bye", end: "fin" });
});

Deno.test("consistent_hash takes the address that the header names", async () => {
  await using a = new Origin(say("a"));
  await using b = new Origin(say("b"));
  await using c = new Origin(say("c"));
  await using ringway = await startRingway(configText({
    servers: [a, b, c],
    listener: TRUSTING,
    backend: "balance: consistent_hash, hash_on: source_ip",
  }));
  const ask = async (address: string, fromPort: number) => {
    using client = await ClientFrom.connect(ringway.port());
    client.send(headerV2({ ...ENDS, from: address, fromPort }));
    return (await client.untilEnded()).text;
  };
  const names: string[] = [];
  for (let i = 0; i < 40; i++) {
    const address = `198.51.100.${i}`;
    names.push(await ask(address, 1000 + i));
    strictEqual(await ask(address, 2000 + i), names[i], "another port of the same client");
  }
  strictEqual(Object.keys(tally(names)).length, 3, "every server has clients");
});

Deno.test("allow and deny judge the address that the header names", async () => {
  await using origin = new Origin(say("welcome"));
  await using ringway = await startRingway(configText({
    servers: [origin],
    listener: `${TRUSTING}, allow: [198.51.100.0/24], deny: [198.51.100.66]`,
  }));
  const ask = async (from: string) => {
    using client = await ClientFrom.connect(ringway.port());
    client.send(headerV1({ ...ENDS, from }));
    return (await client.untilEnded()).text;
  };
  strictEqual(await ask("198.51.100.7"), "welcome");
  strictEqual(await ask("198.51.100.66"), "");
  strictEqual(await ask("192.0.2.1"), "");
  strictEqual(origin.acceptedCount, 1);
});

Deno.test("a health check's connection that ends at once is no error", async () => {
  await using origin = new Origin(say("hello"));
  await using ringway = await startRingway(configText({ servers: [origin], listener: TRUSTING }));
  strictEqual(await endAtOnce(ringway), "");
  // And the next one is served.
  using client = await ClientFrom.connect(ringway.port());
  client.send(headerV1());
  strictEqual((await client.untilEnded()).text, "hello");
  strictEqual(origin.acceptedCount, 1);
});

async function endAtOnce(ringway: RingwayProcess): Promise<string> {
  using client = await ClientFrom.connect(ringway.port());
  client.socket.end();
  return (await client.untilEnded()).text;
}
