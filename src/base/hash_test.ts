import assert from "node:assert/strict";
import fc from "fast-check";
import { hashBytes, hashString, mixBits } from "./hash.ts";

const utf8 = new TextEncoder();

Deno.test("hashString gives the published values of MurmurHash3_x86_32", () => {
  const published: [string, number, number][] = [
    ["", 0, 0],
    ["", 1, 0x514e28b7],
    ["", 0xffffffff, 0x81f16f39],
    ["test", 0, 0xba6bd213],
    ["test", 0x9747b28c, 0x704b81dc],
    ["Hello, world!", 0, 0xc0363e43],
    ["Hello, world!", 0x9747b28c, 0x24884cba],
    ["The quick brown fox jumps over the lazy dog", 0, 0x2e4ff723],
    ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
    ["aaaa", 0x9747b28c, 0x5a97808a],
    ["aaa", 0x9747b28c, 0x283e0130],
    ["aa", 0x9747b28c, 0x5d211726],
    ["a", 0x9747b28c, 0x7fa09ea6],
    ["ππππππππ", 0x9747b28c, 0xd58063c1],
  ];
  for (const [text, seed, expected] of published) {
    assert.equal(hashString(text, seed).toString(16), expected.toString(16), `${text} ${seed}`);
  }
});

Deno.test("hashBytes sees only its range, wherever the range lies", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 7 }),
      fc.uint8Array({ maxLength: 7 }),
      fc.nat(0xffffffff),
      (middle, before, after, seed) => {
        const whole = new Uint8Array([...before, ...middle, ...after]);
        const end = before.length + middle.length;
        assert.equal(
          hashBytes(whole, before.length, end, seed),
          hashBytes(middle, 0, middle.length, seed),
        );
      },
    ),
    { seed: 1 },
  );
});

Deno.test("hashString is hashBytes of the UTF-8 bytes, an unsigned 32-bit integer", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xffff)), fc.nat(0xffffffff), (codeUnits, seed) => {
      const text = String.fromCharCode(...codeUnits);
      const bytes = utf8.encode(text);
      const hash = hashString(text, seed);
      assert.equal(hash, hashBytes(bytes, 0, bytes.length, seed));
      assert.equal(hash, hash >>> 0);
    }),
    { seed: 1 },
  );
});

Deno.test("hashBytes refuses a range outside of its bytes", () => {
  const bytes = new Uint8Array(4);
  assert.throws(() => hashBytes(bytes, 0, 5, 0));
  assert.throws(() => hashBytes(bytes, 3, 2, 0));
  assert.throws(() => hashBytes(bytes, -1, 2, 0));
});

Deno.test("the addresses of one /16 spread evenly over 256 places, for each seed", () => {
  const address = new Uint8Array([10, 7, 0, 0]);
  for (const seed of [0, 1, 0x9747b28c]) {
    const places = new Float64Array(256);
    for (let low = 0; low < 65536; low++) {
      address[2] = low >>> 8;
      address[3] = low & 255;
      places[hashBytes(address, 0, 4, seed) >>> 24]++;
    }
    // 256 expected in each, standard deviation 16; five of them either way.
    for (const count of places) assert.ok(Math.abs(count - 256) < 80, `seed ${seed}: ${count}`);
  }
});

Deno.test("mixBits flips each output bit about half of the time for each input bit", () => {
  const samples = 2000;
  for (let inputBit = 0; inputBit < 32; inputBit++) {
    const flips = new Float64Array(32);
    for (let sample = 1; sample <= samples; sample++) {
      const value = Math.imul(sample, 0x9e3779b1);
      const difference = mixBits(value) ^ mixBits(value ^ (1 << inputBit));
      for (let outputBit = 0; outputBit < 32; outputBit++) {
        flips[outputBit] += (difference >>> outputBit) & 1;
      }
    }
    for (const count of flips) {
      assert.ok(Math.abs(count / samples - 0.5) < 0.1, `bit ${inputBit}: ${count}`);
    }
  }
});

Deno.test("mixBits returns unsigned integers and maps only zero to zero", () => {
  assert.equal(mixBits(0), 0);
  for (const value of [1, -1, 0x80000000, 0xffffffff]) {
    const mixed = mixBits(value);
    assert.ok(mixed > 0 && mixed === mixed >>> 0);
  }
});
