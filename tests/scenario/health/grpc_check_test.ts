import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { named, serverStatus, untilState } from "../health_status.ts";
import { answerHttp, MoodyServer } from "../moody_server.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";
import { GrpcServer, NOT_FOUND, NOT_SERVING, SERVING } from "./grpc_server.ts";

const QUICK = "interval: 500ms, timeout: 500ms, rise: 2, fall: 2";

Deno.test("a gRPC check asks about a service, or the server, and goes by the answer", async () => {
  await using a = await GrpcServer.start();
  await using b = await GrpcServer.start();
  await using c = await MoodyServer.start(answerHttp(200));
  await using ringway = await startRingway(`
workers: 1
listeners:
  web: { bind: "127.0.0.1:0", backend: app }
  basket: { bind: "127.0.0.1:0", backend: basket }
backends:
  app: { servers: [${named({ a, c }).join(", ")}], health_check: { grpc: true, ${QUICK} } }
  basket:
    servers: [${named({ b }).join(", ")}]
    health_check: { grpc: shop.Basket, ${QUICK} }
`);
  await until("they were asked", () => a.services.length >= 3 && b.services.length >= 3);
  strictEqual(serverStatus(await ringway.snapshot(), "a").state, "up");
  deepStrictEqual([...new Set(a.services)], [""]);
  deepStrictEqual([...new Set(b.services)], ["shop.Basket"]);
  deepStrictEqual([...new Set(a.paths)], ["/grpc.health.v1.Health/Check"]);
  await untilState(ringway, "c", "down"); // it does not speak HTTP/2
  a.servingStatus = NOT_SERVING;
  await untilState(ringway, "a", "down", /not.serving/i);
  strictEqual(serverStatus(await ringway.snapshot(), "b", "basket").state, "up");
  a.servingStatus = SERVING;
  await untilState(ringway, "a", "up");
  a.callStatus = NOT_FOUND;
  await untilState(ringway, "a", "down", /not.found|status 5|5/i);
});
