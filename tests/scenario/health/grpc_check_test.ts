import { deepEqual, equal } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { named, serverStatus, untilState } from "../health_status.ts";
import { answerHttp, MoodyServer } from "../moody_server.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";
import { GrpcServer, NOT_FOUND, NOT_SERVING, SERVING } from "./grpc_server.ts";

const QUICK = "interval: 200ms, timeout: 200ms, rise: 2, fall: 2";

for (
  const { check, service } of [
    { check: "true", service: "" },
    { check: "shop.Basket", service: "shop.Basket" },
  ]
) {
  Deno.test(`grpc: ${check} asks about "${service}" and goes by the answer`, async () => {
    await using a = await GrpcServer.start();
    await using ringway = await startRingway(configText({
      servers: named({ a }),
      backend: `health_check: { grpc: ${check}, ${QUICK} }`,
    }));
    await until("it was asked", () => a.services.length >= 3);
    equal(serverStatus(await ringway.snapshot(), "a").state, "up");
    deepEqual([...new Set(a.services)], [service]);
    deepEqual([...new Set(a.paths)], ["/grpc.health.v1.Health/Check"]);
    a.servingStatus = NOT_SERVING;
    await untilState(ringway, "a", "down", /not.serving/i);
    a.servingStatus = SERVING;
    await untilState(ringway, "a", "up");
    a.callStatus = NOT_FOUND;
    await untilState(ringway, "a", "down", /not.found|status 5|5/i);
  });
}

Deno.test("a server that does not speak HTTP/2 fails a gRPC check", async () => {
  await using a = await MoodyServer.start(answerHttp(200));
  await using ringway = await startRingway(configText({
    servers: named({ a }),
    backend: `health_check: { grpc: true, ${QUICK} }`,
  }));
  await untilState(ringway, "a", "down");
  await ringway.untilTurned(1);
});
