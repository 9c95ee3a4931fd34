import assert from "node:assert/strict";
import { isTakenOut, SERVER_STATES } from "./server_state.ts";

Deno.test("only who is in drain or maint has been taken out on purpose", () => {
  assert.deepEqual(SERVER_STATES.filter(isTakenOut), ["drain", "maint"]);
});

Deno.test("in shared memory a server is up that nobody has written about", () => {
  assert.equal(SERVER_STATES.indexOf("up"), 0);
});
