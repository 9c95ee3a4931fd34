import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { datagramCount } from "../access/listener_counts.ts";
import { configText } from "../config_text.ts";
import { DatagramServer, echoDatagrams } from "../datagram_server.ts";
import { signal, stop } from "../process_table.ts";
import { readHeader } from "../proxy_protocol/proxy_header.ts";
import { freePort } from "../real/free_port.ts";
import { Network } from "../real/network.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { StreamPattern } from "../stream_pattern.ts";
import { type Burst, BurstPeer, cutBursts } from "./burst_peer.ts";

const pattern = new StreamPattern(11);

/** Bursts of bytes that say where they belong. @param sizes segment and bytes of each. */
function makeBursts(...sizes: readonly (readonly [segment: number, bytes: number])[]): Burst[] {
  let position = 0;
  return sizes.map(([segment, count]) => {
    const bytes = pattern.piece(position, count);
    position += count;
    return { segment, bytes };
  });
}

/** What bulk looks like, and what is odd: a rest, singles in between, empty and tiny datagrams. */
const MIXED = makeBursts(
  [1200, 20 * 1200],
  [0, 1200],
  [1000, 9 * 1000 + 1],
  [0, 0],
  [1, 64],
  [0, 3000],
  [1400, 45 * 1400],
);

/** Whether `received` is what was expected, in order; the failure tells numbers, not bytes. */
function equalDatagrams(received: readonly string[], expected: readonly string[]): void {
  const places = received.map((each, i) => each === expected[i] ? i : expected.indexOf(each));
  strictEqual(places.join(" "), Array.from(expected, (_, i) => i).join(" "));
}

/** What a server has been asked, in hexadecimal. */
function asked(server: DatagramServer): string[] {
  return server.asked.map(({ bytes }) => bytes.toHex());
}

async function startWith(
  servers: readonly (string | DatagramServer)[],
  { listener = "", backend = "" } = {},
): Promise<RingwayProcess> {
  return await startRingway(configText({
    servers,
    listener: `protocol: udp, ${listener}`,
    backend,
  }));
}

Deno.test("bursts come through as the datagrams that they are, in order, both ways", async () => {
  const serverPort = await freePort();
  await using server = await BurstPeer.start("bind", "127.0.0.2", serverPort);
  await using ringway = await startWith([`127.0.0.2:${serverPort}`]);
  await using client = await BurstPeer.start("connect", "127.0.0.1", ringway.port());
  const expected = cutBursts(MIXED);
  for (const [from, to] of [[client, server], [server, client]]) {
    await from.send(MIXED);
    await to.untilReceived(expected.length, () => ringway.state);
    equalDatagrams(to.received, expected);
  }
  const snapshot = await ringway.snapshot();
  strictEqual(snapshot.listeners[0].total, 1);
  strictEqual(datagramCount(snapshot, "received"), expected.length);
  strictEqual(datagramCount(snapshot, "sent"), expected.length);
  strictEqual(datagramCount(snapshot, "dropped"), 0);
});

Deno.test("bursts of answers leave from the address that was asked", async () => {
  const serverPort = await freePort();
  await using server = await BurstPeer.start("bind", "127.0.0.2", serverPort);
  await using ringway = await startRingway(configText({
    bind: ":0",
    servers: [`127.0.0.2:${serverPort}`],
    listener: "protocol: udp",
  }));
  const bursts = makeBursts([900, 10 * 900 + 5]);
  const expected = cutBursts(bursts);
  for (const hostname of ["127.0.0.1", "127.0.7.1", "::1"]) {
    // It takes nothing from elsewhere.
    await using client = await BurstPeer.start("connect", hostname, ringway.port());
    const count = server.received.length;
    await client.send(bursts);
    await server.untilReceived(count + expected.length, () => ringway.state);
    await server.send(bursts);
    await client.untilReceived(expected.length, () => ringway.state);
    equalDatagrams(client.received, expected);
  }
});

Deno.test("a flow that begins with a burst has its PROXY header in the first one", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startWith([server], { backend: "proxy_protocol: v2" });
  await using client = await BurstPeer.start("connect", "127.0.0.1", ringway.port());
  const bursts = makeBursts([500, 5 * 500], [0, 10]);
  const expected = cutBursts(bursts);
  await client.send(bursts);
  await server.untilAsked(expected.length);
  const [first, ...rest] = server.asked.map(({ bytes }) => bytes);
  const header = readHeader(first)!;
  equalDatagrams(
    [first.subarray(header.bytes), ...rest].map((bytes) => bytes.toHex()),
    expected,
  );
});

Deno.test("behind a listener that expects PROXY headers each datagram may have one", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startWith([server], {
    listener: "proxy_protocol: true, trusted_proxies: [127.0.0.0/8]",
  });
  await using client = await BurstPeer.start("connect", "127.0.0.1", ringway.port());
  // A header of LOCAL and ten bytes behind it, five times.
  const one = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x20, 0, 0, 0]
    .concat([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  const bytes = new Uint8Array([...one, ...one, ...one, ...one, ...one]);
  await client.send([{ segment: one.length, bytes }]);
  await server.untilAsked(5);
  deepStrictEqual(asked(server), Array(5).fill("0102030405060708090a"));
});

Deno.test("with responses: 1 every datagram of a burst gets its answer", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startWith([server], { listener: "udp: { responses: 1 }" });
  await using client = await BurstPeer.start("connect", "127.0.0.1", ringway.port());
  const bursts = makeBursts([300, 40 * 300]);
  const expected = cutBursts(bursts);
  await client.send(bursts);
  await client.untilReceived(expected.length, () => ringway.state);
  equalDatagrams(client.received, expected);
  await ringway.until("the flow has ended", ({ listeners }) => listeners[0].open === 0);
  strictEqual((await ringway.snapshot()).listeners[0].total, 1);
});

interface NarrowPath extends AsyncDisposable {
  readonly ringway: RingwayProcess;
  /** The end that sends bursts, and the one at the end of the narrow path. */
  readonly from: BurstPeer;
  readonly to: BurstPeer;
}

/** The cable between two machines takes no packet of more bytes. */
const NARROW_MTU = 600;

/** Ringway on a machine with the server or, for replies, the client behind a narrow cable. */
async function makeNarrowPath(isReply: boolean): Promise<NarrowPath> {
  await using stack = new AsyncDisposableStack();
  const network = stack.use(new Network());
  const here = await network.addSpace();
  const there = await network.addSpace();
  await network.connect(here, "far", there, "near");
  await here.addAddresses("far", ["10.93.1.1/24"]);
  await there.addAddresses("near", ["10.93.1.2/24"]);
  await here.run("ip", "link", "set", "far", "mtu", String(NARROW_MTU));
  await there.run("ip", "link", "set", "near", "mtu", String(NARROW_MTU));

  const [serverSpace, serverHost] = isReply ? [here, "127.0.0.2"] : [there, "10.93.1.2"];
  const [clientSpace, host] = isReply ? [there, "10.93.1.1"] : [here, "127.0.0.1"];
  const server = stack.use(
    await BurstPeer.start("bind", serverHost, 7000, serverSpace.launcher),
  );
  const config = configText({
    bind: `${host}:5300`,
    servers: [`${serverHost}:7000`],
    listener: "protocol: udp",
  });
  const ringway = stack.use(await startRingway(config, { launcher: here.launcher }));
  const client = stack.use(await BurstPeer.start("connect", host, 5300, clientSpace.launcher));
  // So that the server knows whom to answer.
  await client.send(makeBursts([0, 5]));
  await server.untilReceived(1, () => ringway.state);
  const owner = stack.move();
  return {
    ringway,
    from: isReply ? server : client,
    to: isReply ? client : server,
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

for (const isReply of [false, true]) {
  const way = isReply ? "client" : "server";

  Deno.test(`bursts that the path to the ${way} is too narrow for arrive`, async () => {
    await using path = await makeNarrowPath(isReply);
    const { ringway, from, to } = path;
    const expected = to.received;
    // Of datagrams that have to be fragmented, that fit, and both one by one.
    for (const burst of makeBursts([1000, 20_000], [400, 4000], [0, 900], [1000, 2500], [0, 7])) {
      expected.push(...cutBursts([burst]));
      await from.send([burst]);
      await to.untilReceived(expected.length, () => ringway.state);
      equalDatagrams(to.received, expected);
    }
    strictEqual(datagramCount(await ringway.snapshot(), "dropped"), 0);
  });

  Deno.test(`what comes right behind such a burst to the ${way} does not overtake it`, async () => {
    await using path = await makeNarrowPath(isReply);
    const { ringway, from, to } = path;
    const bursts = makeBursts([1000, 20_000], [0, 7], [400, 4000], [1000, 3000], [0, 900]);
    const expected = [...to.received, ...cutBursts(bursts)];
    // Everything waits for the worker, which finds it in one turn.
    const [worker] = ringway.workerPids;
    await stop(worker);
    await from.send(bursts);
    signal(worker, "SIGCONT");
    await to.untilReceived(expected.length, () => ringway.state);
    equalDatagrams(to.received, expected);
  });
}
