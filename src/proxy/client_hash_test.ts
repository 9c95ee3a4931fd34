import assert from "node:assert/strict";
import fc from "fast-check";
import { hashBytes } from "../base/hash.ts";
import { parseIp } from "../net/address.ts";
import { IP_WORDS, parseIpWords } from "../net/ip_words.ts";
import { CLIENT_HASH_SEED, hashClient, hashPort, joinHash } from "./client_hash.ts";

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

// ---- Keys of several parts ------------------------------------------------------------------

/** As the proxies join them. */
function joinAll(parts: readonly number[]): number {
  return parts.reduce((hash, part, i) => joinHash(hash, part, i), 0);
}

const hash32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const port = fc.integer({ min: -1, max: 65_535 });

Deno.test("the hash of a port never changes either, and a client without one has its own", () => {
  assert.deepEqual(
    [-1, 0, 1, 5000, 65_535].map(hashPort),
    [1608088782, -1183119212, 619475366, -1629612000, 1927430325],
  );
});

Deno.test("no two ports have the same hash", () => {
  fc.assert(fc.property(port, port, (one, other) => {
    assert.equal(hashPort(one) === hashPort(other), one === other);
    assert.equal(hashPort(one), hashPort(one) | 0);
  }));
});

Deno.test("a key of one part is that part: who hashes on one thing goes where it went", () => {
  fc.assert(fc.property(hash32, (part) => assert.equal(joinAll([part]), part)));
  assert.equal(joinAll([hashOf("192.0.2.1")]), -697007406);
});

Deno.test("the parts of a key are joined in their order, the same for ever", () => {
  const [address, source] = [hashOf("192.0.2.1"), hashPort(5000)];
  assert.equal(joinAll([address, source]), 801946180);
  assert.equal(joinAll([source, address]), 1434004372);
});

Deno.test("each part tells: another port, or another address, is another key", () => {
  fc.assert(fc.property(hash32, hash32, hash32, (part, one, other) => {
    const isSame = one === other;
    assert.equal(joinAll([part, one]) === joinAll([part, other]), isSame);
    assert.equal(joinAll([one, part]) === joinAll([other, part]), isSame);
    assert.equal(joinAll([part, one]), joinAll([part, one]) | 0, "a signed integer, as all");
  }));
});

Deno.test("connections of one client spread over all servers by their ports", () => {
  const counts = new Array(8).fill(0);
  const address = hashOf("192.0.2.1");
  for (let source = 32_768; source < 32_768 + 8000; source++) {
    counts[(joinAll([address, hashPort(source)]) >>> 0) % 8]++;
  }
  for (const count of counts) assert.ok(count > 850 && count < 1150, `${counts}`);
});
