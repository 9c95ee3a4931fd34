import assert from "node:assert/strict";
import { serverSnapshot } from "../admin/test_snapshot.ts";
import { UsageError } from "./command_line.ts";
import { describeServer, findTarget, makeCommand } from "./server_action.ts";

function usageError(action: string, value?: string, deadline?: string): string {
  try {
    makeCommand(action, value, deadline);
  } catch (failure) {
    assert.ok(failure instanceof UsageError, String(failure));
    return failure.message;
  }
  assert.fail("accepted");
}

Deno.test("each action is a command", () => {
  assert.deepEqual(makeCommand("drain", undefined, undefined), { kind: "drain", deadlineMs: null });
  assert.deepEqual(makeCommand("drain", undefined, "1m30s"), { kind: "drain", deadlineMs: 90_000 });
  assert.deepEqual(makeCommand("drain", undefined, "0s"), { kind: "drain", deadlineMs: 0 });
  assert.deepEqual(makeCommand("ready", undefined, undefined), { kind: "ready" });
  assert.deepEqual(makeCommand("maint", undefined, undefined), { kind: "maint" });
  for (const [text, weight] of [["0", 0], ["256", 256], ["007", 7]] as const) {
    assert.deepEqual(makeCommand("weight", text, undefined), { kind: "weight", weight });
  }
});

Deno.test("a weight is a whole number of 0..256", () => {
  for (const text of ["257", "-1", "1.5", "50%", "ten", "", "0x10", "99999999999999999999"]) {
    assert.equal(
      usageError("weight", text),
      `a weight is a whole number of 0..256, not ${JSON.stringify(text)}`,
    );
  }
});

Deno.test("a deadline is a duration with its unit", () => {
  const form = "--deadline is a duration with its unit, not";
  assert.equal(usageError("drain", undefined, "30"), `${form} "30"; did you mean "30s"?`);
  assert.equal(
    usageError("drain", undefined, "1 minute"),
    `${form} "1 minute"; did you mean "1m"?`,
  );
  assert.equal(usageError("drain", undefined, "soon"), `${form} "soon", as in "30s"`);
  assert.equal(
    usageError("drain", undefined, "1000h"),
    '--deadline is at most 24 days, not "1000h"',
  );
});

const BACKENDS = [
  {
    name: "app",
    servers: [
      { name: "one", address: "10.0.0.1:80" },
      { name: "two", address: "10.0.0.2:80" },
      { name: "unix:run:app.sock", address: "unix:/run/app.sock" },
    ],
  },
  {
    name: "api",
    servers: [
      { name: "one", address: "10.0.0.1:81" },
      { name: "first", address: "10.0.0.9:1" },
      { name: "second", address: "10.0.0.9:1" },
      { name: "gone", address: null },
    ],
  },
  { name: "solo", servers: [{ name: "[::1]:80", address: "[::1]:80" }] },
];

function why(text: string): string {
  try {
    findTarget(text, BACKENDS);
  } catch (failure) {
    return (failure as Error).message;
  }
  assert.fail(`found: ${text}`);
}

Deno.test("a server is found by backend and name, or by backend and address", () => {
  const targets: [string, string, string][] = [
    ["app/one", "app", "one"],
    ["api/one", "api", "one"],
    ["app/10.0.0.2:80", "app", "two"],
    ["app/unix:run:app.sock", "app", "unix:run:app.sock"],
    ["app/unix:/run/app.sock", "app", "unix:run:app.sock"],
    ["solo/[::1]:80", "solo", "[::1]:80"],
    ["api/gone", "api", "gone"],
  ];
  for (const [text, backend, server] of targets) {
    assert.deepEqual(findTarget(text, BACKENDS), { backend, server }, text);
  }
});

Deno.test("a backend or server that there is not is told with those that there are", () => {
  assert.equal(
    why("ap/one"),
    'there is no backend "ap"; did you mean "app"? known: app, api, solo',
  );
  assert.equal(
    why("app/tow"),
    'backend "app" has no server "tow"; did you mean "two"? known: one, two, unix:run:app.sock',
  );
  assert.equal(why("solo/"), 'backend "solo" has no server ""; known: [::1]:80');
  assert.equal(why("/one"), 'there is no backend ""; known: app, api, solo');
});

Deno.test("a server without its backend is told how it is called", () => {
  assert.equal(why("two"), '"two" is a server; with its backend it is app/two');
  assert.equal(
    why("unix:/run/app.sock"),
    '"unix:/run/app.sock" is a server; with its backend it is app/unix:run:app.sock',
  );
  assert.match(why("three"), /^there is no server "three"; .* BACKEND\/SERVER; known: app\/one, /);
});

Deno.test("what may be more than one server is none", () => {
  assert.equal(why("one"), '"one" may be any of app/one, api/one; write which');
  assert.equal(
    why("api/10.0.0.9:1"),
    '"10.0.0.9:1" may be any of api/first, api/second; write which',
  );
  assert.equal(
    why("api"),
    '"api" is a backend, which of its servers is meant? ' +
      "one of api/one, api/first, api/second, api/gone",
  );
  assert.equal(
    why("solo"),
    '"solo" is a backend, which of its servers is meant? write solo/[::1]:80',
  );
});

Deno.test("what is now is told in one line", () => {
  const drained = serverSnapshot("one", {
    state: "drain",
    state_reason: "drained by operator",
    open: 3,
  });
  const drain = { kind: "drain", deadlineMs: null } as const;
  assert.equal(describeServer("app", drained, drain), "app/one: drain, 3 connections open\n");
  assert.equal(
    describeServer("app", drained, { kind: "drain", deadlineMs: 30_000 }),
    "app/one: drain, 3 connections open, to be closed in 30s\n",
  );
  const up = serverSnapshot("one", {
    state_reason: "set to ready by operator",
    open: 1,
    weight: 7,
  });
  assert.equal(describeServer("app", up, { kind: "ready" }), "app/one: up, 1 connection open\n");
  assert.equal(
    describeServer("app", up, { kind: "weight", weight: 7 }),
    "app/one: up, weight 7, 1 connection open\n",
  );
});

Deno.test("after each command it is told when a server gets nothing new by its weight", () => {
  const told = (more: Parameters<typeof serverSnapshot>[1]) =>
    describeServer("app", serverSnapshot("one", more), { kind: "ready" });
  assert.equal(
    told({ weight: 0, configured_weight: 0 }),
    "app/one: up, weight 0: it gets nothing new, 0 connections open\n",
  );
  assert.equal(
    told({ weight: 0, configured_weight: 10 }),
    "app/one: up, weight 0 (in the configuration 10): it gets nothing new, 0 connections open\n",
  );
  assert.equal(
    told({ share: 0 }),
    "app/one: up, 0% of its weight by its agent: it gets nothing new, 0 connections open\n",
  );
  assert.equal(
    describeServer("app", serverSnapshot("one", { weight: 0 }), { kind: "weight", weight: 0 }),
    "app/one: up, weight 0 (in the configuration 1): it gets nothing new, 0 connections open\n",
  );
});

Deno.test("a state that was not asked for is told with its reason", () => {
  const down = serverSnapshot("one", { state: "down", state_reason: "3 of 3 probes failed" });
  assert.equal(
    describeServer("app", down, { kind: "ready" }),
    "app/one: down (3 of 3 probes failed), 0 connections open\n",
  );
  const first = serverSnapshot("one", { state: "down" });
  assert.equal(
    describeServer("app", first, { kind: "weight", weight: 1 }),
    "app/one: down, weight 1, 0 connections open\n",
  );
});
