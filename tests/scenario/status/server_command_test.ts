import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { Client } from "../client.ts";
import { runRingway } from "../command_run.ts";
import { operate } from "../health_status.ts";
import { Origin, sayThenEcho } from "../origin.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";

async function start(origin: Origin): Promise<RingwayProcess> {
  return await startRingway(`
listeners:
  web: { bind: "127.0.0.1:0", backend: app }
backends:
  app: [{ name: one, address: "${origin.address}" }, { name: two, address: "127.0.1.1:1" }]
  api: [{ name: two, address: "127.0.1.2:1" }]
`);
}

Deno.test("a command to a server says in one line what is then", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await start(origin);
  using client = await Client.connect(ringway.port());
  await client.receive(1);
  await ringway.until("it is counted", ({ backends }) => backends[0].servers[0].open === 1);
  const lines: [string[], string][] = [
    [["drain", "app/one"], "app/one: drain, 1 connection open\n"],
    [
      ["drain", "app/one", "--deadline", "1m"],
      "app/one: drain, 1 connection open, to be closed in 1m\n",
    ],
    [["ready", "app/one"], "app/one: up, 1 connection open\n"],
    [["maint", "app/two"], "app/two: maint, 0 connections open\n"],
    [
      ["weight", "app/two", "0"],
      "app/two: maint (set to maint by operator), weight 0 (in the configuration 1): " +
      "it gets nothing new, 0 connections open\n",
    ],
    [["weight", `app/${origin.address}`, "7"], "app/one: up, weight 7, 1 connection open\n"],
  ];
  for (const [words, line] of lines) {
    const { code, out, err } = await operate(ringway, ...words);
    deepStrictEqual([code, out, err], [0, line, ""], words.join(" "));
  }
  strictEqual(await client.converse("still here"), "still here");
});

Deno.test("a server that is not found is told with what there is", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await start(origin);
  const told: [string, string][] = [
    ["app/on", 'backend "app" has no server "on"; did you mean "one"? known: one, two'],
    ["ap/one", 'there is no backend "ap"; did you mean "app"? known: app, api'],
    ["one", '"one" is a server; with its backend it is app/one'],
    ["two", '"two" may be any of app/two, api/two; write which'],
    ["app", '"app" is a backend, which of its servers is meant? one of app/one, app/two'],
  ];
  for (const [target, text] of told) {
    const { code, out, err } = await operate(ringway, "drain", target);
    deepStrictEqual([code, out, err], [1, "", `ringway: ${text}\n`]);
  }
});

Deno.test("events are told as a table, as JSON, and when there are none", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await start(origin);
  const events = async (...more: string[]) => {
    return await runRingway(["events", "--socket", ringway.socket, ...more]);
  };
  const none = await events();
  deepStrictEqual([none.code, none.out, none.err], [0, "", "nothing has happened so far\n"]);
  deepStrictEqual(JSON.parse((await events("--json")).out), []);
  await operate(ringway, "drain", "app/one");
  const { out } = await events();
  match(out, /^time +server +change +why\n[-\d]{10} [:\d]{8} +app\/one +up -> drain +\S.*\n$/);
  const [event] = JSON.parse((await events("--json")).out);
  deepStrictEqual([event.backend, event.server, event.from, event.to], [
    "app",
    "one",
    "up",
    "drain",
  ]);
  strictEqual(new Date(event.at).toISOString(), event.at);
});

Deno.test("status shows to people what is not as it should be, and why", async () => {
  await using origin = new Origin(sayThenEcho("!"));
  await using ringway = await start(origin);
  await operate(ringway, "drain", "app/one");
  await operate(ringway, "weight", "app/two", "5");
  const { out } = await runRingway(["status", "--socket", ringway.socket]);
  match(out, /^app\/one +\S+ +drain \d+s .*\n {9}drained by operator$/m);
  match(out, /^app\/two +\S+ +up \d+s +5 .*\n {9}weight set by operator, .* it is 1$/m);
  match(out, /^api\/two .*\n\nlast events +server .*\n\d+s ago +app\/one +up -> drain +drained /m);
});

Deno.test("what runs is introduced with how its servers are checked", async () => {
  await using ringway = await startRingway(`
listeners:
  web: { bind: "127.0.0.1:0", backend: app }
backends:
  app: { servers: ["127.0.1.1:1"], health_check: { path: /healthz, interval: 10s } }
`);
  match(
    ringway.log.join("\n"),
    /backend "app": 1 server, round_robin, checked by GET \/healthz every 10s$/m,
  );
});
