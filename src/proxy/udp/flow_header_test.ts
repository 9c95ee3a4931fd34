import assert from "node:assert/strict";
import { formatIpWords, IP_WORDS } from "../../net/ip_words.ts";
import { AF_INET6 } from "../../net/socket_address.ts";
import { DONE, ProxyHeader } from "../../proxy_protocol/proxy_header.ts";
import { makeBlock } from "../../proxy_protocol/test_headers.ts";
import { PREFIX_BYTES_MAX } from "../../ring/message_slots.ts";
import { socketPlan } from "../../upstream/test_plan.ts";
import { FlowStage, keyOf } from "./test_flows.ts";

/** From 192.0.2.1, port 1111, to 192.0.2.2, port 80. */
const HEADER = makeBlock({ family: 0x12 });
const NAMED = "192.0.2.1 1111";
/** The sender speaks for itself. */
const LOCAL_HEADER = makeBlock({ command: 0, family: 0, addresses: [] });
const TEXT = new TextEncoder().encode("question");
const PROXY = "10.0.0.9";

function makeStage(trustedProxies: readonly string[] | null = ["10.0.0.0/8"]) {
  const stage = new FlowStage({ listeners: [{ trustedProxies }] });
  const { headers } = stage;
  const client = () => `${formatIpWords(headers.client, 0)} ${headers.clientPort}`;
  /** A datagram comes: how long its header is. */
  const strip = (datagram: Uint8Array) =>
    headers.strip(0, stage.context.pool.slab, stage.put(datagram), datagram.length);
  /** A flow with the client that is known now. */
  const open = (key: Int32Array) => {
    const flow = stage.flows.open(key, 0);
    headers.keep(flow);
    return flow;
  };
  const recalled = (flow: number) => {
    const words = new Int32Array(IP_WORDS);
    const port = headers.recall(flow, words);
    return `${formatIpWords(words, 0)} ${port}`;
  };
  return { stage, headers, client, strip, open, recalled };
}

function join(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("where no header is expected none is looked for, and the sender is the client", () => {
  const { headers, client, strip, open, recalled } = makeStage(null);
  assert.equal(strip(join(HEADER, TEXT)), 0);
  assert.equal(headers.readClient(), false);
  const key = keyOf("2001:db8::7", 5353);
  headers.readSender(key);
  assert.equal(client(), "2001:db8::7 5353");
  const flow = open(key);
  // Known by the flow's key, whatever comes meanwhile.
  headers.readSender(keyOf("192.0.2.9", 1));
  assert.equal(recalled(flow), "2001:db8::7 5353");
});

Deno.test("a header in front of a datagram names the client", () => {
  const { headers, client, strip, open, recalled } = makeStage();
  const key = keyOf(PROXY, 4000);
  assert.equal(strip(join(HEADER, TEXT)), HEADER.length);
  headers.readSender(key);
  assert.ok(headers.readClient());
  assert.equal(client(), NAMED);
  const flow = open(key);
  headers.readSender(keyOf("192.0.2.9", 1));
  assert.equal(recalled(flow), NAMED);
});

Deno.test("a sender that speaks for itself is the client", () => {
  const { headers, client, strip } = makeStage();
  assert.equal(strip(join(LOCAL_HEADER, TEXT)), LOCAL_HEADER.length);
  headers.readSender(keyOf(PROXY, 4000));
  assert.ok(headers.readClient());
  assert.equal(client(), `${PROXY} 4000`);
});

Deno.test("what is no header, or only a part of one, is part of the datagram", () => {
  const { headers, strip } = makeStage();
  const none = [TEXT, HEADER.slice(0, -1), HEADER.slice(0, 5), new Uint8Array(0)];
  for (const datagram of none) {
    // The one before had a header.
    assert.equal(strip(join(HEADER, TEXT)), HEADER.length);
    assert.equal(strip(datagram), 0);
    headers.readSender(keyOf(PROXY, 4000));
    assert.equal(headers.readClient(), false);
  }
  // Bytes behind the datagram's end are another's.
  const { stage } = makeStage();
  const at = stage.put(HEADER);
  assert.equal(stage.headers.strip(0, stage.context.pool.slab, at, HEADER.length - 1), 0);
});

Deno.test("a header that is repeated is taken off, and changes nothing for the flow", () => {
  const { headers, strip, open, recalled } = makeStage();
  const key = keyOf(PROXY, 4000);
  strip(join(HEADER, TEXT));
  headers.readSender(key);
  headers.readClient();
  const flow = open(key);
  const other = makeBlock({ family: 0x12, addresses: [1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 0, 2] });
  assert.equal(strip(join(other, TEXT)), other.length);
  assert.equal(recalled(flow), NAMED);
});

Deno.test("a slot that is used again has its own client", () => {
  const { stage, headers, strip, open, recalled } = makeStage();
  strip(join(HEADER, TEXT));
  const first = keyOf(PROXY, 4000);
  headers.readSender(first);
  headers.readClient();
  const flow = open(first);
  stage.flows.close(flow);
  stage.flows.free(flow);
  strip(join(LOCAL_HEADER, TEXT));
  headers.readSender(keyOf(PROXY, 4001));
  headers.readClient();
  assert.equal(open(keyOf(PROXY, 4001)), flow);
  assert.equal(recalled(flow), `${PROXY} 4001`);
});

/** What the header that a flow's server gets says, as that would read it. */
function readWritten({ headers }: FlowStage, flow: number) {
  const length = headers.write(flow);
  assert.ok(length <= PREFIX_BYTES_MAX, "it goes in front of a datagram");
  const parser = new ProxyHeader();
  assert.equal(parser.parse(headers.bytes, 0, length), DONE);
  assert.equal(parser.headerBytes, length);
  const { source, sourcePort, destination, destinationPort, isStream } = parser;
  return {
    from: `${formatIpWords(source, 0)} ${sourcePort}`,
    to: `${formatIpWords(destination, 0)} ${destinationPort}`,
    isStream,
  };
}

Deno.test("a server is told who the client is, and where its datagrams came in", () => {
  const { stage, headers, open } = makeStage(null);
  const key = keyOf("192.0.2.7", 5353);
  headers.readSender(key);
  const flow = open(key);
  headers.readSender(keyOf("192.0.2.9", 1));
  // What the ring tells of every socket.
  const to = "127.0.0.1 80";
  assert.deepEqual(readWritten(stage, flow), { from: "192.0.2.7 5353", to, isStream: false });
});

Deno.test("a socket for every address: the one that this client has sent to", () => {
  const sockets = [socketPlan(20, { family: AF_INET6, isWildcard: true })];
  const stage = new FlowStage({ listeners: [{ sockets }] });
  const rows = [["2001:db8::7", "2001:db8::1"], ["192.0.2.7", "198.51.100.1"]];
  for (const [client, local] of rows) {
    const key = keyOf(client, 5353, 0, local);
    const flow = stage.flows.open(key, 0);
    stage.headers.readSender(key);
    stage.headers.keep(flow);
    assert.deepEqual(readWritten(stage, flow), {
      from: `${client} 5353`,
      to: `${local} 80`,
      isStream: false,
    });
  }
});

Deno.test("a chain tells the truth about its beginning", () => {
  const { stage, headers, strip, open } = makeStage();
  strip(join(HEADER, TEXT));
  const key = keyOf(PROXY, 4000);
  headers.readSender(key);
  headers.readClient();
  assert.equal(readWritten(stage, open(key)).from, NAMED);
});
