import { strictEqual } from "node:assert/strict";
import { get } from "../proxy_protocol/proxy_client.ts";
import { startHeaderReader, startHeaderWriter } from "../real/haproxy.ts";
import { ROOT, RUN_MAIN, startRingway } from "../ringway_process.ts";

Deno.test("config/proxy_protocol.yaml: client addresses come through two balancers", async () => {
  await using one = await startHeaderReader("127.0.0.1");
  await using two = await startHeaderReader("127.0.0.1");
  await using ringway = await startRingway("", {
    command: [...RUN_MAIN, "serve", "-c", `${ROOT}/config/proxy_protocol.yaml`],
    environment: {
      INSIDE_PORT: "0",
      OUTSIDE_PORT: "0",
      APP_1_PORT: String(one.port),
      APP_2_PORT: String(two.port),
    },
  });
  await using writer = await startHeaderWriter("v1", ringway.port("inside"));
  for (let i = 1; i <= 4; i++) {
    const places = { from: `127.0.5.${i}` };
    const inside = await get(writer.port, { ...places, hostname: writer.hostname });
    strictEqual(inside.body, `${inside.from} ${writer.address}`);
    const outside = await get(ringway.port("outside"), places);
    strictEqual(outside.body, `${outside.from} 127.0.0.1:${ringway.port("outside")}`);
  }
});
