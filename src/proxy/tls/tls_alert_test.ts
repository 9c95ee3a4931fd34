import assert from "node:assert/strict";
import { ALERT_RECORD_BYTES, UNRECOGNIZED_NAME, writeAlert } from "./tls_alert.ts";

Deno.test("an alert is one fatal record of seven bytes, written where it is asked for", () => {
  const into = new Uint8Array(10).fill(0xee);
  assert.equal(writeAlert(into, 2, UNRECOGNIZED_NAME), ALERT_RECORD_BYTES);
  assert.deepEqual([...into], [0xee, 0xee, 21, 3, 1, 0, 2, 2, 112, 0xee]);
});

Deno.test("an alert without room is refused before anything is written", () => {
  const into = new Uint8Array(10);
  assert.throws(() => writeAlert(into, 4, UNRECOGNIZED_NAME), /room/);
  assert.throws(() => writeAlert(into, -1, UNRECOGNIZED_NAME), /room/);
  assert.deepEqual(into, new Uint8Array(10));
});
