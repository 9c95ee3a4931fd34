import assert from "node:assert/strict";
import fc from "fast-check";
import { formatIpWords, isIpv4Words, parseIpWords } from "./ip_words.ts";
import { readSocketAddress, writeSocketAddress } from "./ip_words.ts";
import { AF_INET, AF_INET6, encodeSocketAddress } from "./socket_address.ts";

Deno.test("an address has one form, whichever family of socket it came through", () => {
  const words = new Int32Array(8);
  const ipv4 = encodeSocketAddress(Uint8Array.of(10, 0, 0, 200), 53);
  const mapped = new Uint8Array(16);
  mapped.set([255, 255, 10, 0, 0, 200], 10);
  const ipv6 = encodeSocketAddress(mapped, 53);
  assert.equal(readSocketAddress(ipv4, 0, words, 0), 53);
  assert.equal(readSocketAddress(ipv6, 0, words, 4), 53);
  assert.deepEqual(words.slice(0, 4), words.slice(4));
  assert.equal(formatIpWords(words, 4), "10.0.0.200");
  assert.equal(isIpv4Words(words, 0), true);
});

Deno.test("socket addresses survive reading and writing, over whatever stood there", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(fc.property(address, fc.integer({ min: 0, max: 65535 }), (text, port) => {
    const words = parseIpWords(text)!;
    const family = text.includes(":") ? AF_INET6 : AF_INET;
    const bytes = new Uint8Array(32).fill(0xaa);
    const length = writeSocketAddress(family, words, 0, port, bytes, 2);
    assert.equal(length, family === AF_INET ? 16 : 28);
    const back = new Int32Array(4);
    assert.equal(readSocketAddress(bytes, 2, back, 0), port);
    assert.deepEqual(back, words);
    assert.equal(bytes[2 + length], 0xaa);
  }));
});

Deno.test("what is no IP address has no port and no words", () => {
  const words = Int32Array.of(1, 2, 3, 4);
  assert.equal(readSocketAddress(Uint8Array.of(1, 0, 47, 120), 0, words, 0), -1);
  assert.deepEqual([...words], [0, 0, 0, 0]);
});
