import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { changesOf, named, serverStatus, untilElapsed, untilState } from "../health_status.ts";
import { answer, beSilent, greet, MoodyServer, resetAtOnce, tell } from "../moody_server.ts";
import { startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

const QUICK = "interval: 100ms, timeout: 100ms, rise: 2, fall: 2";

Deno.test("a server that refuses goes down and comes back, and no client meets it", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b }),
    backend: `health_check: { tcp: true, ${QUICK} }, outlier_detection: false`,
  }));
  const first = await untilState(ringway, "a", "up");
  strictEqual(first.state_reason, "", "it has been up from the start");
  deepStrictEqual(tally(await askNames(ringway.port(), 20)).a > 0, true);

  const refusedMs = Date.now();
  await a.refuse();
  const down = await untilState(ringway, "a", "down", /2 of 2 probes failed: .*refused/);
  const since = new Date(down.state_since).getTime();
  strictEqual(since >= refusedMs && since <= Date.now(), true, `${down.state_since}`);
  const before = serverStatus(await ringway.snapshot(), "a");
  deepStrictEqual(tally(await askNames(ringway.port(), 40)), { b: 40 });
  const after = serverStatus(await ringway.snapshot(), "a");
  strictEqual(after.connect_failures, before.connect_failures, "nobody was sent there");

  await a.comeBack();
  const up = await untilState(ringway, "a", "up");
  strictEqual(new Date(up.state_since).getTime() >= since, true);
  strictEqual(tally(await askNames(ringway.port(), 20)).a > 0, true);
  const snapshot = await ringway.snapshot();
  deepStrictEqual(changesOf(snapshot, "a"), ["up to down", "down to up"]);
  deepStrictEqual(changesOf(snapshot, "b"), []);
  match(snapshot.events[0].reason, /2 of 2 probes failed: .*refused/);
});

Deno.test("what is sent and expected decides: wrong answers, silence and resets fail", async () => {
  await using a = await MoodyServer.start(answer("+PONG\r\n"));
  await using ringway = await startRingway(configText({
    servers: named({ a }),
    backend: `health_check: { tcp: { send: "PING\\\\r\\\\n", expect: "+PONG" }, ${QUICK} }`,
  }));
  await a.untilAccepted(3);
  strictEqual(serverStatus(await ringway.snapshot(), "a").state, "up");
  strictEqual(a.heard[0], "PING\r\n");

  a.mood = answer("-LOADING\r\n");
  await untilState(ringway, "a", "down", /\+PONG/);
  a.mood = answer("something in front of +PONG");
  await untilState(ringway, "a", "up");
  a.mood = beSilent;
  await untilState(ringway, "a", "down", /100 ms|timed? ?out/i);
  a.mood = answer("+PONG\r\n");
  await untilState(ringway, "a", "up");
  a.mood = resetAtOnce;
  await untilState(ringway, "a", "down", /reset/i);
  a.mood = tell("+PO");
  a.mood = (socket) => {
    // In two parts, of which neither is enough.
    socket.once("data", () => socket.write("+PO", () => socket.end("NG")));
    socket.on("end", () => socket.end());
  };
  await untilState(ringway, "a", "up");
});

Deno.test("a check has a port of its own, whatever the server does at its own", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using check = await MoodyServer.start(greet("check"));
  await using ringway = await startRingway(configText({
    servers: named({ a }),
    backend: `health_check: { tcp: true, port: ${check.port}, ${QUICK} }`,
  }));
  await check.untilAccepted(3);
  strictEqual(a.acceptedCount, 0, "no probe went to the server");
  await check.refuse();
  await untilState(ringway, "a", "down");
  await check.comeBack();
  await untilState(ringway, "a", "up");
  strictEqual(a.acceptedCount, 0);
});

Deno.test("initial: down keeps clients from a server until probes have passed", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using check = await MoodyServer.start(beSilent);
  await check.refuse();
  await using ringway = await startRingway(configText({
    servers: [
      `{ name: a, address: "${a.address}" }`,
      `{ name: b, address: "${b.address}" }`,
    ],
    backend: `panic_threshold: 0%,
      health_check: { tcp: true, port: ${check.port}, initial: down, ${QUICK} }`,
  }));
  const first = await ringway.snapshot();
  strictEqual(serverStatus(first, "a").state, "down");
  strictEqual(serverStatus(first, "b").state, "down");
  deepStrictEqual(tally(await askNames(ringway.port(), 4)), { "": 4 });
  strictEqual(a.acceptedCount + b.acceptedCount, 0);
  await check.comeBack();
  await untilState(ringway, "a", "up");
  await untilState(ringway, "b", "up");
  deepStrictEqual(tally(await askNames(ringway.port(), 4)), { a: 2, b: 2 });
});

Deno.test("probes come faster while a server moves, and only then", async () => {
  await using a = await MoodyServer.start(beSilent);
  await using ringway = await startRingway(configText({
    servers: named({ a }),
    backend: `health_check:
      { tcp: true, interval: 1s, fast_interval: 50ms, timeout: 500ms, rise: 6, fall: 6 }`,
  }));
  await a.untilAccepted(2);
  // Six probes of the usual kind would take five seconds at least.
  for (const [move, state] of [["refuse", "down"], ["comeBack", "up"]] as const) {
    await a[move]();
    const startedMs = performance.now();
    await untilState(ringway, "a", state);
    const tookMs = performance.now() - startedMs;
    strictEqual(tookMs < 3000, true, `${state} after ${tookMs} ms`);
  }
  const before = a.acceptedCount;
  await untilElapsed(600);
  const more = a.acceptedCount - before;
  strictEqual(more <= 3, true, `${more} probes in 600 ms`);
});

Deno.test("a server of weight 0 is probed too", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({
    servers: named({ a, b }, { b: "weight: 0" }),
    backend: `health_check: { tcp: true, ${QUICK} }`,
  }));
  await until("b was probed", () => b.acceptedCount > 2);
  await b.refuse();
  await untilState(ringway, "b", "down");
  deepStrictEqual(tally(await askNames(ringway.port(), 4)), { a: 4 });
});
