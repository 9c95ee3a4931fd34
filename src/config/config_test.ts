import assert from "node:assert/strict";
import { POLICY_NAMES } from "../balance/policy.ts";
import * as servers from "../balance/server_set.ts";
import { RETRIES_MAX, SERVERS_MAX, WEIGHT_MAX } from "./config_limits.ts";
import { BALANCE_NAMES } from "./config.ts";
import { ATTEMPTS_MAX } from "../limits.ts";

// config/ and balance/ have the same rank, so neither imports the other; here they are held equal.

Deno.test("the configuration knows exactly the policies that there are", () => {
  assert.deepEqual(BALANCE_NAMES, POLICY_NAMES);
});

Deno.test("what the configuration accepts, the policies can work with", () => {
  assert.equal(WEIGHT_MAX, servers.WEIGHT_MAX);
  assert.ok(SERVERS_MAX <= servers.SERVERS_MAX);
  assert.equal(RETRIES_MAX + 1, ATTEMPTS_MAX);
});
