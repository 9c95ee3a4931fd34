import assert from "node:assert/strict";
import { describeFailure, failureOutcome } from "./failure_outcome.ts";

Deno.test("errors with a number are told in the words of the program", () => {
  const refused = { code: "ECONNREFUSED", errno: -111, message: "connect ECONNREFUSED" };
  assert.equal(describeFailure(refused), "connection refused (ECONNREFUSED)");
  assert.equal(describeFailure({ code: "EPROTO", errno: -71, message: "x" }), "EPROTO");
  assert.equal(describeFailure({ errno: -71 }), "errno 71");
});

Deno.test("other errors are told by their message, short and fit for a terminal", () => {
  assert.equal(describeFailure(new Error("broken \x1b[1mpipe")), "broken \ufffd[1mpipe");
  assert.equal(describeFailure(new Error("a".repeat(500))).length, 120);
  assert.equal(describeFailure("thrown"), "thrown");
  assert.equal(describeFailure(null), "null");
});

Deno.test("what this machine is short of is not the server's fault", () => {
  for (const errno of [-24, -23, -12, -105, -99]) {
    assert.equal(failureOutcome({ errno }).isOurs, true, `errno ${errno}`);
  }
  assert.deepEqual(failureOutcome({ errno: -104 }, "status 200, then "), {
    isOk: false,
    text: "status 200, then connection reset (ECONNRESET)",
    isOurs: false,
  });
});
