import assert from "node:assert/strict";
import fc from "fast-check";
import { KeyedHash } from "./keyed_hash.ts";

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

Deno.test("hashWords gives the published values of HalfSipHash-2-4 with 32 bits of output", () => {
  // vectors.h of the reference: the key is the bytes 00 to 07, the input the bytes 00, 01, 02 and
  // so on; of its 64 lengths these are the multiples of four, from 0 on.
  const published = [
    ...[0x5b9f35a9, 0x89466e2a, 0x8f84b8d0, 0x2f87f057, 0x84acb5d9, 0x45104de3, 0x630c4027],
    ...[0x004064b0, 0x1221e7fe, 0xecc65ce7, 0x4018bcb6, 0x48d50577, 0xe32ce169, 0xd4f3853b],
    ...[0x40b9c5a5, 0x736ce7d4],
  ];
  const hash = new KeyedHash(0x03020100, 0x07060504);
  const words = new Int32Array(Uint8Array.from({ length: 64 }, (_, i) => i).buffer);
  for (const [count, expected] of published.entries()) {
    assert.equal(hash.hashWords(words, 0, count).toString(16), expected.toString(16), `${count}`);
  }
});

Deno.test("hashWords sees only its range, wherever the range lies", () => {
  fc.assert(
    fc.property(fc.array(word), fc.array(word), word, word, (middle, around, low, high) => {
      const whole = Int32Array.from([...around, ...middle, ...around]);
      const hash = new KeyedHash(low, high);
      const expected = hash.hashWords(Int32Array.from(middle), 0, middle.length);
      assert.equal(hash.hashWords(whole, around.length, middle.length), expected);
      assert.equal(expected, expected >>> 0);
    }),
    { seed: 1 },
  );
});

Deno.test("a range outside of its words is refused", () => {
  const hash = new KeyedHash(1, 2);
  const words = new Int32Array(4);
  assert.throws(() => hash.hashWords(words, 0, 5));
  assert.throws(() => hash.hashWords(words, 3, 2));
  assert.throws(() => hash.hashWords(words, -1, 2));
  assert.throws(() => hash.hashWords(words, 2, -1));
});

Deno.test("both halves of the key count, each as 32 bits whether signed or not", () => {
  const words = Int32Array.of(1, 2, 3);
  const hashes = [[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1], [1 << 31, 0], [0, 1 << 31]]
    .map(([low, high]) => new KeyedHash(low, high).hashWords(words, 0, 3));
  assert.equal(new Set(hashes).size, hashes.length);
  assert.equal(new KeyedHash(0xffffffff, 0).hashWords(words, 0, 3), hashes[3]);
});

Deno.test("zeros of different number are different inputs", () => {
  const hash = new KeyedHash(3, 4);
  const hashes = Array.from(
    { length: 60 },
    (_, count) => hash.hashWords(new Int32Array(60), 0, count),
  );
  assert.equal(new Set(hashes).size, 60);
});

Deno.test("each bit of input and key flips each output bit about half of the time", () => {
  const samples = 1000;
  const words = new Int32Array(3);
  // Three words of input, then two of the key.
  for (let inputBit = 0; inputBit < 5 * 32; inputBit++) {
    const flips = new Float64Array(32);
    const flip = 1 << (inputBit & 31);
    const place = inputBit >> 5;
    for (let sample = 1; sample <= samples; sample++) {
      const low = Math.imul(sample, 0x9e3779b1);
      for (let i = 0; i < 3; i++) words[i] = sample + i;
      const before = new KeyedHash(low, sample).hashWords(words, 0, 3);
      if (place < 3) words[place] ^= flip;
      const hash = new KeyedHash(
        place === 3 ? low ^ flip : low,
        place === 4 ? sample ^ flip : sample,
      );
      const difference = before ^ hash.hashWords(words, 0, 3);
      for (let bit = 0; bit < 32; bit++) flips[bit] += (difference >>> bit) & 1;
    }
    // The standard deviation is 0.016.
    for (const count of flips) assert.ok(Math.abs(count / samples - 0.5) < 0.1, `${inputBit}`);
  }
});

Deno.test("the addresses of one /16 spread evenly over 256 places, by low bits and by high", () => {
  const words = Int32Array.of(-1, 0);
  for (const key of [0, 1, 0x5eed]) {
    const hash = new KeyedHash(key, ~key);
    const lowPlaces = new Float64Array(256);
    const highPlaces = new Float64Array(256);
    for (let host = 0; host < 65536; host++) {
      words[1] = 0x0a070000 + host;
      const hashed = hash.hashWords(words, 0, 2);
      lowPlaces[hashed & 255]++;
      highPlaces[hashed >>> 24]++;
    }
    // 256 expected in each, standard deviation 16; five of them either way.
    for (const count of [...lowPlaces, ...highPlaces]) {
      assert.ok(Math.abs(count - 256) < 80, `key ${key}: ${count}`);
    }
  }
});

Deno.test("keys that share a place under one key are scattered under another", () => {
  const first = new KeyedHash(1, 2);
  const second = new KeyedHash(1, 3);
  const words = new Int32Array(2);
  const places = new Set<number>();
  let count = 0;
  for (let i = 0; count < 100; i++) {
    words[0] = i;
    if ((first.hashWords(words, 0, 2) & 255) !== 0) continue;
    count++;
    places.add(second.hashWords(words, 0, 2) & 255);
  }
  // A hundred keys drawn at random stand in 83 places on average, deviation 3.
  assert.ok(places.size > 65, `${places.size} places`);
});
