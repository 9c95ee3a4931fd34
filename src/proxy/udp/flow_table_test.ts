import assert from "node:assert/strict";
import fc from "fast-check";
import { KeyedHash } from "../../base/keyed_hash.ts";
import { Random } from "../../base/random.ts";
import { parseIpWords } from "../../net/ip_words.ts";
import { FLOW_LISTENER_BYTES } from "./flow_buckets.ts";
import {
  CLOSING,
  ESTABLISHED,
  FLOW_BYTES,
  FLOW_KEY_WORDS,
  FlowTable,
  FREE,
  KEY_CLIENT,
  KEY_LOCAL,
  OPEN,
  type WordHash,
} from "./flow_table.ts";

const clock = { nowMs: 0 };
const hash = new KeyedHash(1, 2);
/** Puts every key into one chain, all flows into one bucket. */
const sameHash: WordHash = { hashWords: () => 0xdeadbeef };

function makeTable(capacity: number, listenerCount = 1): FlowTable {
  clock.nowMs = 1000;
  return new FlowTable(capacity, listenerCount, clock, hash);
}

function makeKey(client: string, port: number, socket = 0, local = "::"): Int32Array {
  const key = new Int32Array(FLOW_KEY_WORDS);
  key[0] = (socket << 16) | port;
  key.set(parseIpWords(client)!, KEY_CLIENT);
  key.set(parseIpWords(local)!, KEY_LOCAL);
  return key;
}

/** One datagram each way, and another of the client. */
function establish(table: FlowTable, flow: number): void {
  table.onRequest(flow);
  table.onReply(flow);
  table.onRequest(flow);
}

Deno.test("a flow is found by its whole key and by no other, however they are hashed", () => {
  const keys = [
    makeKey("2001:db8::1", 5353, 7, "2001:db8::53"),
    makeKey("192.0.2.1", 53, 7, "192.0.2.53"),
    makeKey("192.0.2.1", 53, 7),
  ];
  for (const words of [hash, sameHash]) {
    const table = new FlowTable(4, 1, clock, words);
    for (const key of keys) {
      assert.equal(table.find(key), -1);
      const flow = table.open(key, 0);
      assert.equal(table.find(key.slice()), flow);
      assert.equal(table.find(Int32Array.of(...key, 1)), flow, "what follows the key is ignored");
      for (let word = 0; word < FLOW_KEY_WORDS; word++) {
        const other = key.slice();
        other[word] ^= 1;
        assert.equal(table.find(other), -1, `word ${word} counts`);
      }
    }
  }
});

Deno.test("flows whose hashes are equal are told apart, whichever of them ends", () => {
  const table = new FlowTable(5, 1, clock, sameHash);
  const keys = [1, 2, 3, 4, 5].map((port) => makeKey("192.0.2.1", port));
  const flows = keys.map((key) => table.open(key, 0));
  for (const gone of [2, 0, 4, 1, 3]) {
    table.close(flows[gone]);
    flows[gone] = -1;
    assert.deepEqual(keys.map((key) => table.find(key)), flows);
  }
});

Deno.test("the key gives the port, the address and the socket back", () => {
  const table = makeTable(3);
  table.open(makeKey("192.0.2.1", 1), 0);
  const key = makeKey("192.0.2.9", 65535, 65535, "198.51.100.1");
  const flow = table.open(key, 0);
  assert.equal(table.clientPort(flow), 65535);
  assert.equal(table.socket[flow], 65535);
  const at = flow * FLOW_KEY_WORDS;
  assert.deepEqual(table.keyWords.slice(at, at + FLOW_KEY_WORDS), key);
});

Deno.test("slots are handed out until none is left, the one freed last first", () => {
  const table = makeTable(3);
  const flows = [1, 2, 3].map((port) => table.open(makeKey("192.0.2.1", port), 0));
  assert.deepEqual(flows, [0, 1, 2]);
  assert.equal(table.freeCount, 0);
  assert.throws(() => table.open(makeKey("192.0.2.1", 4), 0), /room is made before/);
  table.close(1);
  assert.equal(table.freeCount, 0, "a slot that closes is not free yet");
  table.free(1);
  assert.equal(table.open(makeKey("192.0.2.1", 4), 0), 1);
});

Deno.test("a flow that closes is not found, and its client may open another", () => {
  const table = makeTable(4);
  const key = makeKey("192.0.2.1", 1);
  const first = table.open(key, 0);
  table.close(first);
  assert.equal(table.state[first], CLOSING);
  assert.equal(table.find(key), -1);
  assert.equal(table.openCount, 0);
  const second = table.open(key, 0);
  assert.notEqual(second, first);
  table.onReply(first);
  table.free(first);
  assert.equal(table.find(key), second);
});

Deno.test("a freed slot comes back with another generation and nothing of its past", () => {
  const table = makeTable(1);
  const flow = table.open(makeKey("192.0.2.1", 1, 9), 0);
  const generation = table.generation[flow];
  establish(table, flow);
  table.fd[flow] = 12;
  table.server[flow] = 3;
  table.journalAt[flow] = 77;
  table.close(flow);
  assert.equal(table.generation[flow], generation, "completions on their way still fit");
  table.free(flow);
  assert.equal(table.state[flow], FREE);
  clock.nowMs = 2000;
  assert.equal(table.open(makeKey("192.0.2.2", 2), 0), flow);
  assert.notEqual(table.generation[flow], generation);
  assert.equal(table.state[flow], OPEN);
  assert.deepEqual([table.fd[flow], table.server[flow], table.journalAt[flow]], [-1, -1, -1]);
  assert.deepEqual([table.flags[flow], table.requests[flow], table.replies[flow]], [0, 0, 0]);
  assert.equal(table.activeMs[flow], 2000);
  assert.equal(table.socket[flow], 0);
});

Deno.test("generations stay small integers, after any number of uses", () => {
  const table = makeTable(1);
  table.generation[0] = (1 << 29) - 1;
  table.close(table.open(makeKey("192.0.2.1", 1), 0));
  table.free(0);
  assert.equal(table.generation[0], 0);
});

Deno.test("a flow is closed once, and freed once after that", () => {
  const table = makeTable(1);
  const flow = table.open(makeKey("192.0.2.1", 1), 0);
  assert.throws(() => table.free(flow), /closed before its slot is free/);
  table.close(flow);
  assert.throws(() => table.close(flow), /closed once/);
  assert.throws(() => table.touch(flow), /while a flow is open/);
  assert.throws(() => table.onRequest(flow), /open flows only/);
  table.free(flow);
  assert.throws(() => table.free(flow), /freed once/);
});

Deno.test("a client is established by what it sends after something was sent to it", () => {
  const table = makeTable(1);
  const flow = table.open(makeKey("192.0.2.1", 1), 0);
  table.flags[flow] = 64;
  for (let i = 0; i < 5; i++) table.onRequest(flow);
  assert.equal(table.flags[flow], 64, "requests alone show nothing");
  table.onReply(flow);
  table.onReply(flow);
  assert.equal(table.flags[flow], 64, "nor do replies");
  table.onRequest(flow);
  assert.equal(table.flags[flow], 64 | ESTABLISHED, "and other flags are kept");
  table.onRequest(flow);
  assert.equal(table.requests[flow], 7);
  assert.equal(table.replies[flow], 2);
  assert.equal(table.openCount, 1);
});

Deno.test("a flow is finished when each request had its replies, and never by default", () => {
  const table = makeTable(1);
  const flow = table.open(makeKey("192.0.2.1", 1), 0);
  table.onRequest(flow);
  table.onRequest(flow);
  assert.equal(table.remaining(flow, 2), 4);
  for (let i = 0; i < 3; i++) table.onReply(flow);
  assert.equal(table.isFinished(flow, 2), false);
  assert.equal(table.remaining(flow, 2), 1);
  assert.equal(table.isFinished(flow, 1), true);
  assert.equal(table.remaining(flow, 1), 0, "a reply too many is not owed");
  table.onReply(flow);
  assert.equal(table.isFinished(flow, 2), true);
  assert.equal(table.isFinished(flow, 0), false);
  assert.equal(table.remaining(flow, 0), 0);
});

Deno.test("counts of datagrams stay at their largest number", () => {
  const table = makeTable(1);
  const flow = table.open(makeKey("192.0.2.1", 1), 0);
  table.requests[flow] = 0xffffffff;
  table.replies[flow] = 0xffffffff;
  table.onRequest(flow);
  table.onReply(flow);
  assert.equal(table.requests[flow], 0xffffffff);
  assert.equal(table.replies[flow], 0xffffffff);
});

Deno.test("a network is a /24 of IPv4, a /48 of IPv6", () => {
  // Ten flows are enough to stand out, so the first of those pays and not one that is older.
  for (
    const [makeClient, other] of [
      [(i: number) => `192.0.2.${i}`, "192.0.3.1"],
      [(i: number) => `2001:db8:7:${i}::${i}`, "2001:db8:8::1"],
    ] as const
  ) {
    const table = makeTable(20);
    table.open(makeKey(other, 1), 0);
    const flows = Array.from({ length: 10 }, (_, i) => table.open(makeKey(makeClient(i), 1), 0));
    assert.equal(table.victim(0), flows[0]);
    assert.equal(table.victimOfAll(), flows[0]);
  }
});

Deno.test("only open flows are victims, newcomers first", () => {
  const table = makeTable(3, 2);
  const [first, second, third] = [1, 2, 3].map((port) => {
    clock.nowMs += 10;
    return table.open(makeKey("192.0.2.1", port), 1);
  });
  establish(table, first);
  assert.equal(table.victim(1), second);
  table.touch(second);
  assert.equal(table.activeMs[second], clock.nowMs);
  assert.equal(table.victim(1), third);
  table.close(third);
  table.close(second);
  assert.equal(table.victim(1), first);
  table.close(first);
  assert.equal(table.victim(1), -1);
  assert.equal(table.victimOfAll(), -1);
});

Deno.test("a flow costs FLOW_BYTES in all arrays together, a listener FLOW_LISTENER_BYTES", () => {
  const real = globalThis as unknown as Record<string, Uint8ArrayConstructor>;
  const names = ["Uint8Array", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array"];
  names.push("Float64Array");
  const originals = names.map((name) => real[name]);
  let bytes = 0;
  const measure = (capacity: number, listeners: number) => {
    bytes = 0;
    new FlowTable(capacity, listeners, clock, hash);
    return bytes;
  };
  for (const name of names) {
    real[name] = class extends real[name] {
      constructor(length: number) {
        super(length);
        bytes += this.byteLength;
      }
    } as Uint8ArrayConstructor;
  }
  try {
    assert.equal((measure(2048, 1) - measure(1024, 1)) / 1024, FLOW_BYTES);
    assert.equal((measure(1024, 4) - measure(1024, 2)) / 2, FLOW_LISTENER_BYTES);
  } finally {
    names.forEach((name, i) => real[name] = originals[i]);
  }
  assert.ok(FLOW_BYTES <= 120, `${FLOW_BYTES} bytes`);
});

/** What a table should hold, in maps. */
class Model {
  readonly open = new Map<Int32Array, number>();
  readonly flows = new Map<number, { listener: number; requests: number; established: boolean }>();
  readonly closing = new Set<number>();
  readonly generations: number[];

  constructor(readonly table: FlowTable) {
    this.generations = new Array(table.capacity).fill(0);
  }

  close(flow: number): void {
    assert.equal(this.table.state[flow], OPEN);
    for (const [key, each] of this.open) if (each === flow) this.open.delete(key);
    this.flows.delete(flow);
    this.closing.add(flow);
    this.table.close(flow);
  }

  freeOne(): void {
    for (const flow of this.closing) {
      this.closing.delete(flow);
      this.generations[flow]++;
      this.table.free(flow);
      return;
    }
  }

  openFlow(key: Int32Array, listener: number): void {
    const flow = this.table.open(key, listener);
    assert.ok(!this.flows.has(flow) && !this.closing.has(flow), "a slot has one owner");
    this.open.set(key, flow);
    this.flows.set(flow, { listener, requests: 0, established: false });
  }

  request(flow: number): void {
    const known = this.flows.get(flow)!;
    if (this.table.replies[flow] > 0) known.established = true;
    known.requests++;
    this.table.onRequest(flow);
    this.table.touch(flow);
    assert.equal(this.table.requests[flow], known.requests);
    assert.equal((this.table.flags[flow] & ESTABLISHED) !== 0, known.established);
  }

  /** Numbers and owners; which flow is a victim is the matter of FlowBuckets. */
  check(): void {
    const { table } = this;
    assert.equal(table.openCount, this.open.size);
    assert.equal(table.freeCount, table.capacity - this.open.size - this.closing.size);
    assert.deepEqual([...table.generation], this.generations);
    for (const listener of [0, 1]) {
      const own = [...this.flows].filter(([_, each]) => each.listener === listener);
      assert.equal(table.openCountOf(listener), own.length);
      const victim = table.victim(listener);
      if (own.length > 0) assert.equal(this.flows.get(victim)!.listener, listener);
      else assert.equal(victim, -1);
    }
  }
}

/** Random traffic over few clients on a small table, compared with maps after each step. */
function compareWithMaps(seed: number, capacity: number, words: WordHash): void {
  const random = new Random(seed);
  const table = new FlowTable(capacity, 2, clock, words);
  const model = new Model(table);
  const makeOne = (_: unknown, i: number) => makeKey(`192.0.${i % 3}.${i}`, 1000 + i, i & 1);
  const keys = Array.from({ length: 24 }, makeOne);
  for (let step = 0; step < 300; step++) {
    clock.nowMs += random.below(3);
    const key = keys[random.below(keys.length)];
    const flow = table.find(key);
    assert.equal(flow, model.open.get(key) ?? -1);
    if (random.oneIn(3)) model.freeOne();
    if (flow >= 0) {
      if (random.oneIn(6)) model.close(flow);
      else {
        model.request(flow);
        if (random.oneIn(2)) table.onReply(flow);
      }
    } else if (table.freeCount > 0) model.openFlow(key, random.below(2));
    else if (model.open.size > 0) model.close(table.victimOfAll());
    model.check();
  }
  for (const key of keys) assert.equal(table.find(key), model.open.get(key) ?? -1);
  // Every open flow is a victim at some time: the lists hold all and nothing else.
  while (model.open.size > 0) model.close(table.victimOfAll());
  assert.equal(table.victimOfAll(), -1);
  while (model.closing.size > 0) model.freeOne();
  assert.equal(table.freeCount, capacity);
}

Deno.test("in any order of events the table agrees with plain maps", () => {
  const run = (seed: number, capacity: number, collide: boolean) =>
    compareWithMaps(seed, capacity, collide ? sameHash : hash);
  const capacities = fc.integer({ min: 1, max: 30 });
  fc.assert(fc.property(fc.integer(), capacities, fc.boolean(), run), { seed: 1, numRuns: 150 });
});
