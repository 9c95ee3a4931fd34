import { match, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { converseBySocat, untilListening } from "../real/network.ts";
import { Program } from "../real/program.ts";
import { launchRingway, startRingway } from "../ringway_process.ts";
import { CLIENT, makeTransparentNetwork, PROXY, SERVER } from "./transparent_network.ts";

const PORT = 7000;
/** Tells who has connected, or sent; then what it has got. */
const TELL = 'SYSTEM:"echo from $SOCAT_PEERADDR; cat"';

const CASES = [
  {
    what: "TCP over IPv4",
    protocol: "tcp",
    serve: `TCP4-LISTEN:${PORT},fork,reuseaddr`,
    address: SERVER.four,
    to: `TCP4:${PROXY.four}:8000`,
    seenAs: CLIENT.four,
  },
  {
    what: "TCP over IPv6",
    protocol: "tcp",
    serve: `TCP6-LISTEN:${PORT},fork,reuseaddr`,
    address: `[${SERVER.six}]`,
    to: `TCP6:[${PROXY.six}]:8000`,
    // As socat writes it.
    seenAs: "[fd92:0001:0000:0000:0000:0000:0000:0009]",
  },
  {
    what: "UDP over IPv4",
    protocol: "udp",
    serve: `UDP4-RECVFROM:${PORT},fork`,
    address: SERVER.four,
    to: `UDP4:${PROXY.four}:8000`,
    seenAs: CLIENT.four,
  },
];

Deno.test("transparent: a server sees the client's own address", async (t) => {
  await using network = await makeTransparentNetwork();
  for (const { what, protocol, serve, address, to, seenAs } of CASES) {
    await t.step(what, async () => {
      await using server = new Program([...network.server.launcher, "socat", serve, TELL]);
      await untilListening(network.server, server, PORT);
      await using _ringway = await startRingway(
        configText({
          bind: ":8000",
          servers: [`${address}:${PORT}`],
          listener: `protocol: ${protocol}`,
          backend: "transparent: true",
        }),
        { launcher: network.proxy.launcher },
      );
      const pattern = /^from (.*)\n(.*\n)*hello/m;
      const [, seen] = await converseBySocat(network.client, to, "hello", pattern);
      strictEqual(seen, seenAs);
    });
  }
});

/** Neither of the capabilities that allow foreign addresses (ip(7), IP_TRANSPARENT). */
const UNPRIVILEGED = Deno.uid() === 0
  ? ["setpriv", "--bounding-set", "-net_admin,-net_raw", "--inh-caps", "-net_admin,-net_raw"]
  : [];

Deno.test("transparent without the privilege: cause, remedy and 77", async () => {
  await using ringway = launchRingway(
    configText({ servers: ["127.0.0.2:1"], backend: "transparent: true" }),
    { launcher: UNPRIVILEGED },
  );
  const status = await ringway.exitCode();
  const said = ringway.log.join("\n");
  strictEqual(status, 77, said);
  match(
    said,
    /backend "app" has transparent: true: .*\(EPERM\); grant CAP_NET_RAW or CAP_NET_ADMIN/,
  );
});
