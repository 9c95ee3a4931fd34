import assert from "node:assert/strict";
import { KeyedHash } from "../../base/keyed_hash.ts";
import { Random } from "../../base/random.ts";
import { IPV4_MARK } from "../../net/ip_words.ts";
import { FLOW_KEY_WORDS, FlowTable } from "./flow_table.ts";

const FLOOD_FLOWS = 100_000;
const FLOOD_PER_MS = 50;

/** A listener with a cap, its clients and a flood, in simulated time. */
class Flood {
  readonly clock = { nowMs: 0 };
  readonly random: Random;
  readonly table: FlowTable;
  readonly cap: number;
  /** Keys of flows that a client opened and that it counts on. */
  readonly clients: Int32Array[] = [];

  constructor(seed: number, cap: number) {
    this.random = new Random(seed);
    this.cap = cap;
    const hash = new KeyedHash(this.random.next(), this.random.next());
    this.table = new FlowTable(cap, 1, this.clock, hash);
  }

  /** An IPv4 client at any port. */
  makeKey(address: number): Int32Array {
    const key = new Int32Array(FLOW_KEY_WORDS);
    key[0] = this.random.below(65536);
    key[3] = IPV4_MARK;
    key[4] = address;
    return key;
  }

  /** A datagram of a client, with a flow of its own if it has none; returns whether it had. */
  request(key: Int32Array): boolean {
    const { table } = this;
    const found = table.find(key);
    let flow = found;
    if (flow < 0) {
      if (table.openCount === this.cap) {
        const victim = table.victim(0);
        table.close(victim);
        table.free(victim);
      }
      flow = table.open(key, 0);
    }
    table.onRequest(flow);
    table.touch(flow);
    return found >= 0;
  }

  reply(key: Int32Array): void {
    const flow = this.table.find(key);
    if (flow < 0) return;
    this.table.onReply(flow);
    this.table.touch(flow);
  }

  /** Clients all over the world; established ones have got an answer and come back. */
  addClients(count: number, established: boolean): void {
    for (let i = 0; i < count; i++) {
      const key = this.makeKey(this.random.next() | 0);
      this.clients.push(key);
      this.request(key);
      if (!established) continue;
      this.reply(key);
      this.request(key);
    }
  }

  /**
   * FLOOD_FLOWS new flows, while the clients send every `periodMs` and are answered.
   *
   * @returns how many clients have found their flow gone.
   */
  run(makeAddress: () => number, periodMs: number): number {
    const lost = new Set<Int32Array>();
    for (let ms = 0; ms < FLOOD_FLOWS / FLOOD_PER_MS; ms++) {
      this.clock.nowMs++;
      for (let i = 0; i < FLOOD_PER_MS; i++) this.request(this.makeKey(makeAddress()));
      for (let i = ms % periodMs; i < this.clients.length; i += periodMs) {
        if (!this.request(this.clients[i])) lost.add(this.clients[i]);
        this.reply(this.clients[i]);
      }
    }
    for (const key of this.clients) if (this.table.find(key) < 0) lost.add(key);
    assert.equal(this.table.openCount, this.cap, "the flood has filled whatever it may");
    return lost.size;
  }
}

Deno.test("established flows survive a flood from invented addresses everywhere", () => {
  for (const seed of [1, 2, 3]) {
    const flood = new Flood(seed, 1000);
    flood.addClients(200, true);
    assert.equal(flood.run(() => flood.random.next() | 0, 50), 0);
  }
});

Deno.test("so they do when they are most of the table and rarely used", () => {
  const flood = new Flood(4, 1000);
  flood.addClients(850, true);
  assert.equal(flood.run(() => flood.random.next() | 0, 1000), 0);
});

Deno.test("a flood from one network takes nothing from others, established or not", () => {
  for (const established of [true, false]) {
    const flood = new Flood(5, 1000);
    flood.addClients(600, established);
    const network = 0xc6336400;
    const lost = flood.run(() => network | flood.random.below(256), 1900);
    // Those who share the bucket by chance, about one in 256, share its fate while they are new.
    assert.ok(lost <= (established ? 0 : 6), `${lost} lost`);
  }
});

Deno.test("a flood of one network that gets its answers takes little from new clients", () => {
  const flood = new Flood(6, 1000);
  flood.addClients(600, false);
  let last = flood.makeKey(0);
  const lost = flood.run(() => {
    // Its flow before this one is answered and used again, as by a client that is there.
    flood.reply(last);
    if (flood.table.find(last) >= 0) flood.request(last);
    last = flood.makeKey(0xc6336400 | flood.random.below(256));
    return flood.random.below(256) | 0xc6336400;
  }, 1900);
  assert.ok(lost <= 6, `${lost} lost`);
});

Deno.test("during a flood a new client keeps its flow for long enough to be answered", () => {
  const flood = new Flood(7, 1000);
  flood.addClients(850, true);
  const spoofed = () => flood.makeKey(flood.random.next() | 0);
  const floodOn = (count: number) => {
    for (let i = 0; i < count; i++) {
      flood.clock.nowMs += 1 / FLOOD_PER_MS;
      flood.request(spoofed());
    }
  };
  floodOn(10_000);
  // An eighth of 1000 places is turned over by 125 other newcomers; a hundred come meanwhile.
  for (let round = 0; round < 20; round++) {
    const key = spoofed();
    flood.request(key);
    floodOn(100);
    flood.reply(key);
    assert.ok(flood.request(key), "the client comes back to its flow");
  }
});
