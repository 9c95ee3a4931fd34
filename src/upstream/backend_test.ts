import assert from "node:assert/strict";
import { POLICY_NAMES } from "../balance/policy.ts";
import { ATTEMPTS_MAX } from "../limits.ts";
import { SERVER_OPEN } from "../metrics/metric_names.ts";
import { serverOffset, sharedBytes, SharedState } from "../metrics/shared_state.ts";
import { AF_INET6, encodeSocketAddress } from "../net/socket_address.ts";
import { ADDRESS_SLOT_BYTES } from "../ring/ring.ts";
import { Backend } from "./backend.ts";
import type { BackendPlan, ServerPlan } from "./plan.ts";

const IPV4 = [...encodeSocketAddress(Uint8Array.of(10, 0, 0, 1), 80)];
const IPV6 = [...encodeSocketAddress(new Uint8Array(16).fill(1), 80)];
const SHAPE = { workers: 2, listeners: 1, servers: 8 };

function server(name: string, more: Partial<ServerPlan> = {}): ServerPlan {
  return { name, weight: 1, backup: false, address: IPV4, ...more };
}

function makeBackend(servers: readonly ServerPlan[], more: Partial<BackendPlan> = {}) {
  const shared = new SharedState(new ArrayBuffer(sharedBytes(SHAPE)), SHAPE);
  const addresses = new Uint8Array(16 * ADDRESS_SLOT_BYTES);
  const plan: BackendPlan = {
    name: "app",
    balance: "first",
    connectTimeoutMs: 100,
    retries: 1,
    servers,
    ...more,
  };
  const backend = new Backend(plan, 2, 3, addresses, shared);
  const tried = new Int16Array(ATTEMPTS_MAX);
  const choose = (...before: number[]) => {
    tried.set(before);
    return backend.choose(12345, 6789, tried, 0, before.length);
  };
  return { backend, shared, addresses, choose };
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
  assert.equal(backend.addressFamily(0), AF_INET6);
  backend.setAddress(0, []);
  assert.equal(choose(), 2);
});

Deno.test("addresses stand in the slots behind the first, as the ring reads them", () => {
  const { backend, addresses } = makeBackend([server("a"), server("b", { address: IPV6 })]);
  assert.deepEqual([backend.addressSlot(0), backend.addressSlot(1)], [3, 4]);
  const at = 4 * ADDRESS_SLOT_BYTES;
  assert.deepEqual([...addresses.subarray(at, at + IPV6.length)], IPV6);
});

Deno.test("least_conn sees what all workers have open", () => {
  const servers = [server("a"), server("b")];
  const { choose, shared } = makeBackend(servers, { balance: "least_conn" });
  const at = (server: number) => serverOffset(SHAPE, 2 + server) + SERVER_OPEN;
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
