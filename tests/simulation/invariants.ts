/**
 * What holds after every turn of a worker, whatever peers and the kernel do, for TCP and UDP alike:
 * buffers, fds, and counters. What is of one of them is in stream_invariants.ts and
 * datagram_invariants.ts.
 */
import { BUFFERS_MAX, LEASED, OFFERED, RESERVED } from "../../src/buffer/buffer_pool.ts";
import * as tunnel from "../../src/connection/tunnels.ts";
import { DATAGRAM_BUFFERS_MAX } from "../../src/limits.ts";
import * as metric from "../../src/metrics/metric_names.ts";
import { listenerOffset } from "../../src/metrics/shared_state.ts";
import { DATAGRAM_LANE } from "../../src/ring/ring.ts";
import * as flows from "../../src/proxy/udp/flow_table.ts";
import type { SharedRegion } from "../../src/upstream/shared_region.ts";
import type { Worker } from "../../src/worker/worker.ts";
import { ClientAccounts } from "./client_accounts.ts";
import { checkFlows } from "./datagram_invariants.ts";
import { promise } from "./promise.ts";
import type { Scene } from "./scene.ts";
import type { SimulatedRing } from "./simulated_ring.ts";
import { checkTunnels, holdQueues } from "./stream_invariants.ts";

const FIRST_DATAGRAM_BUFFER = BUFFERS_MAX - DATAGRAM_BUFFERS_MAX;

export class Invariants {
  readonly #scene: Scene;
  readonly #worker: Worker;
  readonly #ring: SimulatedRing;
  readonly #region: SharedRegion;
  readonly #tunnelClients: ClientAccounts;
  readonly #flowClients: ClientAccounts;

  constructor(scene: Scene, worker: Worker, ring: SimulatedRing, region: SharedRegion) {
    this.#scene = scene;
    this.#worker = worker;
    this.#ring = ring;
    this.#region = region;
    this.#tunnelClients = new ClientAccounts(scene.plan, region);
    this.#flowClients = new ClientAccounts(scene.plan, region);
  }

  check(): void {
    const scene = this.#scene;
    const worker = this.#worker;
    const ring = this.#ring;
    const region = this.#region;
    checkBuffers(worker, ring);
    checkFds(scene, worker, ring);
    checkTunnels(scene, worker, ring, region, this.#tunnelClients);
    checkFlows(scene, worker, ring, region, this.#flowClients);
    const row = region.state.rows[scene.plan.worker];
    const { connectionsMax, listeners } = scene.plan;
    const open = listeners.reduce(
      (sum, _, i) => sum + row[listenerOffset(i) + metric.LISTENER_OPEN],
      0,
    );
    const isWithin = connectionsMax === 0 || open <= connectionsMax;
    promise(isWithin, `all listeners have ${open} of ${connectionsMax} connections`);
    promise(row[metric.BUGS] === 0, "nothing impossible has happened");
    promise(row[metric.COMPLETIONS_STALE] === 0, "no completion comes after its slot was freed");
  }
}

/** Every buffer is in exactly one place, and who holds it knows. */
function checkBuffers(worker: Worker, ring: SimulatedRing): void {
  const { pool } = worker;
  const { lanes } = ring.buffers;
  const holders = new Uint8Array(BUFFERS_MAX);
  holdQueues(worker, holders);
  let leased = 0;
  let datagrams = 0;
  for (let buffer = 0; buffer < BUFFERS_MAX; buffer++) {
    if (pool.place[buffer] !== LEASED) {
      promise(holders[buffer] === 0, `buffer ${buffer} has no holder`);
      continue;
    }
    leased++;
    // Of datagrams, buffers are held by nobody but the list of those that were sent from.
    if (buffer >= FIRST_DATAGRAM_BUFFER) datagrams++;
    else promise(holders[buffer] === 1, `buffer ${buffer} has one holder`);
  }
  promise(leased === pool.leasedTotal, "leases are counted");
  promise(datagrams === pool.leasedCount[DATAGRAM_LANE], "leases are counted by lane");
  promise(datagrams === worker.udp.sent.count, "a datagram's buffer is held until it was sent");
  for (const lane of lanes) {
    for (const buffer of lane) {
      promise(pool.place[buffer] === OFFERED, `buffer ${buffer} of a lane is offered`);
    }
  }
}

/** Every open fd has an owner, and every owner's fd is open. */
function checkFds(scene: Scene, worker: Worker, ring: SimulatedRing): void {
  const owned = new Set<number>();
  const own = (fd: number, whose: string) => {
    promise(!owned.has(fd), `fd ${fd} is owned once`);
    promise(ring.sockets.byFd.has(fd), `fd ${fd} of ${whose} is open`);
    promise(!ring.closing.has(fd), `fd ${fd} of ${whose} is not being closed`);
    owned.add(fd);
  };
  const { tunnels } = worker.tcp;
  for (let endpoint = 0; endpoint < tunnels.capacity * 2; endpoint++) {
    if (tunnels.state[endpoint >> 1] === tunnel.FREE || tunnels.fd[endpoint] < 0) continue;
    own(tunnels.fd[endpoint], `endpoint ${endpoint}`);
  }
  const table = worker.udp.flows;
  for (let flow = 0; flow < table.capacity; flow++) {
    if (table.state[flow] !== flows.FREE) own(table.fd[flow], `flow ${flow}`);
  }
  // Accepted, and the worker has not heard of it.
  for (const { type, completions } of ring.operations) {
    if (type !== "accept") continue;
    for (const { result } of completions) if (result >= 0) own(result, "an accept");
  }
  const bound = new Set(scene.datagrams?.places.map(({ fd }) => fd) ?? []);
  for (const fd of ring.sockets.byFd.keys()) {
    const isKnown = owned.has(fd) || bound.has(fd) || ring.closing.has(fd);
    promise(isKnown, `fd ${fd} belongs to a tunnel, a flow or a listener`);
  }
}

/** Nothing is left when everybody has gone. */
export function checkEmpty(worker: Worker, ring: SimulatedRing): void {
  const { pool, tcp, udp } = worker;
  promise(tcp.tunnels.openCount === 0, "no tunnel is left");
  promise(udp.flows.freeCount === udp.flows.capacity, "no flow is left");
  const fds = [...ring.sockets.byFd.keys()];
  promise(fds.length === 0, `every fd is closed: ${fds}`);
  promise(ring.operations.size === 0, "nothing is in flight");
  for (let buffer = 0; buffer < BUFFERS_MAX; buffer++) {
    const place = pool.place[buffer];
    promise(place === OFFERED || place === RESERVED, `buffer ${buffer} is back in the pool`);
  }
}
