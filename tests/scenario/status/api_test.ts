import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { serverStatus } from "../health_status.ts";
import { type RingwayProcess, startRingway } from "../ringway_process.ts";

const SERVERS = [
  '{ name: one, address: "127.0.1.1:1", weight: 2 }',
  '{ name: "10.0.0.1:[x]", address: "127.0.1.2:1" }',
  "unix:/nowhere/app.sock",
];

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly allow: string | null;
}

/** Asks over the admin socket, as any program of HTTP can. */
async function ask(
  { socket }: RingwayProcess,
  method: string,
  path: string,
  body?: string,
): Promise<Answer> {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  try {
    const response = await fetch(`http://localhost/api/v1${path}`, { client, method, body });
    return {
      status: response.status,
      text: await response.text(),
      allow: response.headers.get("allow"),
    };
  } finally {
    client.close();
  }
}

Deno.test("the API drains a server, gives it back, and tells of it as an event", async () => {
  await using ringway = await startRingway(configText({ servers: SERVERS }));
  const path = "/backends/app/servers/one/state";
  const drained = await ask(ringway, "PUT", path, '{"state": "drain", "deadline_ms": 60000}');
  strictEqual(drained.status, 200);
  const { name, state, overridden, open } = JSON.parse(drained.text);
  deepStrictEqual([name, state, overridden, open], ["one", "drain", true, 0]);
  strictEqual(serverStatus(await ringway.snapshot(), "one").state, "drain");
  const ready = await ask(ringway, "PUT", path, '{"state": "ready"}');
  strictEqual(JSON.parse(ready.text).state, "up");

  const events: Record<string, string>[] = JSON.parse((await ask(ringway, "GET", "/events")).text);
  deepStrictEqual(events, Array.from((await ringway.snapshot()).events));
  const changes = events.map((event) => {
    return [event.backend, event.server, event.from, event.to];
  });
  deepStrictEqual(changes, [["app", "one", "up", "drain"], ["app", "one", "drain", "up"]]);
});

Deno.test("the API changes a weight, which the configured one stands beside", async () => {
  await using ringway = await startRingway(configText({ servers: SERVERS }));
  const answer = await ask(ringway, "PUT", "/backends/app/servers/one/weight", '{"weight": 9}');
  strictEqual(answer.status, 200);
  const { weight, configured_weight, overridden } = JSON.parse(answer.text);
  deepStrictEqual([weight, configured_weight, overridden], [9, 2, true]);
});

Deno.test("every server has its place in the API, whatever its name", async () => {
  await using ringway = await startRingway(configText({ servers: SERVERS }));
  const names = ["10.0.0.1:[x]", "unix:nowhere:app.sock", "unix:/nowhere/app.sock"];
  const found: string[] = [];
  for (const name of names) {
    const path = `/backends/app/servers/${encodeURIComponent(name)}/state`;
    const { status, text } = await ask(ringway, "PUT", path, '{"state": "maint"}');
    strictEqual(status, 200, text);
    found.push(JSON.parse(text).name);
  }
  deepStrictEqual(found, ["10.0.0.1:[x]", "unix:nowhere:app.sock", "unix:nowhere:app.sock"]);
});

Deno.test("what the API does not understand is told, and changes nothing", async () => {
  await using ringway = await startRingway(configText({ servers: SERVERS }));
  const server = "/backends/app/servers/one";
  const refused: [string, string, string | undefined, number, RegExp][] = [
    ["PUT", `${server}/state`, '{"state": "down"}', 400, /did you mean "maint"\?/],
    ["PUT", `${server}/state`, "state=drain", 400, /not JSON .*; send \{"state": "drain"/],
    ["PUT", `${server}/weight`, '{"weight": 257}', 400, /0\.\.256, not 257/],
    ["PUT", `${server}/weight`, " ".repeat(100_000), 413, /4096/],
    ["PUT", "/backends/ap/servers/one/state", '{"state": "drain"}', 404, /did you mean "app"\?/],
    ["PUT", "/backends/app/servers/two/state", '{"state": "drain"}', 404, /known: one, /],
    ["POST", `${server}/state`, '{"state": "drain"}', 405, /^use PUT$/],
    ["DELETE", "/status", undefined, 405, /^use GET$/],
    ["GET", "/stats", undefined, 404, /GET \/api\/v1\/status/],
  ];
  for (const [method, path, body, expected, text] of refused) {
    const answer = await ask(ringway, method, path, body);
    strictEqual(answer.status, expected, `${method} ${path}: ${answer.text}`);
    match(answer.text.trim(), text);
    strictEqual(answer.allow !== null, expected === 405);
  }
  const { state, weight } = serverStatus(await ringway.snapshot(), "one");
  deepStrictEqual([state, weight], ["up", 2]);
  deepStrictEqual((await ringway.snapshot()).events, []);
});
