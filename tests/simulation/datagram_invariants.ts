/**
 * What holds of flows after every turn: what is in flight on their sockets, how many there are, and
 * counters.
 */
import * as metric from "../../src/metrics/metric_names.ts";
import { listenerOffset, serverOffset } from "../../src/metrics/shared_state.ts";
import { COUNTED, RECEIVING } from "../../src/proxy/udp/flow_flags.ts";
import * as flows from "../../src/proxy/udp/flow_table.ts";
import { REPLIES, REPLY } from "../../src/ring/ring.ts";
import type { Plan } from "../../src/upstream/plan.ts";
import type { SharedRegion } from "../../src/upstream/shared_region.ts";
import type { Worker } from "../../src/worker/worker.ts";
import { wordsOf } from "./address.ts";
import { type ClientAccounts, clientKey } from "./client_accounts.ts";
import { promise } from "./promise.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedRing } from "./simulated_ring.ts";

export function checkFlows(
  scene: Scene,
  worker: Worker,
  ring: SimulatedRing,
  region: SharedRegion,
  counts: ClientAccounts,
): void {
  if (scene.datagrams === null) return;
  checkReceives(worker, ring);
  ring.datagrams!.ledger.checkWithheld(ring.turns);
  checkGauges(scene.plan, worker, region);
  checkClients(worker, ring, counts);
}

/** Each flow has one receive in flight, and knows it; one that is ending waits for its last. */
function checkReceives(worker: Worker, ring: SimulatedRing): void {
  const table = worker.udp.flows;
  const receives = new Uint8Array(table.capacity);
  for (const { kind, fd, index, generation } of [...ring.operations, ...ring.queued]) {
    if (kind !== REPLY && kind !== REPLIES) continue;
    promise(table.generation[index] === generation, "a receive in flight holds its flow's slot");
    promise(table.fd[index] === fd, "a flow's receive is of its socket");
    receives[index]++;
  }
  for (let flow = 0; flow < table.capacity; flow++) {
    const state = table.state[flow];
    const count = receives[flow];
    const isReceiving = (table.flags[flow] & RECEIVING) !== 0;
    if (state === flows.FREE) promise(count === 0, `nothing is in flight of free flow ${flow}`);
    else promise(isReceiving && count === 1, `flow ${flow} has one receive in flight: ${count}`);
  }
}

function checkGauges(plan: Plan, worker: Worker, region: SharedRegion): void {
  const { state: shared } = region;
  const row = shared.rows[plan.worker];
  const table = worker.udp.flows;
  const perListener = plan.listeners.map(() => 0);
  const perServer = new Map<number, number>();
  let open = 0;
  for (let flow = 0; flow < table.capacity; flow++) {
    if (table.state[flow] !== flows.OPEN) continue;
    open++;
    perListener[table.listener[flow]]++;
    const at = table.serverAt[flow];
    perServer.set(at, (perServer.get(at) ?? 0) + 1);
  }
  promise(open === table.openCount, "flows are counted");
  promise(row[metric.FLOWS_OPEN] === open, "the gauge of flows is true");
  plan.listeners.forEach(({ name, udp, connectionsMax }, i) => {
    if (udp === null) return;
    const gauge = row[listenerOffset(i) + metric.LISTENER_OPEN];
    promise(gauge === perListener[i], `the gauge of listener ${name} is true`);
    promise(table.openCountOf(i) === perListener[i], `flows of listener ${name} are counted`);
    const most = Math.min(udp.flowsMax, connectionsMax || Infinity);
    promise(perListener[i] <= most, `listener ${name} has ${perListener[i]} of ${most} flows`);
  });
  const udp = new Set(
    plan.listeners.flatMap((each) => each.protocol === "udp" ? each.backend : []),
  );
  let server = 0;
  plan.backends.forEach(({ servers }, backend) => {
    for (const { name } of servers) {
      const at = serverOffset(shared.shape, server++);
      if (!udp.has(backend)) continue;
      const gauge = row[at + metric.SERVER_OPEN];
      promise(gauge === (perServer.get(at) ?? 0), `the gauge of server ${name} is true`);
    }
  });
}

/** Flows per client are those that are there, where all have shown whose they are. */
function checkClients(worker: Worker, ring: SimulatedRing, counts: ClientAccounts): void {
  const table = worker.udp.flows;
  const counted = new Map<string, number>();
  for (let flow = 0; flow < table.capacity; flow++) {
    if (table.state[flow] !== flows.OPEN || (table.flags[flow] & COUNTED) === 0) continue;
    const { client } = ring.sockets.datagram(table.fd[flow]).trail;
    // Its first datagram has not left yet, or was empty.
    if (client === null) return;
    const key = clientKey(table.listener[flow], wordsOf(client.opening.client.ip), 0);
    counted.set(key, (counted.get(key) ?? 0) + 1);
  }
  counts.check(counted);
}
