import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { named, serverStatus, untilElapsed, untilState } from "../health_status.ts";
import { beSilent, MoodyServer, tell } from "../moody_server.ts";
import { startRingway } from "../ringway_process.ts";
import { ownersOf } from "../socket_owner.ts";
import { until } from "../until.ts";

/** Of probes: a stream of them brings about 10 in the time looked at. */
const INTERVAL_MS = 100;
const LOOK_MS = 1000;
const STREAM = LOOK_MS / INTERVAL_MS;
const CHECK = `{ tcp: true, interval: ${INTERVAL_MS}ms, timeout: ${INTERVAL_MS}ms }`;

Deno.test("only the supervisor probes, however many workers there are", async () => {
  await using a = await MoodyServer.start(beSilent);
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a }),
    backend: `health_check: { tcp: { expect: "never" }, interval: 1m, timeout: 50s }`,
  }));
  const socket = await until("a probe is under way", () => [...a.open][0]);
  const pids = [ringway.pid, ...ringway.workerPids];
  deepStrictEqual(ownersOf(socket.remotePort!, pids), [ringway.pid]);
  strictEqual(a.acceptedCount, 1);
});

for (
  const { what, other, streams } of [
    { what: "the same server, checked the same way, is probed once", other: CHECK, streams: 1 },
    {
      what: "a check of another kind is a stream of its own",
      other: CHECK.replace("tcp: true", `tcp: { expect: "a" }`),
      streams: 2,
    },
  ]
) {
  Deno.test(`two backends: ${what}`, async () => {
    await using a = await MoodyServer.start(tell("a"));
    await using ringway = await startRingway(`
workers: 1
listeners:
  one: { bind: "127.0.0.1:0", backend: app }
  two: { bind: "127.0.0.1:0", backend: other }
backends:
  app: { servers: [{ name: a, address: "${a.address}" }], health_check: ${CHECK} }
  other: { servers: [{ name: b, address: "${a.address}" }], health_check: ${other} }
`);
    await a.untilAccepted(1);
    const before = a.acceptedCount;
    await untilElapsed(LOOK_MS);
    const probes = a.acceptedCount - before;
    const isRight = probes >= STREAM * (streams - 0.5) && probes <= STREAM * (streams + 0.3);
    strictEqual(isRight, true, `${probes} probes`);
    // What is learnt is learnt by both.
    await a.refuse();
    await untilState(ringway, "a", "down");
    await ringway.until("the other knows it too", (snapshot) => {
      return serverStatus(snapshot, "b", "other").state === "down";
    });
    await a.comeBack();
    await untilState(ringway, "a", "up");
    await ringway.until("the other knows it too", (snapshot) => {
      return serverStatus(snapshot, "b", "other").state === "up";
    });
  });
}
