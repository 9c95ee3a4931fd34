import assert from "node:assert/strict";
import { hashBytes } from "../../base/hash.ts";
import { SERVER_STATES } from "../../health/server_state.ts";
import { QUIC_DIRECTORY_FLOATS, UNREACHABLE_MS } from "../../limits.ts";
import { serverPlan } from "../../upstream/test_plan.ts";
import { CLIENT_HASH_SEED } from "../client_hash.ts";
import { QuicAffinity } from "./quic_affinity.ts";
import { FlowStage } from "./test_flows.ts";

/** What the client's address gives, in place of its hash. */
const CLIENT_HASH = -77;

const CLIENT_ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const SERVER_ID = Uint8Array.of(0xa1, 0xa2, 0xa3, 0xa4, 0xa5);
const OTHER_ID = Uint8Array.of(0xb1, 0xb2, 0xb3, 0xb4, 0xb5);

/** RFC 8999 section 5.1. */
function longHeader(dcid: Uint8Array, scid: Uint8Array): Uint8Array {
  return Uint8Array.of(0xc0, 0, 0, 0, 1, dcid.length, ...dcid, scid.length, ...scid, 9, 9, 9);
}

/** RFC 8999 section 5.2. */
function shortHeader(dcid: Uint8Array): Uint8Array {
  return Uint8Array.of(0x40, ...dcid, 9, 9, 9);
}

/** Two workers; backends of two servers, 0 and 1, and of three, 2 to 4. */
function makeScene() {
  const stage = new FlowStage({
    listeners: [{}],
    backends: [
      { servers: [serverPlan("a"), serverPlan("b")] },
      { servers: [serverPlan("c"), serverPlan("d"), serverPlan("rests", { weight: 0 })] },
    ],
  });
  const tables = [0, 1].map(() => new Float64Array(QUIC_DIRECTORY_FLOATS));
  const [one, two] = tables.map((_, own) => new QuicAffinity(tables, own));
  const [near, far] = stage.context.backends;
  const find = (affinity: QuicAffinity, datagram: Uint8Array, backend = near) =>
    affinity.find(backend, 0, datagram, 0, datagram.length, CLIENT_HASH);
  const learn = (affinity: QuicAffinity, server: number, datagram: Uint8Array) =>
    affinity.learn(server, datagram, 0, datagram.length);
  return { stage, one, two, near, far, find, learn };
}

function hashOf(id: Uint8Array): number {
  return hashBytes(id, 0, id.length, CLIENT_HASH_SEED) | 0;
}

Deno.test("the first datagrams of a connection choose by the id that the client drew", () => {
  const { one, two, find } = makeScene();
  for (const affinity of [one, two]) {
    assert.equal(find(affinity, longHeader(CLIENT_ID, OTHER_ID)), -1);
    assert.equal(affinity.hash, hashOf(CLIENT_ID), "the same on every worker");
    assert.equal(find(affinity, longHeader(OTHER_ID, CLIENT_ID)), -1);
    assert.equal(affinity.hash, hashOf(OTHER_ID));
  }
});

Deno.test("what is no QUIC, or of an unknown id, chooses by the client's address", () => {
  const { one, find } = makeScene();
  const none = [new Uint8Array(0), Uint8Array.of(0xc0, 0, 0), shortHeader(SERVER_ID)];
  for (const datagram of none) {
    one.hash = 0;
    assert.equal(find(one, datagram), -1);
    assert.equal(one.hash, CLIENT_HASH);
  }
});

Deno.test("the id that a server gave itself leads to it from any address, on any worker", () => {
  const { one, two, find, learn } = makeScene();
  learn(one, 1, longHeader(CLIENT_ID, SERVER_ID));
  for (const affinity of [one, two]) {
    assert.equal(find(affinity, shortHeader(SERVER_ID)), 1);
    assert.equal(find(affinity, longHeader(SERVER_ID, CLIENT_ID)), 1);
    assert.equal(find(affinity, shortHeader(OTHER_ID)), -1);
  }
});

Deno.test("of datagrams of a server only long headers teach, and only what it calls itself", () => {
  const { one, find, learn } = makeScene();
  learn(one, 1, shortHeader(SERVER_ID));
  learn(one, 1, Uint8Array.of(0xc0, 0, 0));
  learn(one, 1, longHeader(CLIENT_ID, new Uint8Array(0)));
  assert.equal(find(one, shortHeader(SERVER_ID)), -1);
  assert.equal(find(one, longHeader(CLIENT_ID, OTHER_ID)), -1);
});

Deno.test("a server is told by its number in the backend that was asked, and by no other's", () => {
  const { one, near, far, find, learn } = makeScene();
  learn(one, 3, longHeader(CLIENT_ID, SERVER_ID));
  assert.equal(find(one, shortHeader(SERVER_ID), far), 1);
  assert.equal(find(one, shortHeader(SERVER_ID), near), -1);
  learn(one, 0, longHeader(CLIENT_ID, OTHER_ID));
  assert.equal(find(one, shortHeader(OTHER_ID), far), -1);
  assert.equal(find(one, shortHeader(OTHER_ID), near), 0);
});

Deno.test("a server that does not work now is not found, and the hash says what to do", () => {
  const { stage, one, near, far, find, learn } = makeScene();
  learn(one, 4, longHeader(CLIENT_ID, SERVER_ID));
  assert.equal(find(one, longHeader(SERVER_ID, CLIENT_ID), far), 2, "at weight 0 it keeps them");
  stage.context.region.board.setServer(4, SERVER_STATES.indexOf("down"), 1, 256, 0);
  far.refresh();
  assert.equal(find(one, longHeader(SERVER_ID, CLIENT_ID), far), -1, "it is down");
  assert.equal(one.hash, hashOf(SERVER_ID));

  learn(one, 1, longHeader(CLIENT_ID, OTHER_ID));
  near.shun(1);
  assert.equal(find(one, shortHeader(OTHER_ID)), -1, "its port was closed");
  stage.fake.nowMs += UNREACHABLE_MS;
  assert.equal(find(one, shortHeader(OTHER_ID)), 1);
});

Deno.test("a datagram is read from its place in the slab, and no further", () => {
  const { one, near, learn } = makeScene();
  const inside = (datagram: Uint8Array) => Uint8Array.of(0xc0, 1, 2, ...datagram, 0xc0, 1, 2);
  const told = inside(longHeader(CLIENT_ID, SERVER_ID));
  one.learn(1, told, 3, told.length - 3);
  const asked = inside(shortHeader(SERVER_ID));
  assert.equal(one.find(near, 0, asked, 3, asked.length - 3, CLIENT_HASH), 1);
  // One byte of the id is behind its end.
  assert.equal(one.find(near, 0, asked, 3, 3 + SERVER_ID.length, CLIENT_HASH), -1);
  learn(one, 0, longHeader(CLIENT_ID, SERVER_ID));
  assert.equal(one.find(near, 0, asked, 3, asked.length - 3, CLIENT_HASH), 0, "the latest counts");
});
