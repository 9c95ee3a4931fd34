import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { DatagramServer, echoDatagrams } from "../datagram_server.ts";
import { askDatagram, datagramClient } from "../datagram_socket.ts";
import { converseBySocat, Network, untilListening } from "../real/network.ts";
import { Program } from "../real/program.ts";
import { startRingway } from "../ringway_process.ts";

const UDP = "protocol: udp";

Deno.test("IPv6 clients reach IPv6 servers, and IPv4 clients too", async () => {
  using server = await DatagramServer.start(echoDatagrams, { hostname: "::1" });
  await using ringway = await startRingway(`
workers: 1
listeners:
  six: { bind: "[::1]:0", ${UDP}, backend: app }
  four: { bind: "127.0.0.1:0", ${UDP}, backend: app }
backends:
  app: { servers: ["${server.address}"] }
`);
  strictEqual(await askDatagram(ringway.port("six"), "over six", { hostname: "::1" }), "over six");
  strictEqual(await askDatagram(ringway.port("four"), "over four"), "over four");
});

Deno.test("a bind without an address takes datagrams of IPv4 and IPv6", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({
    bind: ":0",
    servers: [server],
    listener: UDP,
  }));
  for (const hostname of ["127.0.0.1", "::1"]) {
    strictEqual(await askDatagram(ringway.port(), hostname, { hostname }), hostname);
  }
});

Deno.test("a bind without an address answers from the address that was asked", async () => {
  using server = await DatagramServer.start(echoDatagrams);
  await using ringway = await startRingway(configText({
    bind: ":0",
    servers: [server],
    listener: UDP,
  }));
  // One client, three addresses of the same listener: a flow each. Sockets that are connected take
  // nothing from elsewhere.
  for (const hostname of ["127.0.0.1", "127.0.7.1", "127.0.7.2"]) {
    using client = await datagramClient(ringway.port(), { hostname, from: "127.0.0.1" });
    strictEqual(await client.ask(`to ${hostname}`), `to ${hostname}`);
    strictEqual(await client.ask("again"), "again");
  }
  strictEqual(server.places.length, 3);
});

Deno.test("the same for several addresses of an interface, IPv4 and IPv6", async () => {
  await using network = new Network();
  const proxy = await network.addSpace();
  const client = await network.addSpace();
  await network.connect(proxy, "client0", client, "proxy0");
  const addresses = ["10.91.1.1", "10.91.1.2", "fd91::1", "fd91::2"];
  const prefixes = addresses.map((each) => `${each}/${each.includes(":") ? 64 : 24}`);
  await proxy.addAddresses("client0", prefixes);
  await client.addAddresses("proxy0", ["10.91.1.9/24", "fd91::9/64"]);

  const serve = ["socat", "UDP4-RECVFROM:7000,bind=127.0.0.2,fork", "PIPE"];
  await using server = new Program([...proxy.launcher, ...serve]);
  await untilListening(proxy, server, 7000);
  await using _ringway = await startRingway(
    configText({ bind: ":5300", servers: ["127.0.0.2:7000"], listener: UDP }),
    { launcher: proxy.launcher },
  );
  const answers: string[] = [];
  for (const address of addresses) {
    const to = address.includes(":") ? `UDP6:[${address}]:5300` : `UDP4:${address}:5300`;
    const [answer] = await converseBySocat(client, to, `to ${address}`, /^to .*$/m);
    answers.push(answer);
  }
  deepStrictEqual(answers, addresses.map((address) => `to ${address}`));
});
