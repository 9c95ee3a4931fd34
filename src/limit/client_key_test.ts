import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIpWords } from "../net/ip_words.ts";
import { clientKeyHigh, clientKeyLow } from "./client_key.ts";

const word = fc.oneof(fc.constantFrom(0, -1, 0xffff), fc.integer());

function keyOf(ip: string): string {
  const words = parseIpWords(ip)!;
  return `${clientKeyHigh(words, 0)} ${clientKeyLow(words, 0)}`;
}

Deno.test("with IPv4 each address is a client of its own, whichever socket it came through", () => {
  assert.notEqual(keyOf("10.0.0.1"), keyOf("10.0.0.2"));
  assert.notEqual(keyOf("10.0.0.1"), keyOf("138.0.0.1"));
  assert.equal(keyOf("10.0.0.1"), keyOf("::ffff:10.0.0.1"));
});

Deno.test("with IPv6 the addresses of one /64 are one client", () => {
  assert.equal(keyOf("2001:db8:1:2::1"), keyOf("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  assert.notEqual(keyOf("2001:db8:1:2::1"), keyOf("2001:db8:1:3::1"));
  assert.notEqual(keyOf("2001:db8:1:2::1"), keyOf("2001:db9:1:2::1"));
});

Deno.test("an IPv4 client is no IPv6 client that may send packets", () => {
  fc.assert(
    fc.property(word, fc.tuple(word, word, word, word), (last, words) => {
      const ipv4 = Int32Array.of(0, 0, 0xffff, last);
      const ipv6 = Int32Array.from(words);
      const isMulticast = ipv6[0] >>> 24 === 0xff;
      const isMapped = ipv6[0] === 0 && ipv6[1] === 0 && ipv6[2] === 0xffff;
      fc.pre(!isMulticast && !isMapped);
      const isSame = clientKeyHigh(ipv4, 0) === clientKeyHigh(ipv6, 0) &&
        clientKeyLow(ipv4, 0) === clientKeyLow(ipv6, 0);
      assert.ok(!isSame);
    }),
    { seed: 1, numRuns: 1000 },
  );
  // These share ::/64 with every mapped address.
  for (const ip of ["::", "::1", "::fffe:10.0.0.1", "::10.0.0.1", "::ffff:0:10.0.0.1"]) {
    assert.equal(keyOf(ip), keyOf("::"), ip);
    assert.notEqual(keyOf(ip), keyOf("10.0.0.1"), ip);
    assert.notEqual(keyOf(ip), keyOf("0.0.0.0"), ip);
  }
});

Deno.test("keys are signed 32-bit integers, read from where the address stands", () => {
  const words = new Int32Array(8);
  words.set(parseIpWords("255.255.255.255")!, 4);
  assert.deepEqual([clientKeyHigh(words, 4), clientKeyLow(words, 4)], [-1, -1]);
  words.set(parseIpWords("fe80:0:ffff::1")!, 4);
  assert.deepEqual([clientKeyHigh(words, 4), clientKeyLow(words, 4)], [-0x01800000, -65536]);
});
