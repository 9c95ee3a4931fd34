import assert from "node:assert/strict";
import fc from "fast-check";
import { KeyedHash } from "../base/keyed_hash.ts";
import { RateTable, rateTableFloats } from "./rate_table.ts";
import { WAYS } from "./set_count.ts";
import { TokenBucket } from "./token_bucket.ts";

const hash = new KeyedHash(0x5eed, 0x1234);
const START_MS = 1e8;

interface Scene {
  readonly clock: { nowMs: number };
  readonly bucket: TokenBucket;
  /** As two workers have them, over the same cells. */
  readonly tables: readonly [RateTable, RateTable];
}

/** @param clients what the cells are made for; 1 gives one set. */
function makeScene(clients: number, perSecond: number, burst: number): Scene {
  const clock = { nowMs: START_MS };
  const cells = new Float64Array(rateTableFloats(clients));
  const bucket = new TokenBucket(perSecond, burst, clock);
  return {
    clock,
    bucket,
    tables: [new RateTable(cells, hash, bucket), new RateTable(cells, hash, bucket)],
  };
}

function countTaken(table: RateTable, key: number, tries: number): number {
  let taken = 0;
  for (let i = 0; i < tries; i++) if (table.take(key, ~key)) taken++;
  return taken;
}

Deno.test("each client has its own tokens, over all workers together", () => {
  const { tables: [one, other], clock } = makeScene(100, 1, 3);
  assert.equal(countTaken(one, 7, 2), 2);
  assert.equal(countTaken(other, 7, 9), 1);
  assert.equal(countTaken(one, 7, 9), 0);
  assert.equal(countTaken(other, 8, 9), 3);
  clock.nowMs += 1000;
  assert.equal(countTaken(one, 7, 9), 1);
});

Deno.test("both words of the key tell clients apart, zeros included", () => {
  const { tables: [table] } = makeScene(1, 1, 1);
  for (const [high, low] of [[0, 0], [0, 1], [1, 0], [-1, 0], [0, -1], [1 << 31, 1 << 31]]) {
    assert.ok(table.take(high, low), `${high} ${low}`);
    assert.ok(!table.take(high, low), `${high} ${low}`);
  }
});

Deno.test("for any order of clients and workers, each is served as by a bucket alone", () => {
  const step = fc.record({ worker: fc.nat(1), client: fc.nat(20), gapMs: fc.nat(300) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const { tables, bucket, clock } = makeScene(10_000, 2, 4);
      const alone = new Float64Array(21);
      for (const { worker, client, gapMs } of steps) {
        clock.nowMs += gapMs;
        const expected = bucket.take(alone, client);
        assert.equal(tables[worker].take(client, -client), expected);
      }
      assert.equal(tables[0].evictedCount + tables[1].evictedCount, 0);
    }),
    { seed: 1 },
  );
});

Deno.test("a client takes the place of one whose bucket is full, which is no eviction", () => {
  const { tables: [table], clock } = makeScene(1, 1, 2);
  for (let round = 0; round < 10; round++) {
    for (let client = 0; client < WAYS; client++) {
      assert.equal(countTaken(table, round * WAYS + client, 3), 2);
    }
    clock.nowMs += 2000;
  }
  assert.equal(table.evictedCount, 0);
});

Deno.test("with no bucket full, the one that will be full first is taken over and counted", () => {
  const { tables: [table] } = makeScene(1, 1, 3);
  for (let client = 0; client < WAYS; client++) {
    assert.equal(countTaken(table, client, client === 5 ? 1 : 2), client === 5 ? 1 : 2);
  }
  assert.equal(countTaken(table, 100, 9), 3);
  assert.equal(table.evictedCount, 1);
  // The others have what they had; the evicted one is new, and takes the place of another.
  for (let client = 0; client < WAYS; client++) {
    if (client !== 5) assert.equal(countTaken(table, client, 9), 1, `${client}`);
  }
  assert.equal(table.evictedCount, 1);
  assert.equal(countTaken(table, 5, 9), 3);
  assert.equal(table.evictedCount, 2);
});

Deno.test("a flood of new clients is let through, whatever it evicts", () => {
  const { tables: [table] } = makeScene(64, 1, 1);
  for (let client = 0; client < 5000; client++) assert.ok(table.take(client, client));
  assert.ok(table.evictedCount > 4000);
});

Deno.test("cells made for so many clients hold nearly all of them at once", () => {
  const { tables: [table] } = makeScene(4096, 1, 1);
  for (let client = 0; client < 4096; client++) table.take(-1, client);
  assert.ok(table.evictedCount < 80, `${table.evictedCount} evicted`);
  let admittedAgain = 0;
  for (let client = 0; client < 4096; client++) if (table.take(-1, client)) admittedAgain++;
  assert.ok(admittedAgain < 160, `${admittedAgain} forgotten`);
});

Deno.test("clients that share a set under one key do not under another", () => {
  // Chosen by someone who knows the first key.
  const chosen: number[] = [];
  const words = new Int32Array(2);
  for (let low = 0; chosen.length < 64; low++) {
    words[1] = low;
    if ((hash.hashWords(words, 0, 2) & 1023) === 0) chosen.push(low);
  }
  const clock = { nowMs: START_MS };
  const evicted = [hash, new KeyedHash(1, 2)].map((hash) => {
    const cells = new Float64Array(rateTableFloats(4096));
    const table = new RateTable(cells, hash, new TokenBucket(1, 1, clock));
    for (const low of chosen) table.take(0, low);
    return table.evictedCount;
  });
  assert.deepEqual(evicted, [64 - WAYS, 0]);
});

Deno.test("cells of a length that no number of clients needs are refused", () => {
  const bucket = new TokenBucket(1, 1, { nowMs: 0 });
  assert.throws(() => new RateTable(new Float64Array(100), hash, bucket));
  assert.throws(() => new RateTable(new Float64Array(0), hash, bucket));
});
