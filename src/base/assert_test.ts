import assert from "node:assert/strict";
import { assert as check, AssertionFailure } from "./assert.ts";

Deno.test("an assertion that holds does nothing, one that fails says what should have held", () => {
  check(true, "one is one");
  assert.throws(
    () => check(false, "one is two"),
    (failure) => failure instanceof AssertionFailure && failure.message === "one is two",
  );
});
