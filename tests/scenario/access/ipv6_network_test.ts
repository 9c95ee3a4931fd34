import { strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { Network, untilListening } from "../real/network.ts";
import { Program } from "../real/program.ts";
import { startRingway } from "../ringway_process.ts";
import { refusals } from "./listener_counts.ts";

/** What one customer has (RFC 6177): the first three are one /64, the last is another. */
const ADDRESSES = ["fd94::1", "fd94::2", "fd94::ffff:0:0:3", "fd94:0:0:1::1"];

for (
  const { protocol, serve, to } of [
    { protocol: "tcp", serve: "TCP4-LISTEN:7000,bind=127.0.0.2,fork", to: "TCP6" },
    { protocol: "udp", serve: "UDP4-RECVFROM:7000,bind=127.0.0.2,fork", to: "UDP6" },
  ]
) {
  Deno.test(`connections_per_ip takes a /64 of IPv6 for one client (${protocol})`, async () => {
    await using network = new Network();
    const space = await network.addSpace();
    await space.addAddresses("lo", ADDRESSES.map((address) => `${address}/128`));
    await using server = new Program([...space.launcher, "socat", serve, "PIPE"]);
    await untilListening(space, server, 7000);
    await using ringway = await startRingway(
      configText({
        workers: 2,
        bind: "[::1]:8000",
        servers: ["127.0.0.2:7000"],
        listener: `protocol: ${protocol}, limits: { connections_per_ip: 2 }`,
      }),
      { launcher: space.launcher },
    );
    await using clients = new AsyncDisposableStack();
    const connect = async (from: string) => {
      const address = `${to}:[::1]:8000,bind=[${from}]`;
      const client = clients.use(new Program([...space.launcher, "socat", "-", address]));
      await client.tell("hello\n");
      return client;
    };
    const [one, two, three, other] = ADDRESSES;
    for (const from of [one, two]) await (await connect(from)).untilWritten(/^hello$/m);
    const extra = await connect(three);
    await ringway.until("the third of the network is refused", (snapshot) => {
      return refusals(snapshot, "client_limit") === 1;
    });
    await (await connect(other)).untilWritten(/^hello$/m);
    strictEqual(extra.log.includes("hello"), false);
    const { listeners } = await ringway.snapshot();
    strictEqual(listeners[0].open, 3);
  });
}
