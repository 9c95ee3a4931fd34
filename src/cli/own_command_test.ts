import assert from "node:assert/strict";
import { ownCommand } from "./own_command.ts";

Deno.test("a command is written as the person would type it here", () => {
  assert.equal(ownCommand("serve -c FILE", true), "ringway serve -c FILE");
  assert.equal(ownCommand("serve -c FILE", false), "deno task serve -c FILE");
  assert.equal(ownCommand("status", false), "deno task ringway status");
  assert.equal(ownCommand("server ready a/b", false), "deno task ringway server ready a/b");
});
