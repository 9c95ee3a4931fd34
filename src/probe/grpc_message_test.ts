import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeHealthResponse, encodeHealthRequest, SERVING_STATUSES } from "./grpc_message.ts";

/** A message of gRPC with these bytes. */
function framed(...message: number[]): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, message.length, ...message);
}

Deno.test("a request names the service, or is empty", () => {
  assert.deepEqual([...encodeHealthRequest("")], [0, 0, 0, 0, 0]);
  assert.deepEqual([...encodeHealthRequest("é")], [0, 0, 0, 0, 4, 10, 2, 0xc3, 0xa9]);
  const long = encodeHealthRequest("a".repeat(300));
  assert.deepEqual([...long.subarray(0, 9)], [0, 0, 0, 1, 47, 10, 0xac, 2, 97]);
});

Deno.test("each status is read, one that is left out is UNKNOWN", () => {
  for (const [number, name] of SERVING_STATUSES.entries()) {
    assert.equal(decodeHealthResponse(framed(8, number)), name);
  }
  assert.equal(decodeHealthResponse(framed()), "UNKNOWN");
});

Deno.test("fields that are not known are passed over", () => {
  const more = [16, 0x80, 1, 26, 2, 8, 2, 37, 1, 2, 3, 4, 41, 1, 2, 3, 4, 5, 6, 7, 8];
  assert.equal(decodeHealthResponse(framed(...more, 8, 1)), "SERVING");
});

Deno.test("what is not such a message is none", () => {
  const bad = [
    Uint8Array.of(),
    Uint8Array.of(0, 0, 0, 0),
    Uint8Array.of(1, 0, 0, 0, 2, 8, 1), // compressed
    Uint8Array.of(0, 0, 0, 0, 3, 8, 1), // cut short
    Uint8Array.of(0, 0, 0, 0, 1, 8, 1), // goes on
    framed(8), // a field without its value
    framed(8, 4), // a status that is not defined
    framed(8, 0x81, 0x80, 0x80, 0x80, 0x10), // 2^32 + 1
    framed(8, ...new Array(11).fill(0x80)),
    framed(26, 200, 1), // a text longer than the message
    framed(0, 1), // there is no field 0
    framed(11), // groups are history
  ];
  for (const message of bad) assert.equal(decodeHealthResponse(message), null, message.join());
});

Deno.test("any bytes give a status or none", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (message) => {
    const status = decodeHealthResponse(framed(...message));
    assert.ok(status === null || SERVING_STATUSES.includes(status));
  }));
});
