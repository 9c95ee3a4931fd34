import { strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { DatagramServer } from "../datagram_server.ts";
import { datagramClient } from "../datagram_socket.ts";
import { Origin } from "../origin.ts";
import { startRingway } from "../ringway_process.ts";
import { receivePattern, sendPattern, StreamPattern } from "../stream_pattern.ts";
import { until } from "../until.ts";
import { ClientFrom } from "./proxy_client.ts";
import { readHeader, tellHeader } from "./proxy_header.ts";

/** Of version 2, with IPv4 addresses and nothing behind them. */
const HEADER_BYTES = 28;

Deno.test("a header comes before what the client has sent already", async (t) => {
  await using origin = new Origin(tellHeader);
  await using ringway = await startRingway(`
workers: 1
listeners:
  v1-four: { bind: "127.0.0.1:0", backend: v1 }
  v1-six: { bind: "[::1]:0", backend: v1 }
  v2-four: { bind: "127.0.0.1:0", backend: v2 }
  v2-six: { bind: "[::1]:0", backend: v2 }
backends:
  v1: { servers: ["${origin.address}"], proxy_protocol: v1 }
  v2: { servers: ["${origin.address}"], proxy_protocol: v2 }
`);
  for (const version of ["v1", "v2"]) {
    await t.step(`${version}, IPv4`, async () => {
      const port = ringway.port(`${version}-four`);
      using client = await ClientFrom.connect(port, { from: "127.0.5.7" });
      client.send("at once");
      await client.untilReceived("at once");
      const ends = `127.0.5.7:${client.port} 127.0.0.1:${port}`;
      strictEqual(client.text, `${version} TCP4 ${ends}\nat once`);
    });
    await t.step(`${version}, IPv6, to a server of IPv4`, async () => {
      const port = ringway.port(`${version}-six`);
      using client = await ClientFrom.connect(port, { hostname: "::1" });
      client.send("at once");
      await client.untilReceived("at once");
      strictEqual(client.text, `${version} TCP6 [::1]:${client.port} [::1]:${port}\nat once`);
    });
  }
});

Deno.test("IPv4 clients of a bind without an address are named as IPv4", async () => {
  await using origin = new Origin(tellHeader);
  await using ringway = await startRingway(configText({
    bind: ":0",
    servers: [origin],
    backend: "proxy_protocol: v2",
  }));
  using client = await ClientFrom.connect(ringway.port(), { from: "127.0.5.7" });
  client.send("x");
  await client.untilReceived("\nx");
  strictEqual(client.text, `v2 TCP4 127.0.5.7:${client.port} 127.0.0.1:${ringway.port()}\nx`);
});

Deno.test("the next server gets the header when the first refuses", async () => {
  await using origin = new Origin(tellHeader);
  await using ringway = await startRingway(configText({
    servers: ["127.0.1.1:1", origin],
    backend: "balance: first, proxy_protocol: v2",
  }));
  using client = await ClientFrom.connect(ringway.port());
  client.send("x");
  await client.untilReceived("\nx");
  strictEqual(client.text.split("\n").length, 2, "one header");
});

Deno.test("a server that speaks first has its header before", async () => {
  await using origin = new Origin(async (connection, stopped) => {
    await connection.write(new TextEncoder().encode("hello "));
    await tellHeader(connection, stopped);
  });
  await using ringway = await startRingway(configText({
    servers: [origin],
    backend: "proxy_protocol: v1",
  }));
  using client = await ClientFrom.connect(ringway.port());
  // The client has said nothing.
  await client.untilReceived("\n");
  strictEqual(client.text, `hello v1 TCP4 127.0.0.1:${client.port} 127.0.0.1:${ringway.port()}\n`);
});

Deno.test("a megabyte behind a header is what the client has sent", async () => {
  const pattern = new StreamPattern(7);
  let received = -1;
  await using origin = new Origin(async (connection) => {
    const header = new Uint8Array(HEADER_BYTES);
    for (let got = 0; got < HEADER_BYTES;) {
      got += await connection.read(header.subarray(got)) ?? HEADER_BYTES;
    }
    strictEqual(readHeader(header)?.bytes, HEADER_BYTES);
    received = await receivePattern(connection, pattern);
  });
  await using ringway = await startRingway(configText({
    servers: [origin],
    backend: "proxy_protocol: v2",
  }));
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: ringway.port() });
  await sendPattern(connection, pattern, 1024 * 1024);
  await connection.closeWrite();
  await until("the server has read all", () => received >= 0);
  strictEqual(received, 1024 * 1024);
});

Deno.test("a flow's first datagram carries a v2 header of UDP in front", async () => {
  using server = await DatagramServer.start(({ bytes }) => {
    const header = readHeader(bytes);
    if (header === null) return ["no header"];
    return [`${header.text}|${new TextDecoder().decode(bytes.subarray(header.bytes))}`];
  });
  await using ringway = await startRingway(configText({
    servers: [server],
    listener: "protocol: udp",
    backend: "proxy_protocol: v2",
  }));
  using client = await datagramClient(ringway.port(), { from: "127.0.5.7" });
  const ends = `127.0.5.7:${client.port} 127.0.0.1:${ringway.port()}`;
  strictEqual(await client.ask("question"), `v2 UDP4 ${ends}|question`);
});
