import assert from "node:assert/strict";
import fc from "fast-check";
import { KeyedHash } from "../base/keyed_hash.ts";
import { ClientCounts, clientCountsFloats } from "./client_counts.ts";
import { WAYS } from "./set_count.ts";

const hash = new KeyedHash(0x5eed, 0x1234);

/** One instance per worker, over the same tables. @param clients 1 gives one set. */
function makeWorkers(workers: number, clients: number): ClientCounts[] {
  const tables = Array.from(
    { length: workers },
    () => new Float64Array(clientCountsFloats(clients)),
  );
  return tables.map((_, own) => new ClientCounts(tables, own, hash));
}

Deno.test("connections of a client are counted over all workers", () => {
  const [one, other] = makeWorkers(2, 100);
  assert.ok(one.add(0, -1, 7));
  assert.ok(one.add(0, -1, 7));
  assert.ok(other.add(0, -1, 7));
  for (const counts of [one, other]) assert.equal(counts.sum(0, -1, 7), 3);
  one.remove(0, -1, 7);
  other.remove(0, -1, 7);
  for (const counts of [one, other]) assert.equal(counts.sum(0, -1, 7), 1);
});

Deno.test("listener and both words of the key tell counts apart, zeros included", () => {
  const [counts] = makeWorkers(1, 1);
  const keys = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, -1, 0], [0, 0, -1], [
    0,
    1 << 31,
    1,
  ]];
  for (const [listener, high, low] of keys) {
    assert.equal(counts.sum(listener, high, low), 0);
    assert.ok(counts.add(listener, high, low));
  }
  for (const [listener, high, low] of keys) assert.equal(counts.sum(listener, high, low), 1);
});

Deno.test("for any order of steps each count is what was added and not removed", () => {
  const step = fc.record({
    what: fc.constantFrom("add", "add", "add", "remove", "remove", "clear"),
    worker: fc.nat(2),
    client: fc.nat(11),
  });
  fc.assert(
    // One set, which twelve clients overflow, and many.
    fc.property(fc.array(step, { maxLength: 200 }), fc.constantFrom(1, 1000), (steps, clients) => {
      const workers = makeWorkers(3, clients);
      const expected = workers.map(() => new Map<number, number>());
      let overflows = 0;
      for (const { what, worker, client } of steps) {
        const counts = workers[worker];
        const counted = expected[worker];
        const count = counted.get(client) ?? 0;
        if (what === "add") {
          const hasPlace = count > 0 || clients > 1 || counted.size < WAYS;
          assert.equal(counts.add(client & 1, client, -client), hasPlace);
          if (hasPlace) counted.set(client, count + 1);
          else overflows++;
        } else if (what === "remove" && count > 0) {
          counts.remove(client & 1, client, -client);
          if (count > 1) counted.set(client, count - 1);
          else counted.delete(client);
        } else if (what === "clear" && client === 0) {
          // Somebody else does it, for one that died.
          workers[(worker + 1) % 3].clear(worker);
          counted.clear();
        }
        for (let client = 0; client < 12; client++) {
          const total = expected.reduce((sum, counted) => sum + (counted.get(client) ?? 0), 0);
          assert.equal(workers[worker].sum(client & 1, client, -client), total);
        }
      }
      assert.equal(workers.reduce((sum, counts) => sum + counts.overflowCount, 0), overflows);
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("a client whose set is full is not counted until another one has gone", () => {
  const [counts] = makeWorkers(1, 1);
  for (let client = 0; client < WAYS; client++) assert.ok(counts.add(0, 0, client));
  assert.ok(!counts.add(0, 0, 99));
  assert.equal(counts.overflowCount, 1);
  assert.equal(counts.sum(0, 0, 99), 0);
  assert.ok(counts.add(0, 0, 3), "who has an entry is counted on");
  counts.remove(0, 0, 5);
  assert.ok(counts.add(0, 0, 99));
  assert.equal(counts.sum(0, 0, 99), 1);
  assert.equal(counts.sum(0, 0, 5), 0);
});

Deno.test("an entry stays where it is while others of its set come and go", () => {
  const table = new Float64Array(clientCountsFloats(1));
  const counts = new ClientCounts([table], 0, hash);
  for (let client = 1; client <= 4; client++) counts.add(0, 0, client);
  const place = table.indexOf(4);
  counts.remove(0, 0, 1);
  counts.remove(0, 0, 2);
  counts.add(0, 0, 4);
  assert.equal(table.indexOf(4), place);
  assert.equal(table.lastIndexOf(4), place);
  assert.equal(counts.sum(0, 0, 4), 2);
});

Deno.test("clearing a worker forgets its connections and nobody else's", () => {
  const [one, other] = makeWorkers(2, 100);
  one.add(0, 1, 2);
  other.add(0, 1, 2);
  other.clear(0);
  assert.equal(other.sum(0, 1, 2), 1);
  assert.throws(() => one.remove(0, 1, 2));
});

Deno.test("removing what was not counted is an error", () => {
  const [one, other] = makeWorkers(2, 100);
  other.add(0, 1, 2);
  assert.throws(() => one.remove(0, 1, 2), /was counted/);
  other.remove(0, 1, 2);
  assert.throws(() => other.remove(0, 1, 2), /was counted/);
});

Deno.test("a process without a table reads and clears, but counts nothing", () => {
  const tables = [new Float64Array(clientCountsFloats(10))];
  const worker = new ClientCounts(tables, 0, hash);
  const supervisor = new ClientCounts(tables, -1, hash);
  worker.add(0, 1, 2);
  assert.equal(supervisor.sum(0, 1, 2), 1);
  supervisor.clear(0);
  assert.equal(worker.sum(0, 1, 2), 0);
  assert.throws(() => supervisor.add(0, 1, 2));
  assert.throws(() => supervisor.remove(0, 1, 2));
});

Deno.test("a table made for so many clients counts nearly all of them", () => {
  const [counts] = makeWorkers(1, 8192);
  for (let client = 0; client < 8192; client++) counts.add(3, -1, client);
  assert.ok(counts.overflowCount < 10, `${counts.overflowCount} not counted`);
});

Deno.test("tables differ in length neither from each other nor from what clients need", () => {
  const table = new Float64Array(clientCountsFloats(10));
  const longer = new Float64Array(clientCountsFloats(100));
  assert.throws(() => new ClientCounts([table, longer], 0, hash));
  assert.throws(() => new ClientCounts([new Float64Array(33)], 0, hash));
  assert.throws(() => new ClientCounts([table], 1, hash));
});
