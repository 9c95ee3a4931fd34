import assert from "node:assert/strict";
import fc from "fast-check";
import { hashString } from "../base/hash.ts";
import { followWeights, makePolicy, type Pick, type PolicyState } from "./policy.ts";
import { makeServerSet, type ServerSet, SHARE_FULL } from "./server_set.ts";
import { largest, makeNames, randomAt } from "./test_arrivals.ts";

interface Scene {
  readonly servers: ServerSet;
  readonly pick: Pick;
  readonly state: PolicyState;
}

function makeScene(weights: readonly number[]): Scene {
  const servers = makeServerSet(makeNames(weights.length), weights);
  return { servers, ...makePolicy("consistent_hash", servers) };
}

function placeKeys({ servers, pick, state }: Scene, keys: number): number[] {
  const places: number[] = [];
  for (let key = 0; key < keys; key++) places.push(pick(servers, state, 0, randomAt(77, key)));
  return places;
}

function countAt(places: readonly number[], server: number): number {
  return places.filter((place) => place === server).length;
}

Deno.test("a server with a share gets that much of its keys, and all other keys stay", () => {
  const weights = [3, 1, 2, 4];
  const scene = makeScene(weights);
  const before = placeKeys(scene, 20_000);
  for (const share of [26, 64, 128, 200]) {
    scene.servers.shares[2] = share;
    const places = placeKeys(scene, 20_000);
    const expected = countAt(before, 2) * share / SHARE_FULL;
    assert.ok(Math.abs(countAt(places, 2) - expected) < 5 * Math.sqrt(expected), `share ${share}`);
    places.forEach((place, key) => {
      if (before[key] !== 2) assert.equal(place, before[key]);
    });
  }
});

Deno.test("keys that a server has no room for yet spread over all others by weight", () => {
  const weights = [3, 1, 2, 4];
  const scene = makeScene(weights);
  const before = placeKeys(scene, 40_000);
  scene.servers.shares[2] = 26;
  const places = placeKeys(scene, 40_000);
  const moved = [0, 0, 0, 0];
  places.forEach((place, key) => {
    if (before[key] === 2 && place !== 2) moved[place]++;
  });
  const all = moved.reduce((left, right) => left + right);
  for (const server of [0, 1, 3]) {
    const expected = all * weights[server] / 8;
    assert.ok(Math.abs(moved[server] - expected) < 5 * Math.sqrt(expected), moved.join());
  }
});

const sceneArbitrary = fc.integer({ min: 1, max: 8 }).chain((count) =>
  fc.record({
    weights: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: count, maxLength: count }),
    shares: fc.array(
      fc.oneof(fc.constant(SHARE_FULL), fc.integer({ min: 1, max: SHARE_FULL }), fc.constant(5)),
      { minLength: count, maxLength: count },
    ),
    eligible: fc.array(fc.constantFrom(1, 1, 1, 0), { minLength: count, maxLength: count }),
    server: fc.nat(count - 1),
    more: fc.integer({ min: 1, max: SHARE_FULL }),
  })
);

Deno.test("a larger share only adds keys to a server, whatever the others' shares are", () => {
  fc.assert(
    fc.property(sceneArbitrary, ({ weights, shares, eligible, server, more }) => {
      const scene = makeScene(weights);
      scene.servers.shares.set(shares);
      scene.servers.eligible.set(eligible);
      const before = placeKeys(scene, 300);
      scene.servers.shares[server] = Math.min(SHARE_FULL, shares[server] + more);
      const after = placeKeys(scene, 300);
      before.forEach((place, key) => {
        if (place !== after[key]) assert.equal(after[key], server, "keys move to it only");
      });
    }),
    { seed: 1, numRuns: 60 },
  );
});

Deno.test("in a slow start each key moves once at most, and to the server that starts", () => {
  const scene = makeScene([1, 1, 1, 1, 1]);
  scene.servers.shares[3] = 1;
  let before = placeKeys(scene, 5000);
  const moves = new Array(5000).fill(0);
  for (let share = 2; share <= SHARE_FULL; share++) {
    scene.servers.shares[3] = share;
    const after = placeKeys(scene, 5000);
    after.forEach((place, key) => {
      if (place === before[key]) return;
      assert.equal(place, 3);
      moves[key]++;
    });
    before = after;
  }
  assert.equal(largest(moves), 1);
  scene.servers.shares[3] = SHARE_FULL;
  assert.deepEqual(placeKeys(scene, 5000), before);
});

Deno.test("when all start together no key comes back to a server that it has left", () => {
  const scene = makeScene([1, 1, 1, 1]);
  const visited: Set<number>[] = Array.from({ length: 2000 }, () => new Set());
  let before: number[] = [];
  for (let share = 1; share <= SHARE_FULL; share++) {
    scene.servers.shares.fill(share);
    const places = placeKeys(scene, 2000);
    places.forEach((place, key) => {
      if (place !== before[key]) assert.ok(!visited[key].has(place), `key ${key} at ${share}`);
      visited[key].add(place);
    });
    before = places;
  }
});

Deno.test("keys that nobody takes are spread by weight", () => {
  const scene = makeScene([1, 2, 5]);
  for (const shares of [[1, 1, 1], [26, 26, 26], [5, 60, 5]]) {
    scene.servers.shares.set(shares);
    const takers = placeKeys(scene, 40_000);
    scene.servers.shares.fill(SHARE_FULL);
    const grown = placeKeys(scene, 40_000);
    // Those taken are at most at the sum of the shares: with small ones nearly all are left over.
    for (const server of [0, 1, 2]) {
      const taken = (40_000 * largest(shares)) / SHARE_FULL;
      const difference = Math.abs(countAt(takers, server) - countAt(grown, server));
      assert.ok(difference < 500 + taken, `${shares}: ${countAt(takers, server)}`);
    }
  }
});

Deno.test("a share of 0 takes no key, even if nobody else does", () => {
  const scene = makeScene([1, 1, 1]);
  scene.servers.shares.set([0, 3, 0]);
  assert.ok(placeKeys(scene, 1000).every((place) => place === 1));
  scene.servers.shares.fill(0);
  assert.ok(placeKeys(scene, 100).every((place) => place === -1));
});

Deno.test("nodes that list servers in another order agree on every key during a slow start", () => {
  const names = makeNames(5);
  const here = makeServerSet(names, [1, 2, 3, 4, 5]);
  const there = makeServerSet([...names].reverse(), [5, 4, 3, 2, 1]);
  here.shares.set([256, 30, 256, 100, 7]);
  there.shares.set([7, 100, 256, 30, 256]);
  const one = placeKeys({ servers: here, ...makePolicy("consistent_hash", here) }, 5000);
  const other = placeKeys({ servers: there, ...makePolicy("consistent_hash", there) }, 5000);
  one.forEach((place, key) => assert.equal(place, 4 - other[key]));
});

Deno.test("known keys are at the same servers in every release during a slow start", () => {
  const names = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80"];
  const servers = makeServerSet(names, [1, 1, 2, 4]);
  const { pick, state } = makePolicy("consistent_hash", servers);
  const place = () => {
    let places = "";
    for (let key = 0; key < 32; key++) {
      places += pick(servers, state, 0, hashString(`key-${key}`, 1));
    }
    return places;
  };
  servers.shares[3] = 64;
  assert.equal(place(), "22101033300121021223212221222202");
  servers.shares[3] = 192;
  assert.equal(place(), "22101033330121333233232221332202");
  servers.shares.fill(26);
  assert.equal(place(), "12312233320233122333122232033133");
});

Deno.test("a changed weight is followed once the table is rebuilt, as a new policy would", () => {
  const scene = makeScene([1, 1, 1, 1]);
  const before = placeKeys(scene, 20_000);
  scene.servers.weights[1] = 3;
  assert.deepEqual(placeKeys(scene, 20_000), before, "not before");
  followWeights("consistent_hash", scene.servers, scene.state);
  const after = placeKeys(scene, 20_000);
  assert.deepEqual(after, placeKeys(makeScene([1, 3, 1, 1]), 20_000));
  const moved = after.filter((place, key) => place !== before[key]);
  // From a quarter to a half: that much has to move, and to this server.
  assert.ok(countAt(moved, 1) > 20_000 * 0.23 && moved.length < 20_000 * 0.29, `${moved.length}`);
});
