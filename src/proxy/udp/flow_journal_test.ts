import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "../../base/random.ts";
import { JOURNAL_DATAGRAM_BYTES_MAX } from "../../limits.ts";
import { FlowJournal } from "./flow_journal.ts";

const REGION_OFFSET = 4096;
const REGION_BYTES = 16_384;
const SLAB_BYTES = REGION_OFFSET + REGION_BYTES + 4096;

function makeJournal(flows = 4) {
  const slab = new Uint8Array(SLAB_BYTES);
  const journalAt = new Float64Array(flows).fill(-1);
  const journal = new FlowJournal(slab, REGION_OFFSET, REGION_BYTES, journalAt);
  /** What was received lies at the slab's begin. */
  const send = (flow: number, datagram: Uint8Array) => {
    slab.set(datagram, 0);
    journal.write(flow, 0, datagram.length);
    slab.fill(0xee, 0, datagram.length);
  };
  const kept = (flow: number) => {
    const at = journal.offsetOf(flow);
    return at < 0 ? null : slab.slice(at, at + journal.bytesOf(flow));
  };
  return { slab, journalAt, journal, send, kept };
}

Deno.test("a flow's last datagram is kept, each flow's its own", () => {
  const { send, kept } = makeJournal();
  assert.equal(kept(1), null);
  send(1, Uint8Array.of(1, 2, 3));
  send(2, Uint8Array.of(4));
  assert.deepEqual(kept(1), Uint8Array.of(1, 2, 3));
  send(1, Uint8Array.of(5, 6));
  assert.deepEqual(kept(1), Uint8Array.of(5, 6));
  assert.deepEqual(kept(2), Uint8Array.of(4));
});

Deno.test("a datagram without bytes is kept as one", () => {
  const { send, kept } = makeJournal();
  send(0, new Uint8Array(0));
  send(1, Uint8Array.of(9));
  assert.deepEqual(kept(0), new Uint8Array(0));
});

Deno.test("one that is too large is not kept, nor is the flow's former one any longer", () => {
  const { journal, send, kept } = makeJournal();
  send(0, Uint8Array.of(1));
  send(0, new Uint8Array(JOURNAL_DATAGRAM_BYTES_MAX + 1));
  assert.equal(kept(0), null);
  assert.throws(() => journal.bytesOf(0), /only what is kept/);
  const largest = new Uint8Array(JOURNAL_DATAGRAM_BYTES_MAX).fill(7);
  send(0, largest);
  assert.deepEqual(kept(0), largest);
});

Deno.test("what is overwritten is no longer offered", () => {
  const { send, kept } = makeJournal();
  send(0, Uint8Array.of(1, 2));
  // Entries of sixteen bytes; two of the largest are given up before they are overwritten.
  const entries = (REGION_BYTES - 2 * (JOURNAL_DATAGRAM_BYTES_MAX + 16)) / 16;
  for (let i = 0; i < entries - 1; i++) send(1, Uint8Array.of(i));
  assert.deepEqual(kept(0), Uint8Array.of(1, 2));
  send(1, Uint8Array.of(3));
  assert.equal(kept(0), null);
  assert.deepEqual(kept(1), Uint8Array.of(3));
});

Deno.test("what it still offers can be kept again and stays what it was", () => {
  const { slab, journal, send, kept } = makeJournal();
  const datagram = Uint8Array.from({ length: 1200 }, (_, i) => i);
  send(0, datagram);
  while (journal.offsetOf(0) >= 0) {
    // For another flow, from where it stands: as when it is sent once more.
    const before = journal.offsetOf(0);
    journal.write(2, before, journal.bytesOf(0));
    assert.deepEqual(kept(2), datagram);
    assert.deepEqual(slab.slice(before, before + 1200), datagram);
    send(1, new Uint8Array(100));
  }
});

Deno.test("it goes on where its count has outgrown 32 bits", () => {
  const { journalAt, journal, send, kept } = makeJournal();
  send(0, Uint8Array.of(1));
  while (journalAt[1] < 2 ** 32) journal.write(1, 0, JOURNAL_DATAGRAM_BYTES_MAX);
  assert.equal(kept(0), null, "although its place is where numbers of 32 bits begin again");
  send(2, Uint8Array.of(8));
  send(3, Uint8Array.of(9, 10));
  assert.deepEqual(kept(2), Uint8Array.of(8));
  assert.deepEqual(kept(3), Uint8Array.of(9, 10));
});

Deno.test("a region is a power of two within its slab, and not tiny", () => {
  const slab = new Uint8Array(16_384);
  const at = new Float64Array(1);
  assert.throws(() => new FlowJournal(slab, 0, 5000, at), /power of two/);
  assert.throws(() => new FlowJournal(slab, 4096, 16_384, at), /lies in the slab/);
  assert.throws(() => new FlowJournal(slab, 0, 4096, at), /not overwritten at once/);
});

Deno.test("whatever is sent, it offers what a flow sent last, and touches nothing else", () => {
  const run = (seed: number, bytesMax: number) => {
    const random = new Random(seed);
    const { slab, journal, send, kept } = makeJournal(8);
    const sent = new Map<number, Uint8Array>();
    let lastFlow = -1;
    slab.fill(0x55, REGION_OFFSET + REGION_BYTES);
    slab.fill(0x55, bytesMax, REGION_OFFSET);
    for (let step = 0; step < 200; step++) {
      lastFlow = random.below(8);
      const datagram = Uint8Array.from({ length: random.below(bytesMax + 1) }, () => random.next());
      send(lastFlow, datagram);
      sent.set(lastFlow, datagram);
      for (const [flow, expected] of sent) {
        const found = kept(flow);
        if (found !== null) assert.deepEqual(found, expected);
        else assert.ok(flow !== lastFlow || expected.length > JOURNAL_DATAGRAM_BYTES_MAX);
        const at = journal.offsetOf(flow);
        assert.ok(at < 0 || at + expected.length <= REGION_OFFSET + REGION_BYTES);
      }
    }
    const outside = [slab.slice(bytesMax, REGION_OFFSET), slab.slice(REGION_OFFSET + REGION_BYTES)];
    for (const part of outside) assert.ok(part.every((byte) => byte === 0x55));
  };
  const sizes = fc.constantFrom(40, 300, JOURNAL_DATAGRAM_BYTES_MAX + 50);
  fc.assert(fc.property(fc.integer(), sizes, run), { seed: 1, numRuns: 60 });
});
