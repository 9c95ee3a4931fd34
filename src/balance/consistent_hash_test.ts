import assert from "node:assert/strict";
import { hashString } from "../base/hash.ts";
import { makePolicy, type Pick, type PolicyState } from "./policy.ts";
import { makeServerSet, type ServerSet } from "./server_set.ts";
import { makeNames, randomAt } from "./test_arrivals.ts";

const KEYS = 20_000;

/** The server of each of KEYS keys, with an unrelated random number for each pick. */
function placeKeys(servers: ServerSet, policy: { pick: Pick; state: PolicyState }): Int32Array {
  const places = new Int32Array(KEYS);
  for (let key = 0; key < KEYS; key++) {
    const chance = randomAt(servers.eligible[0], key);
    places[key] = policy.pick(servers, policy.state, chance, randomAt(99, key));
  }
  return places;
}

function makeEqualServers(count: number): ServerSet {
  return makeServerSet(makeNames(count), new Array(count).fill(1));
}

Deno.test("a key stays at its server whatever load and chance do", () => {
  const servers = makeEqualServers(9);
  const policy = makePolicy("consistent_hash", servers);
  const before = placeKeys(servers, policy);
  servers.open.set([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.deepEqual(placeKeys(servers, policy), before);
});

Deno.test("when a server is out only its keys move, and all come back with it", () => {
  const servers = makeEqualServers(10);
  const policy = makePolicy("consistent_hash", servers);
  const before = placeKeys(servers, policy);
  servers.eligible[3] = 0;
  const without = placeKeys(servers, policy);
  for (let key = 0; key < KEYS; key++) {
    if (before[key] !== 3) assert.equal(without[key], before[key]);
  }
  servers.eligible[3] = 1;
  assert.deepEqual(placeKeys(servers, policy), before);
});

Deno.test("a lost server's keys spread over all others by weight, not onto a neighbour", () => {
  const weights = [3, 1, 2, 3, 4, 1, 2, 2, 1, 4];
  const servers = makeServerSet(makeNames(10), weights);
  const policy = makePolicy("consistent_hash", servers);
  const before = placeKeys(servers, policy);
  servers.eligible[4] = 0;
  const without = placeKeys(servers, policy);
  const moved = new Array(10).fill(0);
  let lost = 0;
  for (let key = 0; key < KEYS; key++) {
    if (before[key] !== 4) continue;
    lost++;
    moved[without[key]]++;
  }
  for (let server = 0; server < 10; server++) {
    const expected = server === 4 ? 0 : (lost * weights[server]) / 19;
    assert.ok(Math.abs(moved[server] - expected) <= 5 * Math.sqrt(expected), moved.join());
  }
});

Deno.test("each further loss moves only the keys of the server lost, down to the last", () => {
  const servers = makeServerSet(makeNames(12), [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4]);
  const policy = makePolicy("consistent_hash", servers);
  let before = placeKeys(servers, policy);
  for (const out of [5, 0, 11, 7, 3, 2, 8, 10, 1, 6, 4]) {
    servers.eligible[out] = 0;
    const after = placeKeys(servers, policy);
    for (let key = 0; key < KEYS; key++) {
      if (before[key] !== out) assert.equal(after[key], before[key]);
    }
    before = after;
  }
  assert.ok(before.every((server) => server === 9));
});

Deno.test("with most servers out, keys still spread over the rest by weight", () => {
  const servers = makeServerSet(makeNames(300), new Array(300).fill(4));
  const policy = makePolicy("consistent_hash", servers);
  servers.eligible.fill(0);
  for (const server of [17, 120, 121, 299]) servers.eligible[server] = 1;
  const kept = new Map<number, number>();
  for (const server of placeKeys(servers, policy)) kept.set(server, (kept.get(server) ?? 0) + 1);
  assert.equal(kept.size, 4);
  for (const count of kept.values()) assert.ok(Math.abs(count - KEYS / 4) < 350, `${count}`);
});

Deno.test("servers without weight when the table is built share by weight once they have", () => {
  const servers = makeServerSet(makeNames(3), [0, 0, 0]);
  const policy = makePolicy("consistent_hash", servers);
  servers.weights.set([1, 0, 3]);
  const kept = [0, 0, 0];
  for (const server of placeKeys(servers, policy)) kept[server]++;
  assert.equal(kept[1], 0);
  assert.ok(Math.abs(kept[0] - KEYS / 4) < 350, kept.join());
});

Deno.test("nodes that list servers in another order agree on every key, whoever is out", () => {
  const names = makeNames(8);
  const here = makeServerSet(names, [1, 2, 3, 4, 5, 6, 7, 8]);
  const there = makeServerSet([...names].reverse(), [8, 7, 6, 5, 4, 3, 2, 1]);
  const policyHere = makePolicy("consistent_hash", here);
  const policyThere = makePolicy("consistent_hash", there);
  for (let out = 0; out <= 7; out++) {
    const placesHere = placeKeys(here, policyHere);
    const placesThere = placeKeys(there, policyThere);
    for (let key = 0; key < KEYS; key++) assert.equal(placesHere[key], 7 - placesThere[key]);
    here.eligible[out] = 0;
    there.eligible[7 - out] = 0;
  }
});

Deno.test("known keys are at the same servers in every release, whoever is out", () => {
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
  assert.equal(place(), "32101333330121333233232221332302");
  servers.eligible[3] = 0;
  assert.equal(place(), "22101012200121021222212221222202");
  servers.eligible[2] = 0;
  assert.equal(place(), "01101011100111001110010001010101");
});
