import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeEscapes } from "./escaped_text.ts";

function bytesOf(text: string): string {
  const decoded = decodeEscapes(text);
  assert.ok(decoded.ok, text);
  return decoded.bytes;
}

function problemOf(text: string): string {
  const decoded = decodeEscapes(text);
  assert.ok(!decoded.ok, text);
  const { message, hint } = decoded.problem;
  return hint === undefined ? message : `${message} -> ${hint}`;
}

Deno.test("escapes become the bytes that they stand for", () => {
  assert.equal(bytesOf("PING\\r\\n"), "PING\r\n");
  assert.equal(bytesOf("\\x00\\x0a\\xFf\\t"), "\0\n\xff\t");
  assert.equal(bytesOf("C:\\\\x41"), "C:\\x41");
  assert.equal(bytesOf("\\x411"), "A1");
  assert.equal(bytesOf("+PONG"), "+PONG");
});

Deno.test("what YAML has decoded already is taken as it is", () => {
  assert.equal(bytesOf("PING\r\n\0"), "PING\r\n\0");
});

Deno.test("a character beyond one byte is its bytes in UTF-8", () => {
  assert.equal(bytesOf("→"), "\xe2\x86\x92");
  assert.equal(bytesOf("😀"), "\xf0\x9f\x98\x80");
});

Deno.test("a character that could be one byte or two has to be said", () => {
  assert.equal(
    problemOf("caf\u00e9"),
    'has "é", which may be one byte or two -> ' +
      "in single quotes write \\xe9 for the byte, \\xc3\\xa9 for UTF-8",
  );
});

Deno.test("an escape that is none is told with what to write", () => {
  const known = "known are \\r \\n \\t \\\\ and \\xHH";
  assert.equal(problemOf("a\\qb"), `has the unknown escape "\\q" -> ${known}`);
  assert.equal(problemOf("\\0"), 'has the unknown escape "\\0" -> write \\x00');
  assert.equal(problemOf("\\R"), 'has the unknown escape "\\R" -> write \\r');
  assert.equal(
    problemOf("\\u00e9"),
    'has the unknown escape "\\u" -> write the bytes of its UTF-8, each as \\xHH',
  );
  const digits = "two hexadecimal digits follow \\x, such as \\x0a";
  assert.equal(problemOf("\\x4"), `has the incomplete escape "\\x4" -> ${digits}`);
  assert.equal(problemOf("\\xg0"), `has the incomplete escape "\\x" -> ${digits}`);
  assert.equal(problemOf("a\\"), "ends in a single backslash -> a backslash is written \\\\");
  // What a terminal would obey is not repeated.
  assert.match(problemOf("\\\u001b"), /^has the unknown escape "\\\\\\u\{1b\}"/);
});

Deno.test("there is a bound, in bytes", () => {
  assert.equal(bytesOf("x".repeat(1024)).length, 1024);
  assert.equal(bytesOf("\\x00".repeat(1024)).length, 1024);
  assert.equal(problemOf("→".repeat(342)), "has 1026 bytes; at most 1024 are allowed");
});

Deno.test("any bytes can be written", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
    const hex = Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`);
    assert.equal(bytesOf(hex.join("")), String.fromCharCode(...bytes));
  }));
});

Deno.test("any text is bytes, or has something that is wrong with it", () => {
  const part = fc.oneof(fc.string({ unit: "binary", maxLength: 3 }), fc.constantFrom("\\", "\\x"));
  fc.assert(fc.property(fc.array(part), (parts) => {
    const decoded = decodeEscapes(parts.join(""));
    if (decoded.ok) assert.match(decoded.bytes, /^[\0-\xff]*$/);
    else assert.notEqual(decoded.problem.message, "");
  }));
});
