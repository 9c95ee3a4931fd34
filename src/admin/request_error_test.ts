import assert from "node:assert/strict";
import { suggestKnown } from "./request_error.ts";

Deno.test("what there is, is told; first the nearest", () => {
  assert.equal(suggestKnown("ap", ["app", "api"]), '; did you mean "app"? known: app, api');
  assert.equal(suggestKnown("web", ["app", "api"]), "; known: app, api");
});

Deno.test("of many names the first are told, and how many more there are", () => {
  const many = Array.from({ length: 500 }, (_, i) => `server${i}`);
  const text = suggestKnown("nothing", many);
  assert.ok(text.startsWith("; known: server0, server1, ") && text.endsWith(" and 480 more"), text);
  assert.match(suggestKnown("servr499", many), /^; did you mean "server499"\? /);
});
