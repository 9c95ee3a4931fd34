import assert from "node:assert/strict";
import fc from "fast-check";
import { answerRequest, settingPath } from "./api.ts";
import { EVENT, SNAPSHOT, TestControl } from "./test_control.ts";

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

async function ask(
  path: string,
  method = "GET",
  body?: BodyInit,
  control = new TestControl(),
): Promise<Answer> {
  const request = new Request(`http://localhost${path}`, { method, body });
  const response = await answerRequest(request, control);
  return { status: response.status, text: await response.text(), headers: response.headers };
}

const DRAIN = '{"state": "drain"}';
const STATE = settingPath("app", "one", "state");
const WEIGHT = settingPath("app", "one", "weight");

Deno.test("status is everything, events what has happened, as JSON", async () => {
  const status = await ask("/api/v1/status");
  assert.equal(status.status, 200);
  assert.equal(status.headers.get("content-type"), "application/json");
  assert.deepEqual(JSON.parse(status.text), SNAPSHOT);
  const events = await ask("/api/v1/events?since=ever");
  assert.equal(events.status, 200);
  assert.deepEqual(JSON.parse(events.text), [EVENT]);
});

Deno.test("who asks whether it lives or is ready gets a word, and a status", async () => {
  const control = new TestControl();
  const word = async (path: string, method?: string) => {
    const { status, text, headers } = await ask(path, method, undefined, control);
    return [status, text, headers.get("content-type")];
  };
  const type = "text/plain;charset=UTF-8";
  assert.deepEqual(await word("/livez"), [200, "ok\n", type]);
  assert.deepEqual(await word("/readyz?verbose"), [200, "ready\n", type]);
  control.reason = "draining";
  assert.deepEqual(await word("/livez"), [200, "ok\n", type]);
  assert.deepEqual(await word("/readyz"), [503, "draining\n", type]);
  assert.deepEqual((await word("/readyz", "HEAD"))[0], 503);
  assert.deepEqual((await word("/readyz", "POST")).slice(0, 2), [405, "use GET\n"]);
});

Deno.test("a command reaches the server that is named, and the answer is that server", async () => {
  const control = new TestControl();
  const drained = await ask(STATE, "PUT", '{"state": "drain", "deadline_ms": 30000}', control);
  assert.equal(drained.status, 200);
  const server = JSON.parse(drained.text);
  assert.deepEqual([server.name, server.state, server.open], ["one", "drain", 3]);
  const weighted = await ask(WEIGHT, "PUT", '{"weight": 0}', control);
  assert.equal(JSON.parse(weighted.text).weight, 0);
  assert.deepEqual(control.commands, [
    ["app", "one", { kind: "drain", deadlineMs: 30_000 }],
    ["app", "one", { kind: "weight", weight: 0 }],
  ]);
});

Deno.test("names in a path are URL-encoded", async () => {
  const control = new TestControl();
  const paths = [
    "/api/v1/backends/app/servers/%5B%3A%3A1%5D%3A80/state",
    "/api/v1/backends/app/servers/[::1]:80/state",
    "/api/v1/backends/%61pp/servers/%6fne/state",
    "/api/v1/backends/api/servers/unix:run:api.sock/state",
    "/api/v1/backends/api/servers/unix%3A%2Frun%2Fapi.sock/state",
  ];
  for (const path of paths) {
    assert.equal((await ask(path, "PUT", DRAIN, control)).status, 200, path);
  }
  assert.deepEqual(control.commands.map(([, server]) => server), [
    "[::1]:80",
    "[::1]:80",
    "one",
    "unix:run:api.sock",
    "unix:/run/api.sock",
  ]);
  const broken = await ask("/api/v1/backends/app/servers/%zz/state", "PUT", DRAIN);
  assert.deepEqual([broken.status, broken.text], [400, '"%zz" is no URL-encoded name\n']);
});

Deno.test("any name comes through its path as it is", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", minLength: 1 }), async (name) => {
      const { status, text } = await ask(settingPath("app", name, "state"), "PUT", DRAIN);
      assert.equal(status, name === "one" || name === "[::1]:80" ? 200 : 404);
      assert.match(text, /^backend "app" has no server ".*"; /s);
    }),
    { seed: 1, numRuns: 100 },
  );
});

Deno.test("a name that there is not is told with those that there are", async () => {
  const backend = await ask(settingPath("ap", "one", "state"), "PUT", DRAIN);
  assert.deepEqual([backend.status, backend.text], [
    404,
    'there is no backend "ap"; did you mean "app"? known: app, api\n',
  ]);
  const server = await ask(settingPath("app", "three", "weight"), "PUT", '{"weight": 1}');
  assert.deepEqual([server.status, server.text], [
    404,
    'backend "app" has no server "three"; known: one, [::1]:80\n',
  ]);
});

Deno.test("another path is told with those that there are", async () => {
  const paths = [
    "/",
    "/api/v1",
    "/api/v1/status/",
    "/api/v2/status",
    "/api/v1/backends/app/servers/one",
    "/api/v1/backends/app/servers/one/states",
    "/api/v1/backends/app/servers//state",
    "/api/v1/backends/app/servers/one/two/state",
    "//api/v1/status",
    "/constructor",
  ];
  for (const path of paths) {
    const { status, text } = await ask(path);
    assert.equal(status, 404, path);
    assert.ok(text.startsWith(`there is no "${path}"; known: GET /api/v1/status, GET `), text);
  }
});

Deno.test("another method is told with the right one, and changes nothing", async () => {
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
    for (const path of ["/api/v1/status", "/api/v1/events"]) {
      const { status, text, headers } = await ask(path, method);
      assert.deepEqual([status, text, headers.get("allow")], [405, "use GET\n", "GET, HEAD"]);
    }
  }
  const control = new TestControl();
  for (const method of ["GET", "HEAD", "POST", "PATCH", "DELETE"]) {
    const body = method === "GET" || method === "HEAD" ? undefined : DRAIN;
    const { status, text, headers } = await ask(STATE, method, body, control);
    assert.deepEqual([status, text, headers.get("allow")], [405, "use PUT\n", "PUT"]);
  }
  assert.deepEqual(control.commands, []);
});

Deno.test("a bad body is refused before anything is done", async () => {
  const control = new TestControl();
  for (const body of ["", "drain", "{}", '{"state": "up"}', '{"weight": 3}']) {
    assert.equal((await ask(STATE, "PUT", body, control)).status, 400, body);
  }
  assert.deepEqual(control.commands, []);
});
