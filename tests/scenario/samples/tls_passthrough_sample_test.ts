import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type Certificate, makeCertificate } from "../real/certificate.ts";
import { shakeHands, startTlsServer } from "../real/openssl.ts";
import { ROOT, RUN_MAIN, startRingway } from "../ringway_process.ts";

const SERVERS = ["db", "acme", "shop-1", "shop-2", "web"];

Deno.test("config/tls_passthrough.yaml: each name and protocol has its servers", async () => {
  await using stack = new AsyncDisposableStack();
  const ports = await Promise.all(SERVERS.map(async (name) => {
    const certificate: Certificate = stack.use(await makeCertificate(name));
    const server = await startTlsServer(certificate, ["h2", "acme-tls/1"], "127.0.0.1");
    return String(stack.use(server).port);
  }));
  const [DB_PORT, ACME_PORT, SHOP_1_PORT, SHOP_2_PORT, WEB_PORT] = ports;
  await using ringway = await startRingway("", {
    command: [...RUN_MAIN, "serve", "-c", `${ROOT}/config/tls_passthrough.yaml`],
    environment: { SECURE_PORT: "0", DB_PORT, ACME_PORT, SHOP_1_PORT, SHOP_2_PORT, WEB_PORT },
  });
  const ask = async (serverName: string, ...alpn: string[]) => {
    return (await shakeHands(ringway.port(), { serverName, alpn })).name;
  };
  strictEqual(await ask("db.example.com"), "db");
  strictEqual(await ask("any.example.com", "acme-tls/1"), "acme");
  strictEqual(await ask("any.example.com", "h2"), "web");
  const shops = new Set<string | null>();
  for (let i = 0; i < 8; i++) {
    const name = await ask(`${i}.shop.example.com`);
    strictEqual(await ask(`${i}.shop.example.com`), name);
    shops.add(name);
  }
  deepStrictEqual([...shops].sort(), ["shop-1", "shop-2"]);
});
