import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { askNames, Client, tally } from "../client.ts";
import { runRingway } from "../command_run.ts";
import { configText } from "../config_text.ts";
import { changesOf, command, named, operate, serverStatus, untilState } from "../health_status.ts";
import { greet, MoodyServer, tell } from "../moody_server.ts";
import { startRingway } from "../ringway_process.ts";

Deno.test("server drain: no new connections, those that are open end by themselves", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using b = await MoodyServer.start(greet("b"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b }),
    backend: "balance: least_conn",
  }));
  using clients = new DisposableStack();
  const ofA: Client[] = [];
  for (let i = 0; i < 8; i++) {
    const client = clients.use(await Client.connect(ringway.port()));
    if (await client.receive(1) === "a") ofA.push(client);
  }
  strictEqual(ofA.length, 4);
  await command(ringway, "drain", "app/a");
  const { state_reason } = await untilState(ringway, "a", "drain");
  match(state_reason, /operator/);
  for (let i = 0; i < 8; i++) {
    const client = clients.use(await Client.connect(ringway.port()));
    strictEqual(await client.receive(1), "b");
  }
  for (const client of ofA) {
    strictEqual(await client.converse("still here"), "still here");
    client[Symbol.dispose]();
  }
  await ringway.until("it has come to nothing", (snapshot) => {
    return serverStatus(snapshot, "a").open === 0;
  });
  await command(ringway, "ready", "app/a");
  await untilState(ringway, "a", "up");
  using next = await Client.connect(ringway.port());
  strictEqual(await next.receive(1), "a");
  deepStrictEqual(changesOf(await ringway.snapshot(), "a"), ["up to drain", "drain to up"]);
});

Deno.test("server drain --deadline closes what has not ended by then, and no more", async () => {
  await using a = await MoodyServer.start(greet("a"));
  await using b = await MoodyServer.start(greet("b"));
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b }),
    backend: "balance: least_conn",
  }));
  using clients = new DisposableStack();
  const held: { client: Client; name: string }[] = [];
  for (let i = 0; i < 8; i++) {
    const client = clients.use(await Client.connect(ringway.port()));
    held.push({ client, name: await client.receive(1) });
  }
  const startedMs = performance.now();
  await command(ringway, "drain", "app/a", "--deadline", "1s");
  await untilState(ringway, "a", "drain");
  for (const { client, name } of held) {
    if (name === "a") strictEqual((await client.receiveRest()).text, "");
  }
  const tookMs = performance.now() - startedMs;
  strictEqual(tookMs >= 900 && tookMs < 4000, true, `it took ${tookMs} ms`);
  for (const { client, name } of held) {
    if (name === "b") strictEqual(await client.converse("still here"), "still here");
  }
  await ringway.until("a has none", (snapshot) => serverStatus(snapshot, "a").open === 0);

  // Given back before its deadline: nobody is closed.
  await command(ringway, "ready", "app/a");
  await untilState(ringway, "a", "up");
  using kept = await Client.connect(ringway.port());
  strictEqual(await kept.receive(1), "a");
  await command(ringway, "drain", "app/a", "--deadline", "1s");
  await command(ringway, "ready", "app/a");
  await untilState(ringway, "a", "up");
  await ringway.untilTurned(3);
  strictEqual(await kept.converse("still here"), "still here");
});

Deno.test("server maint and weight; all of it ends with ready", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({ servers: named({ a, b }) }));
  const ask = async (count: number) => {
    return tally(await askNames(ringway.port(), count));
  };
  await command(ringway, "maint", "app/a");
  await untilState(ringway, "a", "maint", /operator/);
  deepStrictEqual(await ask(10), { b: 10 });
  await command(ringway, "ready", "app/a");
  await untilState(ringway, "a", "up");
  deepStrictEqual(await ask(10), { a: 5, b: 5 });

  await command(ringway, "weight", "app/a", "4");
  strictEqual(serverStatus(await ringway.snapshot(), "a").weight, 4);
  deepStrictEqual(await ask(20), { a: 16, b: 4 });
  await command(ringway, "weight", "app/a", "0");
  strictEqual(serverStatus(await ringway.snapshot(), "a").weight, 0);
  deepStrictEqual(await ask(10), { b: 10 });
  await command(ringway, "weight", "app/a", "1");
  deepStrictEqual(await ask(10), { a: 5, b: 5 });
});

Deno.test("what an operator misspells is named, and nothing changes", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using ringway = await startRingway(configText({ servers: named({ a }) }));
  for (
    const { args, names } of [
      { args: ["drain", "app/b"], names: /"b"|app\/b/ },
      { args: ["drain", "ap/a"], names: /"ap"|ap\/a/ },
      { args: ["drain", "a"], names: /app\/a/ },
      { args: ["drain"], names: /BACKEND\/SERVER|which/i },
      { args: ["weight", "app/a"], names: /weight/i },
      { args: ["weight", "app/a", "257"], names: /256/ },
      { args: ["weight", "app/a", "-1"], names: /-1|weight/ },
      { args: ["weight", "app/a", "two"], names: /two/ },
      { args: ["drain", "app/a", "--deadline", "soon"], names: /soon/ },
      { args: ["retire", "app/a"], names: /retire/ },
    ]
  ) {
    const { code, out, err } = await operate(ringway, ...args);
    strictEqual(code === 1 || code === 2, true, `${args.join(" ")}: ${code}`);
    strictEqual(out, "");
    match(err, names);
  }
  const { state, weight } = serverStatus(await ringway.snapshot(), "a");
  deepStrictEqual([state, weight], ["up", 1]);
  deepStrictEqual(tally(await askNames(ringway.port(), 4)), { a: 4 });
});

Deno.test("events tells people what has happened, and status the states", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({
    servers: named({ a, b }),
    backend: "health_check: { tcp: true, interval: 100ms, timeout: 100ms, fall: 1, rise: 1 }",
  }));
  await b.refuse();
  await untilState(ringway, "b", "down");
  await command(ringway, "drain", "app/a");
  await untilState(ringway, "a", "drain");
  const events = await runRingway(["events", "--socket", ringway.socket]);
  strictEqual(events.code, 0, events.err);
  match(events.out, /app\/b.*down.*refused/);
  match(events.out, /app\/a.*drain.*operator/);
  strictEqual(events.out.search(/app\/b/) < events.out.search(/app\/a/), true, "oldest first");
  const status = await runRingway(["status", "--socket", ringway.socket]);
  match(status.out, /^app\/a .*\bdrain\b/m);
  match(status.out, /^app\/b .*\bdown\b/m);
});

Deno.test("a worker that is replaced knows what an operator has said", async () => {
  await using a = await MoodyServer.start(tell("a"));
  await using b = await MoodyServer.start(tell("b"));
  await using ringway = await startRingway(configText({ servers: named({ a, b }) }));
  await command(ringway, "drain", "app/a");
  await untilState(ringway, "a", "drain");
  Deno.kill(ringway.workerPids[0], "SIGKILL");
  await ringway.until("another one serves", ({ workers }) => {
    return workers[0].restarts === 1 && workers[0].state === "serving";
  });
  deepStrictEqual(tally(await askNames(ringway.port(), 10)), { b: 10 });
});
