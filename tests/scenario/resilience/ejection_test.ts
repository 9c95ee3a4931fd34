import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { askName, askNames, tally } from "../client.ts";
import { configText } from "../config_text.ts";
import { changesOf, expectNoRestart, named, serverStatus, untilState } from "../health_status.ts";
import { type Mood, MoodyServer, resetAfter, tell } from "../moody_server.ts";
import { SilentServer } from "../origin.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";
import { until } from "../until.ts";

/** Sends clients until a server is in a state; what they were told. */
async function askUntil(ringway: RingwayProcess, server: string, state: string): Promise<string[]> {
  const names: string[] = [];
  await until(`${server} is ${state}`, async () => {
    names.push(...await askNames(ringway.port(), 5));
    return serverStatus(await ringway.snapshot(), server).state === state;
  }, { state: () => ringway.state });
  return names;
}

Deno.test("a server that refuses is ejected, comes back, and is out longer each time", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using c = await MoodyServer.start(tell("c"));
  await using ringway = await startRingway(configText({
    workers: 3,
    servers: named({ a, b, c }),
    backend: "outlier_detection: { eject: 500ms }",
  }));
  await a.refuse();
  deepStrictEqual(
    tally(await askUntil(ringway, "a", "ejected"))[""],
    undefined,
    "no client sees it",
  );
  const ejected = serverStatus(await ringway.snapshot(), "a");
  match(ejected.state_reason, /\d+ connects? in a row failed.*500 ?ms/);
  strictEqual(ejected.connect_failures >= 5, true);
  strictEqual(ejected.ejections, 1);

  const startedMs = performance.now();
  deepStrictEqual(Object.keys(tally(await askNames(ringway.port(), 20))).sort(), ["b", "c"]);
  await untilState(ringway, "a", "up");
  strictEqual(performance.now() - startedMs < 3000, true);
  // Still of no use: out again, and for twice as long.
  await askUntil(ringway, "a", "ejected");
  const again = serverStatus(await ringway.snapshot(), "a");
  match(again.state_reason, /1 ?s\b|1000 ?ms/);
  strictEqual(again.ejections, 2);
  strictEqual(again.connect_failures >= 10, true, "its errors of before are forgiven");

  await a.comeBack();
  await untilState(ringway, "a", "up");
  await until("clients are told by it again", async () => {
    return (await askNames(ringway.port(), 5)).includes("a");
  }, { state: () => ringway.state });
  strictEqual(tally(await askNames(ringway.port(), 30)).a > 0, true);
  deepStrictEqual(changesOf(await ringway.snapshot(), "a"), [
    "up to ejected",
    "ejected to up",
    "up to ejected",
    "ejected to up",
  ]);
  await expectNoRestart(ringway);
});

Deno.test("a server that resets half-way is ejected, and few clients have seen it", async () => {
  await using a = await MoodyServer.start(resetAfter("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b }),
    backend: "outlier_detection: { eject: 10s }",
  }));
  await askUntil(ringway, "a", "ejected");
  const { state_reason, resets } = serverStatus(await ringway.snapshot(), "a");
  match(state_reason, /reset/);
  strictEqual(resets >= 5, true);
  deepStrictEqual(tally(await askNames(ringway.port(), 20)), { b: 20 });
  await expectNoRestart(ringway);
});

Deno.test("a server that does not answer connects is ejected, and its clients served", async () => {
  using a = await SilentServer.start();
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b }),
    backend: "outlier_detection: { errors: 3 }, timeouts: { connect: 100ms }",
  }));
  deepStrictEqual(Object.keys(tally(await askUntil(ringway, "a", "ejected"))), ["b"]);
  strictEqual(serverStatus(await ringway.snapshot(), "a").connect_failures >= 3, true);
  const startedMs = performance.now();
  deepStrictEqual(tally(await askNames(ringway.port(), 20)), { b: 20 });
  strictEqual(performance.now() - startedMs < 1000, true, "nobody waits for it");
  await expectNoRestart(ringway);
});

Deno.test("a server that fails now and then is not ejected", async () => {
  let turn = 0;
  const good = tell("a");
  const bad = resetAfter("a");
  const moods: Mood = (socket) => (turn++ % 3 === 2 ? good : bad)(socket);
  await using a = await MoodyServer.start(moods);
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({ servers: named({ a, b }) }));
  await askNames(ringway.port(), 60);
  await ringway.until("its resets are counted", (snapshot) => {
    const { resets, connect_failures } = serverStatus(snapshot, "a");
    // A reset that is here before the connection was looked at is a connect that failed.
    return resets + connect_failures >= 15;
  });
  await ringway.untilTurned(2);
  const { state, ejections } = serverStatus(await ringway.snapshot(), "a");
  deepStrictEqual([state, ejections], ["up", 0]);
  await expectNoRestart(ringway);
});

Deno.test("never more than max_ejected, and never the last one", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using c = await MoodyServer.start(tell("c"));
  await using d = await MoodyServer.start(tell("d"));
  await using ringway = await startRingway(`
workers: 2
listeners:
  half: { bind: "127.0.0.1:0", backend: app }
  most: { bind: "127.0.0.1:0", backend: most }
backends:
  app: { servers: [${named({ a, b, c, d }).join(", ")}], retries: 3 }
  most:
    servers: [${named({ a, b }).join(", ")}]
    outlier_detection: { max_ejected: 100% }
`);
  for (const server of [a, b, c]) await server.refuse();
  const count = async (backend: string, servers: string) => {
    const snapshot = await ringway.snapshot();
    return [...servers].filter((name) => {
      return serverStatus(snapshot, name, backend).state === "ejected";
    }).length;
  };
  await until("two of four are ejected", async () => {
    await askNames(ringway.port("half"), 5);
    return await count("app", "abcd") === 2;
  }, { state: () => ringway.state });
  await until("one of two is ejected", async () => {
    await askNames(ringway.port("most"), 5);
    return await count("most", "ab") === 1;
  }, { state: () => ringway.state });
  await askNames(ringway.port("half"), 30);
  await askNames(ringway.port("most"), 30);
  await ringway.untilTurned(1);
  strictEqual(await count("app", "abcd"), 2);
  strictEqual(await count("most", "ab"), 1);
  await expectNoRestart(ringway);
});

Deno.test("the only server of a backend is left alone, and found once it is back", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using ringway = await startRingway(configText({ workers: 2, servers: named({ a }) }));
  await a.refuse();
  deepStrictEqual(tally(await askNames(ringway.port(), 30)), { "": 30 });
  await ringway.untilTurned(1);
  const { state, ejections, connect_failures } = serverStatus(await ringway.snapshot(), "a");
  deepStrictEqual([state, ejections, connect_failures], ["up", 0, 30]);
  await a.comeBack();
  strictEqual(await askName(ringway.port()), "a");
  await expectNoRestart(ringway);
});

Deno.test("outlier_detection: false ejects nobody", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({
    servers: named({ a, b }),
    backend: "outlier_detection: false",
  }));
  await a.refuse();
  deepStrictEqual(tally(await askNames(ringway.port(), 30)), { b: 30 });
  await ringway.untilTurned(1);
  deepStrictEqual((await ringway.snapshot()).events, []);
  await expectNoRestart(ringway);
});

Deno.test("a probe that finds a server back ends its ejection", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({
    servers: named({ a, b }),
    backend: `outlier_detection: { eject: 5m },
      health_check: { tcp: true, interval: 300ms, timeout: 300ms, fall: 4, rise: 1 }`,
  }));
  await a.refuse();
  await askUntil(ringway, "a", "ejected");
  await untilState(ringway, "a", "down", /probe/);
  await a.comeBack();
  await untilState(ringway, "a", "up");
  deepStrictEqual(changesOf(await ringway.snapshot(), "a"), [
    "up to ejected",
    "ejected to down",
    "down to up",
  ]);
  await expectNoRestart(ringway);
});

Deno.test("slow_start: who comes back gets its share little by little", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({
    servers: named({ a, b }),
    backend: `slow_start: 2s,
      health_check: { tcp: true, interval: 100ms, timeout: 100ms, fall: 1, rise: 1 }`,
  }));
  strictEqual(
    serverStatus(await ringway.snapshot(), "a").share,
    1,
    "not at the start of the program",
  );
  await a.refuse();
  await untilState(ringway, "a", "down");
  await a.comeBack();
  await untilState(ringway, "a", "up");
  const shares: number[] = [];
  await until("it has its full share", async () => {
    const { share } = serverStatus(await ringway.snapshot(), "a");
    if (share !== shares.at(-1)) shares.push(share);
    return share === 1;
  });
  deepStrictEqual(shares, shares.toSorted((a, b) => a - b));
  strictEqual(shares[0] < 0.3, true, shares.join(" "));
  strictEqual(shares.length > 5, true, shares.join(" "));
  await expectNoRestart(ringway);
});
