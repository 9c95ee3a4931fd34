import assert from "node:assert/strict";
import fc from "fast-check";
import { Tiers } from "./tiers.ts";
import { randomAt } from "./test_arrivals.ts";

/** Each is its priority and perhaps letters: f foreign, b backup, d down, x not counted. */
function makeTiers(servers: string, panicThreshold = 0.5): Tiers {
  const texts = servers.split(" ").filter((text) => text !== "");
  const has = (letter: string) => texts.map((text) => text.includes(letter) ? 1 : 0);
  const priorities = texts.map((text) => Number(text[0]));
  const tiers = new Tiers(priorities, has("f"), has("b"), panicThreshold);
  const isCounted = Uint8Array.from(has("x"), (out) => 1 - out);
  tiers.update(isCounted, Uint8Array.from(has("d"), (down) => 1 - down));
  return tiers;
}

function loads(tiers: Tiers): number[] {
  return Array.from({ length: tiers.tierCount }, (_, tier) => tiers.loadOf(tier));
}

function assertLoads(tiers: Tiers, expected: readonly number[]): void {
  const found = loads(tiers);
  assert.equal(found.length, expected.length, found.join());
  found.forEach((load, tier) => assert.ok(Math.abs(load - expected[tier]) < 1e-6, found.join()));
}

Deno.test("one group is one tier that gets everything", () => {
  const tiers = makeTiers("0 0 0d 0");
  assert.deepEqual([...tiers.tierOf], [0, 0, -1, 0]);
  assertLoads(tiers, [1]);
});

Deno.test("tiers come by priority, and within one the own zone before foreign ones", () => {
  const tiers = makeTiers("1 0f 1f 0 2");
  assert.deepEqual([...tiers.tierOf], [2, 1, 3, 0, 4]);
  assertLoads(tiers, [1, 0, 0, 0, 0]);
});

Deno.test("a tier takes everything down to 72 % of its servers, then the rest spills on", () => {
  assertLoads(makeTiers("0 0 0 0d 1"), [1, 0]);
  assertLoads(makeTiers("0 0 0d 0d 1"), [0.7, 0.3]);
  assertLoads(makeTiers("0 0d 0d 0d 1", 0), [0.35, 0.65]);
  assertLoads(makeTiers("0 0d 0d 0d 1 1d 2", 0.2), [0.35, 0.65, 0]);
  assertLoads(makeTiers("0 0d 0d 0d 1 1d 1d 1d 2", 0.2), [0.35, 0.35, 0.3]);
});

Deno.test("a tier in which nobody is available is none", () => {
  const tiers = makeTiers("0d 0d 1 1 1");
  assert.deepEqual([...tiers.tierOf], [-1, -1, 0, 0, 0]);
  assertLoads(tiers, [1]);
});

Deno.test("what no tier takes goes to those that have servers, in proportion", () => {
  assertLoads(makeTiers("0 0d 0d 0d 1 1d 1d 1d 1d 1d 1d 1d", 0), [2 / 3, 1 / 3]);
});

Deno.test("backups get everything once no other is available, and nothing before", () => {
  const before = makeTiers("0d 0 0b 0bd 0b");
  assert.deepEqual([...before.tierOf], [-1, 0, -1, -1, -1]);
  assert.ok(!before.isOnBackups);
  const after = makeTiers("0d 0d 0b 0bd 0b");
  assert.deepEqual([...after.tierOf], [-1, -1, 0, -1, 0]);
  assertLoads(after, [1]);
  assert.ok(after.isOnBackups && !after.isPanicking);
  const drained = makeTiers("0x 0x 0fb 0b");
  assert.deepEqual([...drained.tierOf], [-1, -1, 0, 0]);
});

Deno.test("when all are backups they are treated as if none were", () => {
  const tiers = makeTiers("0b 0bf 0bd");
  assert.deepEqual([...tiers.tierOf], [0, 1, -1]);
  assert.ok(makeTiers("0b 0bd 0bd").isPanicking);
});

Deno.test("below the threshold all that count are used, whatever their health", () => {
  const tiers = makeTiers("0 0d 1d 0fd 0x");
  assert.ok(tiers.isPanicking);
  assert.deepEqual([...tiers.tierOf], [0, 0, 0, 0, -1]);
  assertLoads(tiers, [1]);
  assert.ok(makeTiers("0d").isPanicking, "the last one is used too");
});

Deno.test("there is no panic at the threshold, without one, and while a backup is there", () => {
  assert.ok(!makeTiers("0 0d").isPanicking);
  assert.ok(makeTiers("0 0d 0d").isPanicking);
  assert.ok(!makeTiers("0 0d 0d 0b").isPanicking);
  assert.ok(makeTiers("0 0d 0d 0bd").isPanicking, "a backup that is down does not count");
  assert.ok(makeTiers("0 0d 0d 0bx").isPanicking, "nor does one that is out");
  const none = makeTiers("0d 0d", 0);
  assert.ok(!none.isPanicking);
  assert.equal(none.tierCount, 0);
});

Deno.test("each whole percentage is a threshold that is kept exactly", () => {
  for (let percent = 1; percent <= 100; percent++) {
    const texts = Array.from({ length: 100 }, (_, server) => server < percent ? "0" : "0d");
    assert.ok(!makeTiers(texts.join(" "), percent / 100).isPanicking, `${percent}`);
    texts[0] = "0d";
    assert.ok(makeTiers(texts.join(" "), percent / 100).isPanicking, `${percent}`);
  }
});

Deno.test("without anybody to pick there is no tier and none is drawn", () => {
  for (const servers of ["", "0x 0bx", "0dx", "0bx 0bx"]) {
    const tiers = makeTiers(servers);
    assert.equal(tiers.tierCount, 0, servers);
    assert.equal(tiers.draw(7), -1);
    assert.ok(!tiers.isPanicking);
  }
});

Deno.test("servers outside of a subset are as if they did not exist", () => {
  const subset = makeTiers("0x 0 0d 0x 1 1x");
  const alone = makeTiers("0 0d 1");
  assert.deepEqual(loads(subset), loads(alone));
  assert.deepEqual([1, 2, 4].map((server) => subset.tierOf[server]), [...alone.tierOf]);
});

Deno.test("tiers are drawn by load, and one number always draws the same", () => {
  const tiers = makeTiers("0 0 0d 0d 1 1d 1d 1d 2", 0.2);
  assertLoads(tiers, [0.7, 0.3, 0]);
  const drawn = [0, 0, 0];
  for (let draw = 0; draw < 10_000; draw++) drawn[tiers.draw(randomAt(1, draw))]++;
  assert.equal(drawn[2], 0);
  assert.ok(Math.abs(drawn[0] - 7000) < 230, drawn.join());
  assert.equal(tiers.draw(12345), tiers.draw(12345));
});

Deno.test("what a number draws says nothing about its size, which policies draw servers by", () => {
  const tiers = makeTiers("0 0d 1", 0);
  assertLoads(tiers, [0.7, 0.3]);
  const low = [0, 0];
  for (let draw = 0; draw < 4000; draw++) low[tiers.draw(randomAt(2, draw) >>> 1)]++;
  assert.ok(Math.abs(low[0] - 2800) < 150, low.join());
});

Deno.test("a key's tier is the same in every release", () => {
  const tiers = makeTiers("0 0d 1 1d 2", 0);
  assertLoads(tiers, [0.7, 0.3, 0]);
  let drawn = "";
  for (let key = 0; key < 32; key++) drawn += tiers.draw(Math.imul(key, 0x9e3779b1) >>> 0);
  assert.equal(drawn, "01001010111001000110100011001111");
});

const serverArbitrary = fc.record({
  priority: fc.nat(3),
  isForeign: fc.nat(1),
  isBackup: fc.constantFrom(0, 0, 0, 1),
  isCounted: fc.constantFrom(1, 1, 1, 0),
  isAvailable: fc.nat(1),
});

const sceneArbitrary = fc.record({
  servers: fc.array(serverArbitrary, { maxLength: 14 }),
  threshold: fc.constantFrom(0, 0.1, 0.5, 1),
});

type Scene = typeof sceneArbitrary extends fc.Arbitrary<infer T> ? T : never;

function tiersOf({ servers, threshold }: Scene): Tiers {
  const tiers = new Tiers(
    servers.map(({ priority }) => priority),
    servers.map(({ isForeign }) => isForeign),
    servers.map(({ isBackup }) => isBackup),
    threshold,
  );
  tiers.update(
    Uint8Array.from(servers, ({ isCounted }) => isCounted),
    Uint8Array.from(servers, ({ isAvailable }) => isAvailable),
  );
  return tiers;
}

Deno.test("loads add up to everything, and each tier has somebody in it", () => {
  fc.assert(
    fc.property(sceneArbitrary, (scene) => {
      const tiers = tiersOf(scene);
      if (tiers.tierCount === 0) {
        assert.ok(tiers.tierOf.every((tier) => tier === -1));
        return;
      }
      const sum = loads(tiers).reduce((left, right) => left + right);
      assert.ok(Math.abs(sum - 1) < 1e-9, `${sum}`);
      for (const load of loads(tiers)) assert.ok(load >= 0);
      for (let tier = 0; tier < tiers.tierCount; tier++) {
        assert.ok(tiers.tierOf.includes(tier));
      }
      for (const random of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
        const tier = tiers.draw(random);
        assert.ok(tier >= 0 && tier < tiers.tierCount);
      }
    }),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("who is in a tier counts and is available, unless there is panic", () => {
  fc.assert(
    fc.property(sceneArbitrary, (scene) => {
      const tiers = tiersOf(scene);
      scene.servers.forEach(({ isCounted, isAvailable }, server) => {
        if (tiers.tierOf[server] === -1) return;
        assert.equal(isCounted, 1);
        assert.ok(isAvailable === 1 || tiers.isPanicking);
      });
      const isAnyAvailable = scene.servers.some((one) => one.isCounted && one.isAvailable);
      if (isAnyAvailable) assert.ok(tiers.tierCount > 0);
    }),
    { seed: 2, numRuns: 500 },
  );
});

Deno.test("panic needs too few available and no backup that is", () => {
  fc.assert(
    fc.property(sceneArbitrary, (scene) => {
      const tiers = tiersOf(scene);
      const areAllBackups = scene.servers.every(({ isBackup }) => isBackup);
      const isReserve = (isBackup: number) => isBackup !== 0 && !areAllBackups;
      const counted = scene.servers.filter(({ isCounted }) => isCounted);
      const usual = counted.filter(({ isBackup }) => !isReserve(isBackup));
      const available = usual.filter(({ isAvailable }) => isAvailable);
      const hasBackup = counted.some((one) => isReserve(one.isBackup) && one.isAvailable);
      const isBelow = usual.length > 0 && available.length / usual.length < scene.threshold;
      assert.equal(tiers.isPanicking, isBelow && !hasBackup);
    }),
    { seed: 3, numRuns: 500 },
  );
});

Deno.test("a first tier that is fully available gets all", () => {
  fc.assert(
    fc.property(sceneArbitrary, (scene) => {
      const key = (server: Scene["servers"][number]) => 2 * server.priority + server.isForeign;
      const used = scene.servers.filter((one) => one.isCounted && !one.isBackup);
      if (used.length === 0) return;
      const best = Math.min(...used.map(key));
      const servers = scene.servers.map((one) =>
        key(one) === best ? { ...one, isAvailable: 1 } : one
      );
      const tiers = tiersOf({ servers, threshold: scene.threshold });
      assert.equal(tiers.loadOf(0), 1);
    }),
    { seed: 4, numRuns: 500 },
  );
});

Deno.test("fewer available servers in the first tier never give it more load", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 30 }),
      fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { minLength: 1, maxLength: 4 }),
      (first, others) => {
        const texts: string[] = [];
        others.forEach(([up, down], index) => {
          for (let server = 0; server < up; server++) texts.push(`${index + 1}`);
          for (let server = 0; server < down; server++) texts.push(`${index + 1}d`);
        });
        let before = 1;
        for (let up = first; up > 0; up--) {
          const own = Array.from({ length: first }, (_, server) => server < up ? "0" : "0d");
          const load = makeTiers([...own, ...texts].join(" "), 0).loadOf(0);
          assert.ok(load <= before, `${up} of ${first}: ${load} > ${before}`);
          before = load;
        }
      },
    ),
    { seed: 5, numRuns: 100 },
  );
});

Deno.test("a tier that shrinks loses keys and gets none from others", () => {
  const before = makeTiers("0 0 0 0d 0d 1 1", 0);
  const after = makeTiers("0 0 0d 0d 0d 1 1", 0);
  for (let key = 0; key < 5000; key++) {
    const hash = randomAt(3, key);
    if (before.draw(hash) === 1) assert.equal(after.draw(hash), 1);
  }
});
