import assert from "node:assert/strict";
import fc from "fast-check";
import { LATENCY_CELLS, PeakEwma } from "./peak_ewma.ts";
import { makeServerSet, type ServerSet } from "./server_set.ts";
import { makeNames } from "./test_arrivals.ts";

class Scene {
  readonly clock = { nowMs: 1000 };
  readonly cells: Float64Array;
  readonly servers: ServerSet;
  readonly ewma: PeakEwma;

  constructor(count: number) {
    this.cells = new Float64Array(LATENCY_CELLS * count);
    this.servers = makeServerSet(makeNames(count), new Array(count).fill(1));
    this.ewma = new PeakEwma(this.cells, 0);
  }

  record(server: number, sampleMs: number): void {
    this.ewma.sampleMs = sampleMs;
    this.ewma.record(server, this.clock);
  }

  costs(): number[] {
    this.ewma.fillCosts(this.servers, this.clock);
    return [...this.servers.costs];
  }
}

function assertNear(found: number, expected: number): void {
  assert.ok(Math.abs(found - expected) <= 1e-9 * expected, `${found}, not ${expected}`);
}

Deno.test("a worse sample is the cost at once", () => {
  const scene = new Scene(1);
  assert.deepEqual(scene.costs(), [0], "never measured");
  for (const sampleMs of [5, 7.5, 200]) {
    scene.record(0, sampleMs);
    assert.deepEqual(scene.costs(), [sampleMs]);
  }
});

Deno.test("better samples count by the time since the last one", () => {
  const scene = new Scene(1);
  scene.record(0, 100);
  scene.record(0, 20);
  assertNear(scene.costs()[0], 100);
  scene.clock.nowMs += 10_000;
  scene.record(0, 20);
  assertNear(scene.costs()[0], 20 + 80 / Math.E);
  scene.clock.nowMs += 100_000;
  scene.record(0, 20);
  assert.ok(scene.costs()[0] < 20.01);
});

Deno.test("many good samples bring the cost down no faster than few", () => {
  const often = new Scene(1);
  const seldom = new Scene(1);
  often.record(0, 100);
  seldom.record(0, 100);
  for (let sample = 0; sample < 100; sample++) {
    often.clock.nowMs += 50;
    often.record(0, 10);
  }
  seldom.clock.nowMs += 5000;
  seldom.record(0, 10);
  assertNear(often.costs()[0], seldom.costs()[0]);
});

Deno.test("a server at rest gets cheaper, down to the smallest cost that was measured", () => {
  const scene = new Scene(3);
  scene.record(0, 5);
  scene.record(1, 500);
  const [, before] = scene.costs();
  assert.equal(before, 500);
  scene.clock.nowMs += 10_000;
  assertNear(scene.costs()[1], 500 / Math.E);
  scene.clock.nowMs += 1_000_000;
  assert.deepEqual(scene.costs(), [5, 5, 0], "and one never measured stays so");
});

Deno.test("only candidates are looked at and written", () => {
  const scene = new Scene(3);
  scene.record(0, 1);
  scene.record(1, 8);
  scene.record(2, 900);
  scene.servers.eligible[0] = 0;
  scene.servers.weights[1] = 1;
  scene.clock.nowMs += 1_000_000;
  assert.deepEqual(scene.costs(), [0, 8, 8]);
  scene.servers.weights[1] = 0;
  assert.deepEqual(scene.costs(), [0, 8, 900]);
});

Deno.test("workers share what they measure, each backend its own cells", () => {
  const cells = new Float64Array(LATENCY_CELLS * 5);
  const clock = { nowMs: 50 };
  const one = new PeakEwma(cells, LATENCY_CELLS * 3);
  const other = new PeakEwma(cells, LATENCY_CELLS * 3);
  one.sampleMs = 4;
  one.record(1, clock);
  const servers = makeServerSet(["a", "b"], [1, 1]);
  other.fillCosts(servers, clock);
  assert.deepEqual([...servers.costs], [0, 4]);
  assert.ok(cells.subarray(0, LATENCY_CELLS * 4).every((cell) => cell === 0));
  assert.throws(() => one.record(2, clock), /its cells/);
});

Deno.test("a clock that is behind another worker's changes nothing for the worse", () => {
  const scene = new Scene(1);
  scene.record(0, 100);
  scene.clock.nowMs -= 3;
  assert.deepEqual(scene.costs(), [100]);
  scene.record(0, 10);
  assert.deepEqual(scene.costs(), [100]);
  assert.equal(scene.cells[1], 1000, "the later moment stays");
});

Deno.test("a latency below what the clock can tell is still a measured one", () => {
  const scene = new Scene(1);
  scene.record(0, 0);
  assert.ok(scene.costs()[0] > 0);
  assert.throws(() => scene.record(0, -1), /span of time/);
  assert.throws(() => scene.record(0, NaN), /span of time/);
});

Deno.test("what was known is forgotten on demand", () => {
  const scene = new Scene(2);
  scene.record(0, 7);
  scene.record(1, 9);
  scene.ewma.forget(1);
  assert.deepEqual(scene.costs(), [7, 0]);
});

Deno.test("a cost lies between the smallest and the largest sample", () => {
  const sampleArbitrary = fc.double({ min: 0.01, max: 1e5, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(sampleArbitrary, fc.nat(60_000)), { minLength: 1, maxLength: 40 }),
      (steps) => {
        const scene = new Scene(1);
        let low = Infinity;
        let high = 0;
        for (const [sampleMs, afterMs] of steps) {
          scene.clock.nowMs += afterMs;
          scene.record(0, sampleMs);
          low = Math.min(low, sampleMs);
          high = Math.max(high, sampleMs);
          const [cost] = scene.costs();
          assert.ok(cost >= Math.max(low, sampleMs) - 1e-9 && cost <= high, `${cost}`);
        }
      },
    ),
    { seed: 1 },
  );
});
