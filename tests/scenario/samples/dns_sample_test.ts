import { deepStrictEqual, strictEqual } from "node:assert/strict";
import {
  dig,
  digAddress,
  HOST_ADDRESS,
  HOST_NAME,
  SERVER_NAME,
  startDnsmasq,
} from "../real/dnsmasq.ts";
import { ROOT, RUN_MAIN, startRingway } from "../ringway_process.ts";

Deno.test("config/dns.yaml: two resolvers, by UDP and TCP, each client with its own", async () => {
  await using one = await startDnsmasq("one", "127.0.0.1");
  await using two = await startDnsmasq("two", "127.0.0.1");
  await using ringway = await startRingway("", {
    command: [...RUN_MAIN, "serve", "-c", `${ROOT}/config/dns.yaml`],
    environment: {
      DNS_PORT: "0",
      RESOLVER_1_PORT: String(one.port),
      RESOLVER_2_PORT: String(two.port),
    },
  });
  const udp = { port: ringway.port("dns-udp") };
  const tcp = { port: ringway.port("dns-tcp") };
  strictEqual(await digAddress(udp, HOST_NAME), HOST_ADDRESS);
  const seen = new Set<string>();
  for (let i = 1; i <= 16; i++) {
    const from = ["-b", `127.0.5.${i}`];
    const name = await dig(udp, SERVER_NAME, ...from);
    strictEqual(await dig(udp, SERVER_NAME, ...from), name);
    strictEqual(await dig(tcp, SERVER_NAME, "+tcp", ...from), name);
    seen.add(name);
  }
  deepStrictEqual([...seen].sort(), ["one", "two"]);
  const { listeners } = await ringway.until("nothing is open", ({ listeners }) => {
    return listeners.every(({ open }) => open === 0);
  });
  deepStrictEqual(listeners.map(({ refused }) => refused), [0, 0]);
});
