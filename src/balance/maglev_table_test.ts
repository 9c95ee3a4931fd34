import assert from "node:assert/strict";
import fc from "fast-check";
import { hashBytes } from "../base/hash.ts";
import { MAGLEV_SLOTS, makeMaglevTable } from "./maglev_table.ts";
import { WEIGHT_MAX } from "./server_set.ts";
import { largest, makeNames, randomAt, smallest } from "./test_arrivals.ts";

function makeTable(names: readonly string[], weights: readonly number[]): Uint16Array {
  return makeMaglevTable(names, Int32Array.from(weights));
}

function makeEqualTable(names: readonly string[]): Uint16Array {
  return makeTable(names, new Array(names.length).fill(1));
}

function countSlots(table: Uint16Array, servers: number): number[] {
  const slots = new Array(servers).fill(0);
  for (const owner of table) slots[owner]++;
  return slots;
}

/** A number that changes with any slot, the same on machines of either byte order. */
function fingerprint(table: Uint16Array): string {
  const bytes = new Uint8Array(2 * table.length);
  for (let slot = 0; slot < table.length; slot++) {
    bytes[2 * slot] = table[slot] & 255;
    bytes[2 * slot + 1] = table[slot] >>> 8;
  }
  return hashBytes(bytes, 0, bytes.length, 0).toString(16);
}

Deno.test("the number of slots is prime, which lets every skip reach all of them", () => {
  for (let divisor = 2; divisor * divisor <= MAGLEV_SLOTS; divisor++) {
    assert.notEqual(MAGLEV_SLOTS % divisor, 0);
  }
});

Deno.test("every slot is owned, and equal servers own equal numbers to within one", () => {
  for (const count of [1, 2, 3, 10, 100, 500, 512, 4096]) {
    const table = makeEqualTable(makeNames(count));
    assert.equal(table.length, MAGLEV_SLOTS);
    assert.ok(largest(table) < count, "an owner is a server");
    const slots = countSlots(table, count);
    assert.ok(largest(slots) - smallest(slots) <= 1, `${count} servers`);
  }
});

Deno.test("servers own slots in proportion to their weights", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(WEIGHT_MAX), { minLength: 1, maxLength: 60 }),
      (weights) => {
        const sum = weights.reduce((left, right) => left + right);
        const table = makeTable(makeNames(weights.length), weights);
        if (sum === 0) return assert.equal(table.length, 0);
        const slots = countSlots(table, weights.length);
        for (let server = 0; server < weights.length; server++) {
          const share = weights[server] / sum;
          // A turn for rounding, and this server's part of what the others were rounded by.
          const bound = weights[server] === 0 ? 0 : 2 + weights.length * share;
          const deviation = Math.abs(slots[server] - MAGLEV_SLOTS * share);
          assert.ok(deviation <= bound, `weight ${weights[server]}: ${slots[server]} slots`);
        }
      },
    ),
    { seed: 1, numRuns: 40 },
  );
});

Deno.test("a server of weight 1 among 511 of weight 256 still owns a slot", () => {
  for (const small of [0, 250, 511]) {
    const weights = new Array(512).fill(WEIGHT_MAX);
    weights[small] = 1;
    assert.equal(countSlots(makeTable(makeNames(512), weights), 512)[small], 1);
  }
});

Deno.test("scaling all weights leaves the table as it is", () => {
  const names = makeNames(5);
  assert.deepEqual(makeTable(names, [1, 2, 3, 4, 5]), makeTable(names, [40, 80, 120, 160, 200]));
});

Deno.test("the order of servers in the configuration does not matter", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.string({ maxLength: 20 }), fc.integer({ min: 1, max: 9 })), {
        minLength: 2,
        maxLength: 20,
        selector: ([name]) => name,
      }),
      fc.nat(0xffffffff),
      (servers, seed) => {
        const shuffled = servers
          .map((server, index) => ({ server, rank: randomAt(seed, index) }))
          .sort((left, right) => left.rank - right.rank)
          .map(({ server }) => server);
        const table = makeTable(servers.map(([name]) => name), servers.map(([, weight]) => weight));
        const other = makeTable(shuffled.map(([name]) => name), shuffled.map(([, w]) => w));
        for (let slot = 0; slot < MAGLEV_SLOTS; slot++) {
          assert.equal(servers[table[slot]], shuffled[other[slot]]);
        }
      },
    ),
    { seed: 2, numRuns: 15 },
  );
});

Deno.test("removing one of n servers moves its slots and few others (paper, section 5.3)", () => {
  for (const [count, otherShareMax] of [[10, 0.01], [50, 0.015], [100, 0.015], [500, 0.02]]) {
    const names = makeNames(count);
    const before = makeEqualTable(names);
    for (const removed of [0, count >> 1, count - 1]) {
      const namesLeft = names.filter((_, server) => server !== removed);
      const after = makeEqualTable(namesLeft);
      let others = 0;
      for (let slot = 0; slot < MAGLEV_SLOTS; slot++) {
        if (before[slot] === removed) continue;
        if (names[before[slot]] !== namesLeft[after[slot]]) others++;
      }
      assert.ok(others / MAGLEV_SLOTS <= otherShareMax, `${count}: ${others / MAGLEV_SLOTS}`);
    }
  }
});

Deno.test("raising one weight gives that server slots and moves few others", () => {
  const names = makeNames(10);
  const before = makeTable(names, new Array(10).fill(10));
  const weights = new Array(10).fill(10);
  weights[4] = 20;
  const after = makeTable(names, weights);
  let others = 0;
  for (let slot = 0; slot < MAGLEV_SLOTS; slot++) {
    if (after[slot] !== before[slot] && after[slot] !== 4) others++;
  }
  assert.ok(others / MAGLEV_SLOTS <= 0.02, `${others / MAGLEV_SLOTS}`);
});

Deno.test("tables are the same in every release: keys must not move at an upgrade", () => {
  assert.equal(fingerprint(makeTable(["a", "b", "c"], [1, 1, 1])), "4ef5b491");
  const addresses = Array.from({ length: 40 }, (_, server) => `10.0.0.${server + 1}:8080`);
  const weights = addresses.map((_, server) => (server * 7) % 11);
  assert.equal(fingerprint(makeTable(addresses, weights)), "19162f91");
});
