/**
 * What holds after every turn of a worker, whatever peers and the kernel do: invariants 4 to 9 of
 * src/ARCHITECTURE.md, as far as they can be seen from outside of the code that keeps them.
 */
import { BUFFERS_MAX, LEASED, OFFERED, RESERVED } from "../../src/buffer/buffer_pool.ts";
import * as tunnel from "../../src/connection/tunnels.ts";
import { FAST_BUFFER_BYTES, QUEUE_BYTES_HIGH, RECEIVE_ALLOWANCE_BYTES } from "../../src/limits.ts";
import * as metric from "../../src/metrics/metric_names.ts";
import { listenerOffset, serverOffset, type SharedState } from "../../src/metrics/shared_state.ts";
import type { Worker } from "../../src/worker/worker.ts";
import { promise, type SimulatedRing } from "./simulated_ring.ts";

/** Reading stops at the high mark; what was allowed before may still come, and one buffer more. */
const QUEUE_BYTES_MAX = QUEUE_BYTES_HIGH + RECEIVE_ALLOWANCE_BYTES + FAST_BUFFER_BYTES;

export function checkInvariants(worker: Worker, ring: SimulatedRing, shared: SharedState): void {
  checkBuffers(worker, ring);
  checkEndpoints(worker, ring);
  checkGauges(worker, shared);
}

/** Every buffer is in exactly one place, and who holds it knows. */
function checkBuffers(worker: Worker, ring: SimulatedRing): void {
  const { pool } = worker;
  const holders = new Uint8Array(BUFFERS_MAX);
  const { tunnels } = worker.proxy;
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
  let leased = 0;
  for (let buffer = 0; buffer < BUFFERS_MAX; buffer++) {
    const isLeased = pool.place[buffer] === LEASED;
    promise(holders[buffer] === (isLeased ? 1 : 0), `buffer ${buffer} has the holder it should`);
    if (isLeased) leased++;
  }
  promise(leased === pool.leasedCount[0] + pool.leasedCount[1], "leases are counted");
  for (const lane of ring.lanes) {
    for (const buffer of lane) {
      promise(pool.place[buffer] === OFFERED, `buffer ${buffer} of a lane is offered`);
    }
  }
}

/** The flags of an endpoint and what is in flight on its fd agree. */
function checkEndpoints(worker: Worker, ring: SimulatedRing): void {
  const { tunnels } = worker.proxy;
  const flags = new Uint8Array(tunnels.capacity * 2);
  const bits = {
    receive: tunnel.RECEIVING,
    send: tunnel.SENDING,
    poll: tunnel.POLLING,
    connect: tunnel.IN_CONNECT,
    accept: 0,
    cancel: 0,
  } as const;
  for (const operation of ring.operations) {
    if (operation.type === "accept" || operation.type === "cancel") continue;
    const { index, generation, type } = operation;
    promise(tunnels.generation[index >> 1] === generation, "what is in flight holds its slot");
    promise((flags[index] & bits[type]) === 0, `one ${type} in flight per endpoint`);
    flags[index] |= bits[type];
  }
  for (let endpoint = 0; endpoint < tunnels.capacity * 2; endpoint++) {
    const known = tunnels.flags[endpoint] & tunnel.IN_FLIGHT;
    promise((flags[endpoint] & ~known) === 0, `endpoint ${endpoint} knows what is in flight`);
    if (tunnels.state[endpoint >> 1] === tunnel.FREE) continue;
    const fd = tunnels.fd[endpoint];
    promise(fd < 0 || ring.sockets.has(fd), `fd ${fd} of endpoint ${endpoint} is open`);
  }
}

function checkGauges(worker: Worker, shared: SharedState): void {
  const [row] = shared.rows;
  const { tunnels } = worker.proxy;
  let open = 0;
  let counted = 0;
  const perServer = new Map<number, number>();
  for (let slot = 0; slot < tunnels.capacity; slot++) {
    const state = tunnels.state[slot];
    if (state === tunnel.FREE) continue;
    open++;
    if (state !== tunnel.WAITING) counted++;
    const server = tunnels.server[slot];
    if (server >= 0) perServer.set(server, (perServer.get(server) ?? 0) + 1);
  }
  promise(open === tunnels.openCount, "tunnels are counted");
  promise(row[metric.TUNNELS_OPEN] === open, "the gauge of tunnels is true");
  promise(
    row[listenerOffset(0) + metric.LISTENER_OPEN] === counted,
    "the listener's gauge is true",
  );
  for (let server = 0; server < shared.shape.servers; server++) {
    const gauge = row[serverOffset(shared.shape, server) + metric.SERVER_OPEN];
    promise(gauge === (perServer.get(server) ?? 0), `the gauge of server ${server} is true`);
  }
  promise(row[metric.BUGS] === 0, "nothing impossible has happened");
  promise(row[metric.COMPLETIONS_STALE] === 0, "no completion comes after its slot was freed");
}

/** Nothing is left when everybody has gone. */
export function checkEmpty(worker: Worker, ring: SimulatedRing): void {
  const { pool, proxy } = worker;
  promise(proxy.tunnels.openCount === 0, "no tunnel is left");
  promise(ring.sockets.size === 0, `every fd is closed: ${[...ring.sockets.keys()]}`);
  for (let buffer = 0; buffer < BUFFERS_MAX; buffer++) {
    const place = pool.place[buffer];
    promise(place === OFFERED || place === RESERVED, `buffer ${buffer} is back in the pool`);
  }
}
