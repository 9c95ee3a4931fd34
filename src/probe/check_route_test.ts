import assert from "node:assert/strict";
import { CheckRoute } from "./check_route.ts";
import type { ProbeTarget } from "./probe_outcome.ts";

const LONG_MS = 5000;
const SIGNAL = new AbortController().signal;
const NAMED = { host: "app.internal", port: 8080, unixPath: null };
const UNIX = { host: "", port: 0, unixPath: "/run/app.sock" };
const RESOLVED = { host: "10.0.0.1", port: 8080, unixPath: null };

/** Where the check of a server goes that is at `target` now. */
function route(
  server: ProbeTarget,
  check: { host?: string; port?: number } = {},
  target: ProbeTarget | null = RESOLVED,
  lookUp: (name: string) => Promise<string> = () => assert.fail("nothing to look up"),
) {
  const place = { host: check.host ?? null, port: check.port ?? null };
  return new CheckRoute(3, server, place, {
    targetOf(serverNumber) {
      assert.equal(serverNumber, 3);
      return target;
    },
    lookUp,
  });
}

Deno.test("without more a check goes where the server is", async () => {
  assert.deepEqual(await route(NAMED).find(LONG_MS, SIGNAL), RESOLVED);
  assert.deepEqual(await route(UNIX, {}, UNIX).find(LONG_MS, SIGNAL), UNIX);
});

Deno.test("a server without an address fails", async () => {
  const found = await route(NAMED, {}, null).find(LONG_MS, SIGNAL);
  assert.deepEqual(found, { isOk: false, text: "the name does not resolve", isOurs: false });
});

Deno.test("port and host of the check take the place of the server's", async () => {
  const port = await route(NAMED, { port: 9000 }).find(LONG_MS, SIGNAL);
  assert.deepEqual(port, { ...RESOLVED, port: 9000 });
  const host = await route(NAMED, { host: "::1" }, null).find(LONG_MS, SIGNAL);
  assert.deepEqual(host, { host: "::1", port: 8080, unixPath: null });
  const both = await route(UNIX, { host: "::1", port: 9000 }, null).find(LONG_MS, SIGNAL);
  assert.deepEqual(both, { host: "::1", port: 9000, unixPath: null });
});

Deno.test("a unix socket has no port, neither its own nor another", async () => {
  for (const check of [{ port: 9000 }, { host: "::1" }]) {
    const found = await route(UNIX, check, UNIX).find(LONG_MS, SIGNAL);
    assert.equal("isOk" in found && found.isOk, false);
  }
});

Deno.test("a name is looked up each time, and keeps its address when that fails", async () => {
  const answers = ["10.0.0.8", null, "10.0.0.9"];
  const names: string[] = [];
  const named = route(NAMED, { host: "check.internal" }, null, (name) => {
    names.push(name);
    const answer = answers.shift();
    return answer ? Promise.resolve(answer) : Promise.reject(new Error("no such name"));
  });
  const hosts = [];
  for (let i = 0; i < 3; i++) {
    const found = await named.find(LONG_MS, SIGNAL);
    hosts.push("host" in found ? found.host : null);
  }
  assert.deepEqual(hosts, ["10.0.0.8", "10.0.0.8", "10.0.0.9"]);
  assert.deepEqual(names, ["check.internal", "check.internal", "check.internal"]);
});

Deno.test("a name that never had an address fails, also when nobody answers", async () => {
  const broken = () => Promise.reject(new Error("no such name"));
  const unknown = await route(NAMED, { host: "check.internal" }, null, broken).find(
    LONG_MS,
    SIGNAL,
  );
  const text = 'cannot resolve "check.internal": no such name';
  assert.deepEqual(unknown, { isOk: false, text, isOurs: false });
  const silent = () => new Promise<string>(() => {});
  const late = await route(NAMED, { host: "check.internal" }, null, silent).find(40, SIGNAL);
  assert.match("text" in late ? late.text : "", /^no address of "check.internal" within 20 ms/);
});

Deno.test("servers that are checked at one place have one key", () => {
  const other = { host: "app.internal", port: 8081, unixPath: null };
  assert.equal(route(NAMED).key, route({ ...NAMED }).key);
  assert.notEqual(route(NAMED).key, route(other).key);
  assert.equal(route(NAMED, { port: 9000 }).key, route(other, { port: 9000 }).key);
  assert.equal(route(NAMED).key, route(other, { port: 8080 }).key);
  assert.notEqual(route(UNIX).key, route({ ...UNIX, unixPath: "/run/other.sock" }).key);
});
