import assert from "node:assert/strict";
import { POLICY_NAMES } from "../balance/policy.ts";
import { BREAKER_HALF_OPEN, BREAKER_OPEN } from "../health/circuit_breaker.ts";
import { SERVER_STATES, type ServerState } from "../health/server_state.ts";
import { ATTEMPTS_MAX, UNREACHABLE_MS } from "../limits.ts";
import { BACKEND_CONNECTIONS, SERVER_OPEN, SERVER_RETRIES } from "../metrics/metric_names.ts";
import { serverOffset } from "../metrics/shared_state.ts";
import { AF_INET6, encodeSocketAddress } from "../net/socket_address.ts";
import { ADDRESS_SLOT_BYTES } from "../ring/ring.ts";
import { makeBackends } from "./backend.ts";
import type { BackendPlan, ServerPlan } from "./plan.ts";
import type { ServerBoard } from "./server_board.ts";
import { regionBytes, regionShape, SharedRegion } from "./shared_region.ts";
import { backendPlan, serverPlan, workerPlan } from "./test_plan.ts";

const IPV4 = [...encodeSocketAddress(Uint8Array.of(10, 0, 0, 1), 80)];
const IPV6 = [...encodeSocketAddress(new Uint8Array(16).fill(1), 80)];

function server(name: string, more: Partial<ServerPlan> = {}): ServerPlan {
  return serverPlan(name, { address: IPV4, ...more });
}

function setState(board: ServerBoard, server: number, state: ServerState): void {
  board.setServer(2 + server, SERVER_STATES.indexOf(state), 1, 256, 0);
}

/** A backend behind another one of two servers, as the first of two workers uses it. */
function makeBackend(servers: readonly ServerPlan[], more: Partial<BackendPlan> = {}) {
  const backends = [
    backendPlan({ servers: [server("x"), server("y")] }),
    backendPlan({ servers, connectTimeoutMs: 100, ...more }),
  ];
  const plan = workerPlan({ workers: 2, backends });
  const shape = regionShape(plan);
  const region = new SharedRegion(new ArrayBuffer(regionBytes(shape)), shape);
  const ring = { nowMs: 1000, addresses: new Uint8Array(16 * ADDRESS_SLOT_BYTES) };
  const [, backend] = makeBackends(plan, 1, ring, region);
  const tried = new Int16Array(ATTEMPTS_MAX);
  const chooseIn = (subset: number, before: readonly number[], forDatagrams = false) => {
    tried.set(before);
    return backend.choose(12345, 6789, tried, 0, before.length, subset, forDatagrams);
  };
  const choose = (...before: number[]) => chooseIn(0, before);
  const chooseForDatagrams = (...before: number[]) => chooseIn(0, before, true);
  const { board, state: shared } = region;
  return { backend, ring, board, shared, choose, chooseIn, chooseForDatagrams };
}

Deno.test("a server that was tried for this connection is not picked again", () => {
  const { choose } = makeBackend([server("a"), server("b"), server("c")]);
  assert.equal(choose(), 0);
  assert.equal(choose(0), 1);
  assert.equal(choose(0, 1), 2);
  assert.equal(choose(0, 1, 2), -1);
});

Deno.test("a backup is picked only when no other server is left", () => {
  const { choose } = makeBackend([server("spare", { backup: true }), server("a"), server("b")]);
  assert.equal(choose(), 1);
  assert.equal(choose(1), 2);
  assert.equal(choose(1, 2), 0);
});

Deno.test("a server without an address, or of weight zero, is not picked", () => {
  const { choose, backend } = makeBackend([
    server("unresolved", { address: [] }),
    server("resting", { weight: 0 }),
    server("a"),
  ]);
  assert.equal(choose(), 2);
  assert.equal(choose(2), -1);
  backend.setAddress(0, IPV6);
  assert.equal(choose(), 0);
  assert.equal(backend.sockets.addressFamily(0), AF_INET6);
  backend.setAddress(0, []);
  assert.equal(choose(), 2);
});

Deno.test("least_conn sees what all workers have open", () => {
  const servers = [server("a"), server("b")];
  const { choose, shared } = makeBackend(servers, { balance: "least_conn" });
  const at = (server: number) => serverOffset(shared.shape, 2 + server) + SERVER_OPEN;
  shared.rows[1][at(0)] = 5;
  shared.rows[0][at(1)] = 4;
  assert.equal(choose(), 1);
  shared.rows[0][at(0)] = -5;
  assert.equal(choose(), 0);
});

Deno.test("every policy works through candidates, then backups, then gives up", () => {
  for (const balance of POLICY_NAMES) {
    const servers = [server("a"), server("b", { weight: 3 }), server("c", { backup: true })];
    const { choose } = makeBackend(servers, { balance });
    const first = choose();
    const second = choose(first);
    assert.deepEqual([first, second].sort(), [0, 1], balance);
    assert.equal(choose(first, second), 2, balance);
    assert.equal(choose(first, second, 2), -1, balance);
  }
});

Deno.test("the attempts for a connection are the first and the retries, within the bound", () => {
  assert.equal(makeBackend([server("a")], { retries: 0 }).backend.attemptsMax, 1);
  assert.equal(makeBackend([server("a")], { retries: 3 }).backend.attemptsMax, 4);
  assert.equal(makeBackend([server("a")], { retries: 99 }).backend.attemptsMax, ATTEMPTS_MAX);
});

// ---- Servers whose port is closed -----------------------------------------------------------

Deno.test("a server whose port was closed is passed over for a while, if there are others", () => {
  const { backend, ring: clock, chooseForDatagrams: choose } = makeBackend([
    server("a"),
    server("b"),
  ]);
  backend.shun(0);
  assert.equal(choose(), 1);
  clock.nowMs += UNREACHABLE_MS - 1;
  assert.equal(choose(), 1);
  clock.nowMs += 1;
  assert.equal(choose(), 0);
});

Deno.test("when all of them were closed lately any may be tried", () => {
  const { backend, chooseForDatagrams: choose } = makeBackend([
    server("a"),
    server("b"),
  ]);
  backend.shun(0);
  backend.shun(1);
  assert.equal(choose(), 0);
  assert.equal(choose(0), 1, "also as the next one");
  assert.equal(choose(0, 1), -1);
});

Deno.test("a closed port makes way for a backup, and is tried before the client is refused", () => {
  const servers = [server("a"), server("spare", { backup: true })];
  const { backend, chooseForDatagrams: choose } = makeBackend(servers);
  backend.shun(0);
  assert.equal(choose(), 1);
  assert.equal(choose(1), 0);
});

Deno.test("a port that is found closed again is passed over for as long again", () => {
  const { backend, ring: clock, chooseForDatagrams: choose } = makeBackend([
    server("a"),
    server("b"),
  ]);
  backend.shun(0);
  clock.nowMs += UNREACHABLE_MS - 1;
  backend.shun(0);
  clock.nowMs += UNREACHABLE_MS - 1;
  assert.equal(choose(), 1);
  clock.nowMs += 1;
  assert.equal(choose(), 0);
  // And is none the less picked from then on, however often it was closed.
  assert.equal(choose(), 0);
});

Deno.test("that a port of UDP is closed says nothing of TCP", () => {
  const { backend, choose, chooseForDatagrams } = makeBackend([server("a"), server("b")]);
  backend.shun(0);
  assert.equal(chooseForDatagrams(), 1);
  assert.equal(choose(), 0);
});

Deno.test("a new address is not passed over for what the old one did", () => {
  const { backend, chooseForDatagrams } = makeBackend([server("a"), server("b")]);
  backend.shun(0);
  backend.setAddress(0, IPV6);
  assert.equal(chooseForDatagrams(), 0);
});

Deno.test("a server may keep what it has unless it is down, ejected, closed or unknown", () => {
  const { backend, ring, board } = makeBackend([
    server("a"),
    server("resting", { weight: 0 }),
    server("unresolved", { address: [] }),
    server("spare", { backup: true }),
    server("drained"),
    server("down"),
  ]);
  setState(board, 4, "drain");
  setState(board, 5, "down");
  backend.refresh();
  const keeping = () => [0, 1, 2, 3, 4, 5].map((each) => backend.mayKeep(each, 0));
  assert.deepEqual(keeping(), [true, true, false, true, true, false]);
  backend.shun(0);
  assert.deepEqual(keeping(), [false, true, false, true, true, false]);
  ring.nowMs += UNREACHABLE_MS;
  assert.deepEqual(keeping(), [true, true, false, true, true, false]);
  backend.setAddress(2, IPV4);
  backend.setAddress(3, []);
  assert.deepEqual(keeping(), [true, true, true, false, true, false]);
});

// ---- What the board says --------------------------------------------------------------------

Deno.test("only servers that are up get new connections", () => {
  for (const state of ["down", "ejected", "drain", "maint"] as const) {
    const { backend, board, choose } = makeBackend([server("a"), server("b")]);
    setState(board, 0, state);
    backend.refresh();
    assert.equal(choose(), 1, state);
    // Its errors may be over: better than nobody.
    assert.equal(choose(1), state === "ejected" ? 0 : -1, state);
  }
});

Deno.test("nobody waits for an ejected server that gets nothing anyway", () => {
  const servers = [server("a"), server("b"), server("c", { connectionsMax: 1 })];
  const { backend, board, choose } = makeBackend(servers);
  assert.ok(backend.places.claim(2));
  board.setServer(2 + 2, SERVER_STATES.indexOf("ejected"), 0, 256, 0);
  backend.refresh();
  assert.equal(choose(0, 1), -1);
  assert.equal(backend.isSaturated, false);
});

Deno.test("in a panic those whose connections fail are passed over, but for one in sixteen", () => {
  const { backend, board } = makeBackend([server("a"), server("b"), server("c")]);
  setState(board, 0, "down");
  setState(board, 1, "down");
  backend.refresh();
  backend.news.onConnectFailed(0);
  backend.news.onConnectFailed(0);
  const picks = [0, 0, 0];
  const tried = new Int16Array(ATTEMPTS_MAX);
  for (let random = 0; random < 1600; random++) picks[backend.choose(random, 0, tried, 0, 0, 0)]++;
  assert.deepEqual(picks, [100, 1500, 0], "the policy is first: b, as a is passed over");
  backend.news.onConnected(0);
  assert.equal(backend.choose(1, 0, tried, 0, 0, 0), 0, "it works again");
});

Deno.test("below the panic threshold those that are down are used, never those taken out", () => {
  const { backend, board, choose } = makeBackend([server("a"), server("b"), server("c")]);
  setState(board, 0, "down");
  setState(board, 1, "maint");
  setState(board, 2, "ejected");
  backend.refresh();
  assert.equal(choose(), 0);
  assert.equal(choose(0), 2);
  assert.equal(choose(0, 2), -1);
});

Deno.test("without a panic threshold nobody is picked when nobody is up", () => {
  const { backend, board, choose } = makeBackend([server("a")], { panicThreshold: 0 });
  setState(board, 0, "down");
  backend.refresh();
  assert.equal(choose(), -1);
  assert.equal(backend.isSaturated, false, "waiting would be of no use");
});

Deno.test("a later priority is used when the first has nobody, and as a retry", () => {
  const servers = [server("a"), server("far", { priority: 1 })];
  const { backend, board, choose } = makeBackend(servers);
  assert.equal(choose(), 0);
  assert.equal(choose(0), 1);
  setState(board, 0, "down");
  backend.refresh();
  assert.equal(choose(), 1);
});

Deno.test("servers of this node's zone go before those of others", () => {
  const servers = [server("abroad", { isForeignZone: true }), server("here")];
  const { choose } = makeBackend(servers);
  assert.equal(choose(), 1);
  assert.equal(choose(1), 0);
});

Deno.test("a subset has its own servers, and its own panic", () => {
  const servers = [server("a"), server("b"), server("c")];
  const { backend, board, chooseIn } = makeBackend(servers, { subsets: [[0, 1, 2], [1, 2]] });
  assert.equal(chooseIn(1, []), 1);
  assert.equal(chooseIn(1, [1, 2]), -1);
  setState(board, 1, "down");
  setState(board, 2, "down");
  backend.refresh();
  assert.equal(chooseIn(0, []), 0, "a third is up, which is panic, and the first is tried");
  assert.equal(chooseIn(1, []), 1, "nobody else may be used here");
});

Deno.test("a weight that is set while running counts in place of the configured one", () => {
  const { backend, board, choose } = makeBackend([server("a"), server("b")]);
  board.setServer(2, 0, 0, 256, 0);
  backend.refresh();
  assert.equal(choose(), 1);
  assert.equal(choose(1), -1, "weight 0 gets nothing new");
});

Deno.test("a priority that has lost servers passes on what they cannot take", () => {
  const servers = [server("a"), server("b"), server("far", { priority: 1 })];
  const { backend, board } = makeBackend(servers);
  setState(board, 1, "down");
  backend.refresh();
  const tried = new Int16Array(ATTEMPTS_MAX);
  const shares = [0, 0, 0];
  for (let i = 0; i < 10_000; i++) {
    shares[backend.choose((i * 2_654_435_761) >>> 0, 1, tried, 0, 0, 0)] += 1e-4;
  }
  // Half of its servers are worth 1.4 halves of the load.
  assert.ok(Math.abs(shares[0] - 0.7) < 0.02, `${shares}`);
  assert.ok(Math.abs(shares[2] - 0.3) < 0.02, `${shares}`);
});

Deno.test("with hashing a key has its priority, as it has its server", () => {
  const servers = [server("a"), server("b"), server("far", { priority: 1 })];
  const { backend, board } = makeBackend(servers, { balance: "consistent_hash" });
  setState(board, 1, "down");
  backend.refresh();
  const tried = new Int16Array(ATTEMPTS_MAX);
  const found = new Set<number>();
  for (let key = 0; key < 200; key++) {
    const hash = (key * 2_654_435_761) >>> 0;
    const picked = [1, 2, 3].map((random) => backend.choose(random, hash, tried, 0, 0, 0));
    assert.equal(new Set(picked).size, 1);
    found.add(picked[0]);
  }
  assert.deepEqual(found, new Set([0, 2]));
});

// ---- Places ---------------------------------------------------------------------------------

Deno.test("a full server is passed over, and when all are full waiting makes sense", () => {
  const servers = [server("a", { connectionsMax: 1 }), server("b", { connectionsMax: 2 })];
  const { backend, choose } = makeBackend(servers);
  const taken = [0, 1, 2].map(() => {
    const picked = choose();
    assert.ok(backend.places.claim(picked));
    return picked;
  });
  assert.deepEqual(taken, [0, 1, 1]);
  assert.equal(choose(), -1);
  assert.equal(backend.isSaturated, true);
});

Deno.test("a backend's limit counts the connections to all of its servers", () => {
  const { backend, choose } = makeBackend([server("a"), server("b")], { connectionsMax: 2 });
  assert.ok(backend.places.claim(choose()));
  assert.ok(backend.places.claim(choose(0)));
  assert.equal(choose(), -1);
  assert.equal(backend.isSaturated, true);
});

Deno.test("the next priority is used before anybody waits, a backup is not", () => {
  for (const more of [{ priority: 1 }, { backup: true }]) {
    const servers = [server("a", { connectionsMax: 1 }), server("other", more)];
    const { backend, choose } = makeBackend(servers);
    assert.ok(backend.places.claim(choose()));
    assert.equal(choose(), more.backup ? -1 : 1);
    assert.equal(backend.isSaturated, true);
  }
});

Deno.test("who has tried all that have places waits for none", () => {
  const servers = [server("a", { connectionsMax: 5 }), server("b", { connectionsMax: 5 })];
  const { backend, choose } = makeBackend(servers);
  assert.equal(choose(0, 1), -1);
  assert.equal(backend.isSaturated, false);
  for (let i = 0; i < 5; i++) assert.ok(backend.places.claim(1));
  assert.equal(choose(0), -1);
  assert.equal(backend.isSaturated, true, "the other one is only full");
});

Deno.test("whether waiting makes sense is told of the last pick alone", () => {
  const { backend, choose, shared } = makeBackend([server("a", { connectionsMax: 1 })]);
  assert.ok(backend.places.claim(choose()));
  assert.equal(choose(), -1);
  shared.rows[0][serverOffset(shared.shape, 2) + SERVER_OPEN] = 0;
  assert.equal(choose(), 0);
  assert.equal(choose(0), -1);
  assert.equal(backend.isSaturated, false);
});

Deno.test("with a load factor a key leaves its server when that has more than its share", () => {
  const balance = "consistent_hash" as const;
  const servers = [server("a"), server("b"), server("c")];
  const { shared, choose } = makeBackend(servers, { balance, loadFactor: 1.25 });
  const own = choose();
  const second = choose(own);
  const at = (each: number) => serverOffset(shared.shape, 2 + each) + SERVER_OPEN;
  for (const each of [0, 1, 2]) shared.rows[1][at(each)] = 8;
  assert.equal(choose(), own);
  shared.rows[1][at(own)] = 14; // of thirty and one more, shares of 10.3: at most 12.9
  assert.equal(choose(), second);
  shared.rows[1][at(own)] = 11;
  assert.equal(choose(), own, "it comes back");
});

// ---- Latency --------------------------------------------------------------------------------

Deno.test("least_latency passes over who answers late, as any worker has measured it", () => {
  const { backend, ring, board, choose } = makeBackend([server("a"), server("b")], {
    balance: "least_latency",
  });
  const asked = Float64Array.of(0, ring.nowMs);
  ring.nowMs += 5;
  backend.measure(1, asked, 1);
  ring.nowMs += 300;
  backend.measure(0, asked, 1);
  assert.equal(choose(), 1);
  assert.equal(board.cells[board.latencyAt(2)], 305, "on the board for all");
  backend.setAddress(0, IPV6);
  assert.notEqual(board.cells[board.latencyAt(2)], 305, "a new address is another server");
});

Deno.test("a connect that timed out is as slow an answer as the timeout is long", () => {
  const { backend, board } = makeBackend([server("a"), server("b")], { balance: "least_latency" });
  backend.measureTimeout(1);
  assert.equal(board.cells[board.latencyAt(3)], 100);
});

Deno.test("who does not choose by latency does not measure it", () => {
  const { backend, board } = makeBackend([server("a")], { balance: "least_conn" });
  assert.equal(backend.latencies, null);
  const before = [...board.cells];
  backend.measure(0, Float64Array.of(0), 0);
  backend.measureTimeout(0);
  assert.deepEqual([...board.cells], before);
});

// ---- Budget and breaker ---------------------------------------------------------------------

Deno.test("retries are a share of the connections since the window began, over all workers", () => {
  const { backend, board, shared } = makeBackend([server("a")], { retryBudget: 0.5 });
  shared.rows[0][backend.at + BACKEND_CONNECTIONS] = 300;
  shared.rows[1][backend.at + BACKEND_CONNECTIONS] = 100;
  shared.rows[1][serverOffset(shared.shape, 2) + SERVER_RETRIES] = 199;
  assert.equal(backend.allowsRetry(), true);
  shared.rows[0][serverOffset(shared.shape, 2) + SERVER_RETRIES] = 1;
  assert.equal(backend.allowsRetry(), false);
  board.setRetryBase(1, 0, 150);
  assert.equal(backend.allowsRetry(), true, "retries of long ago do not count");
});

Deno.test("some retries are allowed, however few connections there are", () => {
  const { backend, shared } = makeBackend([server("a"), server("b")], { retryBudget: 0 });
  const at = (each: number) => serverOffset(shared.shape, 2 + each) + SERVER_RETRIES;
  shared.rows[0][at(0)] = 15;
  shared.rows[1][at(1)] = 14;
  assert.equal(backend.allowsRetry(), true);
  shared.rows[1][at(1)] = 15;
  assert.equal(backend.allowsRetry(), false);
});

Deno.test("an open breaker lets nobody through, a half-open one as many as it tries", () => {
  const { backend, board } = makeBackend([server("a")]);
  assert.equal(backend.admits(), true);
  board.setBreaker(1, BREAKER_OPEN, 0);
  assert.equal(backend.admits(), false);
  board.setBreaker(1, BREAKER_HALF_OPEN, 2);
  assert.deepEqual([1, 2, 3].map(() => backend.admits()), [true, true, false]);
});
