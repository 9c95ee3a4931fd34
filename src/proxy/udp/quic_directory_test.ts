import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "../../base/random.ts";
import { QUIC_DIRECTORY_FLOATS } from "../../limits.ts";
import { QuicDirectory } from "./quic_directory.ts";

/** The directories of this many workers, over the same tables. */
function makeWorkers(count: number, floats = QUIC_DIRECTORY_FLOATS): QuicDirectory[] {
  const memory = new ArrayBuffer(count * floats * 8);
  const tables = Array.from(
    { length: count },
    (_, i) => new Float64Array(memory, i * floats * 8, floats),
  );
  return tables.map((_, own) => new QuicDirectory(tables, own));
}

/** Ids that differ by chance, `count` times `length` bytes. */
function makeIds(seed: number, count: number, length: number): Uint8Array {
  const random = new Random(seed);
  return Uint8Array.from({ length: count * length }, () => random.below(256));
}

/** Every id falls into the only set of such a table. */
const ONE_SET = 4;
const IDS = Uint8Array.of(1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);

function serversIn(directory: QuicDirectory): number[] {
  return [0, 4, 8].map((start) => directory.byLength(IDS, start, 4));
}

Deno.test("what one worker learned every worker finds, with and without knowing the length", () => {
  const workers = makeWorkers(3);
  const ids = makeIds(1, 100, 8);
  for (let i = 0; i < 100; i++) workers[i % 3].learn(ids, i * 8, 8, i * 650);
  for (const worker of workers) {
    for (let i = 0; i < 100; i++) {
      assert.equal(worker.byLength(ids, i * 8, 8), i * 650);
      assert.equal(worker.find(ids, i * 8, ids.length - i * 8), i * 650);
    }
  }
});

Deno.test("an id of any length from 1 to 20 is found, wherever it stands", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
      fc.uint8Array({ maxLength: 30 }),
      fc.nat(9),
      fc.nat(65534),
      (id, behind, before, server) => {
        const [learner, asker] = makeWorkers(2, 64);
        learner.learn(id, 0, id.length, server);
        const bytes = new Uint8Array([...new Array(before).fill(5), ...id, ...behind]);
        assert.equal(asker.find(bytes, before, bytes.length - before), server);
        assert.equal(asker.byLength(bytes, before, id.length), server);
        assert.equal(asker.find(bytes, before, id.length - 1), -1, "not all of it is there");
      },
    ),
    { seed: 1 },
  );
});

Deno.test("of several known lengths the longest that fits is taken", () => {
  const [learner, asker] = makeWorkers(2);
  const bytes = makeIds(2, 1, 20);
  learner.learn(bytes, 0, 4, 7);
  asker.learn(bytes, 0, 12, 8);
  for (const [available, server] of [[20, 8], [12, 8], [11, 7], [4, 7], [3, -1], [0, -1]]) {
    assert.equal(asker.find(bytes, 0, available), server, `${available} bytes`);
    assert.equal(learner.find(bytes, 0, available), server, `${available} bytes`);
  }
});

Deno.test("ids without bytes, and longer ones than QUIC has, are neither learned nor found", () => {
  const [directory] = makeWorkers(1);
  const bytes = makeIds(3, 1, 40);
  for (const length of [0, 21, 40]) {
    directory.learn(bytes, 0, length, 1);
    assert.equal(directory.byLength(bytes, 0, length), -1);
  }
  assert.equal(directory.find(bytes, 0, 40), -1);
});

Deno.test("a third id in a set takes the place of the older one", () => {
  const [directory, other] = makeWorkers(2, ONE_SET);
  directory.learn(IDS, 0, 4, 10);
  directory.learn(IDS, 4, 4, 20);
  assert.deepEqual(serversIn(other), [10, 20, -1]);
  directory.learn(IDS, 8, 4, 30);
  assert.deepEqual(serversIn(other), [-1, 20, 30]);
  directory.learn(IDS, 0, 4, 10);
  assert.deepEqual(serversIn(other), [10, -1, 30]);
});

Deno.test("an id learned again takes no further place, and its latest server counts", () => {
  const [directory] = makeWorkers(1, ONE_SET);
  directory.learn(IDS, 0, 4, 10);
  directory.learn(IDS, 4, 4, 20);
  for (let i = 0; i < 5; i++) {
    directory.learn(IDS, 0, 4, 10);
    directory.learn(IDS, 4, 4, 20);
  }
  assert.deepEqual(serversIn(directory), [10, 20, -1]);
  directory.learn(IDS, 0, 4, 11);
  directory.learn(IDS, 4, 4, 0);
  assert.deepEqual(serversIn(directory), [11, 0, -1]);
});

Deno.test("a worker writes its own table only", () => {
  const tables = [new Float64Array(64), new Float64Array(64), new Float64Array(64)];
  const ids = makeIds(4, 500, 8);
  const directory = new QuicDirectory(tables, 1);
  for (let i = 0; i < 500; i++) directory.learn(ids, i * 8, 8, i);
  assert.ok(tables[1].some((entry) => entry !== 0));
  assert.ok(tables[0].every((entry) => entry === 0) && tables[2].every((entry) => entry === 0));
});

Deno.test("another worker in the place of a dead one finds what that one had learned", () => {
  const tables = [new Float64Array(64), new Float64Array(64)];
  new QuicDirectory(tables, 0).learn(IDS, 0, 4, 9);
  const successor = new QuicDirectory(tables, 0);
  assert.equal(successor.find(IDS, 0, 12), 9);
  successor.learn(IDS, 0, 12, 3);
  assert.equal(successor.find(IDS, 0, 4), 9);
});

Deno.test("a table holds most of as many ids as it has room for, and always the latest", () => {
  const [directory] = makeWorkers(1);
  const count = QUIC_DIRECTORY_FLOATS;
  const ids = makeIds(5, count, 8);
  for (let i = 0; i < count; i++) {
    directory.learn(ids, i * 8, 8, i);
    assert.equal(directory.byLength(ids, i * 8, 8), i);
  }
  let found = 0;
  for (let i = 0; i < count; i++) {
    const server = directory.byLength(ids, i * 8, 8);
    if (server === i) found++;
    else assert.equal(server, -1);
  }
  // Of 2 ids per set on average, 73 % are among the last 2 of theirs.
  assert.ok(found > count * 0.7, `${found} of ${count}`);
});

Deno.test("ids that nobody learned are not found in full tables", () => {
  const workers = makeWorkers(4);
  const ids = makeIds(6, 4 * QUIC_DIRECTORY_FLOATS, 8);
  for (let i = 0; i < 4 * QUIC_DIRECTORY_FLOATS; i++) workers[i % 4].learn(ids, i * 8, 8, i % 500);
  const others = makeIds(7, 100_000, 8);
  // Expected are 8 in 2^32 for each; the seed is fixed.
  for (let i = 0; i < 100_000; i++) assert.equal(workers[0].find(others, i * 8, 8), -1);
});

Deno.test("tables that do not fit together are refused", () => {
  const [small, large] = [new Float64Array(64), new Float64Array(128)];
  assert.throws(() => new QuicDirectory([small, large], 0), /same place/);
  assert.throws(() => new QuicDirectory([new Float64Array(96)], 0), /power of two/);
  assert.throws(() => new QuicDirectory([new Float64Array(2)], 0), /power of two/);
  assert.throws(() => new QuicDirectory([small], 1), /has a table/);
  const directory = new QuicDirectory([small], 0);
  assert.throws(() => directory.learn(IDS, 0, 4, 65535), /16 bits/);
});
