import assert from "node:assert/strict";
import { findServer } from "./server_command.ts";

const BACKENDS = [
  { name: "app", servers: [{ name: "one" }, { name: "10.0.0.2:80" }] },
  { name: "api", servers: [{ name: "one" }, { name: "unix:run:api.sock" }] },
];

Deno.test("a server is found by the names of its backend and its own", () => {
  const place = (backend: string, server: string) => findServer(BACKENDS, backend, server);
  assert.deepEqual(place("app", "one"), { kind: "found", backend: 0, server: 0, number: 0 });
  assert.deepEqual(place("app", "10.0.0.2:80"), {
    kind: "found",
    backend: 0,
    server: 1,
    number: 1,
  });
  assert.deepEqual(place("api", "one"), { kind: "found", backend: 1, server: 0, number: 2 });
});

Deno.test("a server at a unix socket is found by its address, too", () => {
  const expected = { kind: "found", backend: 1, server: 1, number: 3 };
  assert.deepEqual(findServer(BACKENDS, "api", "unix:run:api.sock"), expected);
  assert.deepEqual(findServer(BACKENDS, "api", "unix:/run/api.sock"), expected);
});

Deno.test("what is not found is told with what there is", () => {
  assert.deepEqual(findServer(BACKENDS, "web", "one"), {
    kind: "unknown_backend",
    known: ["app", "api"],
  });
  assert.deepEqual(findServer(BACKENDS, "app", "two"), {
    kind: "unknown_server",
    known: ["one", "10.0.0.2:80"],
  });
});

Deno.test("names are compared whole and in their own letters", () => {
  for (const [backend, server] of [["APP", "one"], ["", "one"], ["app ", "one"]]) {
    assert.equal(findServer(BACKENDS, backend, server).kind, "unknown_backend");
  }
  for (const server of ["", "On", "One", "one ", "toString"]) {
    assert.equal(findServer(BACKENDS, "app", server).kind, "unknown_server");
  }
});
