import assert from "node:assert/strict";
import fc from "fast-check";
import { hashBytes } from "../base/hash.ts";
import { parseIp } from "../net/address.ts";
import { IP_WORDS, parseIpWords } from "../net/ip_words.ts";
import { CLIENT_HASH_SEED, hashClient } from "./client_hash.ts";

function hashOf(ip: string): number {
  return hashClient(parseIpWords(ip)!, 0);
}

Deno.test("the hash is of the address alone and never changes: other nodes choose by it", () => {
  // Written down: with another one every client would move at an upgrade.
  assert.deepEqual(
    ["192.0.2.1", "10.0.0.1", "2001:db8::1", "::"].map(hashOf),
    [-697007406, -755487687, 1324841805, -466643588],
  );
});

Deno.test("a client has one hash, however its address came", () => {
  assert.equal(hashOf("192.0.2.1"), hashOf("::ffff:192.0.2.1"));
  assert.notEqual(hashOf("192.0.2.1"), hashOf("192.0.2.2"));
  assert.notEqual(hashOf("2001:db8::1"), hashOf("2001:db8::2"));
});

Deno.test("it is the hash of the bytes as they are on the wire, as a signed integer", () => {
  for (const ip of ["192.0.2.1", "255.255.255.255", "2001:db8::1", "::", "ffff::ffff"]) {
    const bytes = parseIp(ip)!;
    const expected = hashBytes(bytes, 0, bytes.length, CLIENT_HASH_SEED) | 0;
    assert.equal(hashOf(ip), expected, ip);
  }
});

Deno.test("the words are read from their place, whatever was hashed before", () => {
  const word = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
  const address = fc.array(word, { minLength: IP_WORDS, maxLength: IP_WORDS });
  const some = fc.oneof(address, word.map((last) => [0, 0, 0xffff, last]));
  fc.assert(fc.property(some, some, (one, other) => {
    const both = Int32Array.of(...other, ...one);
    const hash = hashClient(both, IP_WORDS);
    hashClient(both, 0);
    assert.equal(hashClient(Int32Array.from(one), 0), hash);
  }));
});
