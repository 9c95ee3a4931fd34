/**
 * What holds of tunnels after every turn: queues and their bytes, what is in flight, and counters.
 */
import * as tunnel from "../../src/connection/tunnels.ts";
import { FAST_BUFFER_BYTES, QUEUE_BYTES_HIGH, RECEIVE_ALLOWANCE_BYTES } from "../../src/limits.ts";
import * as metric from "../../src/metrics/metric_names.ts";
import { listenerOffset, serverOffset } from "../../src/metrics/shared_state.ts";
import { IP_WORDS } from "../../src/net/ip_words.ts";
import { CONNECT, PEEK, RECEIVE, SEND, WRITABLE } from "../../src/ring/ring.ts";
import type { Plan } from "../../src/upstream/plan.ts";
import type { SharedRegion } from "../../src/upstream/shared_region.ts";
import type { Worker } from "../../src/worker/worker.ts";
import { type ClientAccounts, clientKey } from "./client_accounts.ts";
import { promise } from "./promise.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedRing } from "./simulated_ring.ts";

/** Reading stops at the high mark; what was allowed before may still come, and one buffer more. */
const QUEUE_BYTES_MAX = QUEUE_BYTES_HIGH + RECEIVE_ALLOWANCE_BYTES + FAST_BUFFER_BYTES;

/** The flag of an endpoint for each kind of operation. */
const FLAGS = new Map<number, number>([
  [RECEIVE, tunnel.RECEIVING],
  [PEEK, tunnel.RECEIVING],
  [SEND, tunnel.SENDING],
  [WRITABLE, tunnel.POLLING],
  [CONNECT, tunnel.IN_CONNECT],
]);

/** Counts who holds which buffer. */
export function holdQueues(worker: Worker, holders: Uint8Array): void {
  const { pool } = worker;
  const { tunnels } = worker.tcp;
  for (let endpoint = 0; endpoint < tunnels.capacity * 2; endpoint++) {
    if (tunnels.state[endpoint >> 1] === tunnel.FREE) continue;
    if (tunnels.sending[endpoint] >= 0) holders[tunnels.sending[endpoint]]++;
    let bytes = 0;
    for (let at = tunnels.queueHead[endpoint]; at >= 0; at = pool.next[at]) {
      holders[at]++;
      bytes += pool.bytes[at];
      promise(holders[at] === 1, `buffer ${at} is in one queue once`);
    }
    promise(bytes === tunnels.queueBytes[endpoint], "a queue knows its bytes");
    promise(bytes <= QUEUE_BYTES_MAX, `a queue is bounded: ${bytes} bytes`);
  }
}

export function checkTunnels(
  scene: Scene,
  worker: Worker,
  ring: SimulatedRing,
  region: SharedRegion,
  counts: ClientAccounts,
): void {
  if (scene.streams === null) return;
  checkEndpoints(worker, ring);
  checkGauges(scene.plan, worker, region);
  checkClients(worker, counts);
}

/** The flags of an endpoint and what is in flight on its fd agree. */
function checkEndpoints(worker: Worker, ring: SimulatedRing): void {
  const { tunnels } = worker.tcp;
  const flags = new Uint8Array(tunnels.capacity * 2);
  for (const { index, generation, kind } of ring.operations) {
    const flag = FLAGS.get(kind);
    if (flag === undefined) continue;
    promise(tunnels.generation[index >> 1] === generation, "what is in flight holds its slot");
    promise((flags[index] & flag) === 0, "one of each kind in flight per endpoint");
    flags[index] |= flag;
  }
  for (let endpoint = 0; endpoint < tunnels.capacity * 2; endpoint++) {
    const known = tunnels.flags[endpoint] & tunnel.IN_FLIGHT;
    promise((flags[endpoint] & ~known) === 0, `endpoint ${endpoint} knows what is in flight`);
    const state = tunnels.state[endpoint >> 1];
    if (state !== tunnel.OPEN) continue;
    const { lowWaterMark } = ring.sockets.stream(tunnels.fd[endpoint]);
    promise(lowWaterMark === 1, "an open tunnel hears of every byte");
  }
}

function checkGauges(plan: Plan, worker: Worker, region: SharedRegion): void {
  const { state: shared } = region;
  const row = shared.rows[plan.worker];
  const { tunnels } = worker.tcp;
  let open = 0;
  const perListener = plan.listeners.map(() => 0);
  const perServer = new Map<number, number>();
  for (let slot = 0; slot < tunnels.capacity; slot++) {
    const state = tunnels.state[slot];
    if (state === tunnel.FREE) continue;
    open++;
    if (state !== tunnel.WAITING) perListener[tunnels.listener[slot]]++;
    if (tunnels.server[slot] < 0) continue;
    const at = tunnels.serverAt[slot];
    perServer.set(at, (perServer.get(at) ?? 0) + 1);
  }
  promise(open === tunnels.openCount, "tunnels are counted");
  promise(row[metric.TUNNELS_OPEN] === open, "the gauge of tunnels is true");
  plan.listeners.forEach(({ name, protocol, connectionsMax }, i) => {
    if (protocol === "udp") return;
    const gauge = row[listenerOffset(i) + metric.LISTENER_OPEN];
    promise(gauge === perListener[i], `the gauge of listener ${name} is true`);
    const most = connectionsMax || Infinity;
    promise(gauge <= most, `listener ${name} has ${gauge} of ${most} connections`);
  });
  let server = 0;
  const udp = new Set(
    plan.listeners.flatMap((each) => each.protocol === "udp" ? each.backend : []),
  );
  plan.backends.forEach(({ servers }, backend) => {
    for (const { name } of servers) {
      const at = serverOffset(shared.shape, server++);
      if (udp.has(backend)) continue;
      const gauge = row[at + metric.SERVER_OPEN];
      promise(gauge === (perServer.get(at) ?? 0), `the gauge of server ${name} is true`);
    }
  });
}

/** Connections per client are those that are there, and no more than allowed. */
function checkClients(worker: Worker, counts: ClientAccounts): void {
  const { tunnels } = worker.tcp;
  const counted = new Map<string, number>();
  for (let slot = 0; slot < tunnels.capacity; slot++) {
    if (tunnels.state[slot] === tunnel.FREE || tunnels.isCounted[slot] === 0) continue;
    const key = clientKey(tunnels.listener[slot], tunnels.client, slot * IP_WORDS);
    counted.set(key, (counted.get(key) ?? 0) + 1);
  }
  counts.check(counted);
}
