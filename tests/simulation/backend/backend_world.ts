/**
 * A whole backend over hours of simulated time: its clients, its workers, its servers and what goes
 * wrong with them, and the supervisor that looks after all. The rules are the real ones; simulated
 * are the clock, the network, the servers and the clients.
 *
 * A run is a function of its scene, which is drawn from a seed, and of the code.
 */
import { mixBits } from "../../../src/base/hash.ts";
import { Random } from "../../../src/base/random.ts";
import { regionBytes, regionShape, SharedRegion } from "../../../src/upstream/shared_region.ts";
import type { BackendScene } from "./backend_scene.ts";
import * as connection from "./connections.ts";
import { Connections } from "./connections.ts";
import { EventQueue } from "./event_queue.ts";
import { ACCEPTS, REFUSES, SimulatedServers } from "./simulated_servers.ts";
import { SimulatedSupervisor } from "./simulated_supervisor.ts";
import { SimulatedWorker } from "./simulated_worker.ts";
import type { Witness } from "./witness.ts";

const ARRIVAL = 0;
const CONNECTED = 1;
const CONNECT_FAILED = 2;
const ANSWER = 3;
const END = 4;
const RESET = 5;
const TICK = 6;
const PROBE = 7;
const PROBE_OK = 8;
const PROBE_FAILED = 9;
const FAULT_BEGINS = 10;
const FAULT_ENDS = 11;
const ORDER = 12;
const RETURN = 13;
const WORKER_DIES = 14;

export const TICK_MS = 100;
/** Within so long a client that was cut off is back. */
const COME_AGAIN_MS = 50;

export class BackendWorld {
  readonly queue = new EventQueue();
  readonly connections = new Connections();
  readonly servers: SimulatedServers;
  readonly region: SharedRegion;
  readonly workers: SimulatedWorker[];
  readonly supervisor: SimulatedSupervisor;
  readonly #random: Random;
  /** Of clients that come again: key and stay of each. */
  readonly #returning: number[] = [];

  constructor(readonly scene: BackendScene, readonly witnesses: readonly Witness[]) {
    const { seed, plan } = scene;
    this.#random = new Random(seed ^ 0x0c11e);
    const shape = regionShape(plan);
    this.region = new SharedRegion(new ArrayBuffer(regionBytes(shape)), shape);
    this.servers = new SimulatedServers(scene.traits, new Random(seed ^ 0x5e4e));
    this.supervisor = new SimulatedSupervisor(scene, this.region);
    this.workers = Array.from({ length: plan.workers }, (_, i) => this.#startWorker(i));
  }

  #startWorker(index: number): SimulatedWorker {
    const { scene, region, connections } = this;
    const seed = scene.seed * 256 + index;
    return new SimulatedWorker(index, scene.plan.backends[0], region, connections, seed, this);
  }

  get nowMs(): number {
    return this.queue.nowMs;
  }

  /** @throws BrokenPromise */
  run(): void {
    const { queue, scene } = this;
    this.#planNext();
    queue.plan(TICK_MS, TICK, 0);
    const { count } = this.servers;
    for (let server = 0; server < count; server++) {
      const firstMs = this.supervisor.intervalMs(server) * this.#fraction();
      if (firstMs < Infinity) queue.plan(firstMs, PROBE, server);
    }
    for (const { atMs, worker } of scene.deaths) queue.plan(atMs, WORKER_DIES, worker);
    scene.orders.forEach(({ atMs }, i) => queue.plan(atMs, ORDER, i));
    scene.faults.forEach((fault, i) => {
      queue.plan(fault.startMs, FAULT_BEGINS, i);
      queue.plan(fault.endMs, FAULT_ENDS, i);
    });
    while (queue.take(scene.durationMs)) this.#handle();
    for (const witness of this.witnesses) witness.conclude?.(this);
  }

  #handle(): void {
    const { queue, connections } = this;
    const { kind, subject, generation } = queue;
    switch (kind) {
      case ARRIVAL:
        return this.#arrive();
      case TICK:
        return this.#tick();
      case PROBE:
        return this.#probe(subject);
      case PROBE_OK:
      case PROBE_FAILED:
        return this.#probed(subject, kind === PROBE_OK);
      case FAULT_BEGINS:
        return this.#beginFault(subject);
      case FAULT_ENDS:
        return this.servers.end(this.scene.faults[subject]);
      case RETURN:
        return this.#return();
      case WORKER_DIES:
        return this.#replaceWorker(subject);
      case ORDER:
        return this.supervisor.command(this.scene.orders[subject], this.nowMs);
    }
    if (connections.generation[subject] !== generation) return;
    if (kind === CONNECTED) this.#connected(subject);
    else if (kind === CONNECT_FAILED) this.#connectFailed(subject);
    else if (kind === ANSWER) this.#answered(subject);
    else this.#end(subject, kind === RESET);
  }

  /** Within 0..1, neither of the two. */
  #fraction(): number {
    return (this.#random.next() + 0.5) / 0x1_0000_0000;
  }

  #exponential(mean: number): number {
    return -mean * Math.log(this.#fraction());
  }

  #planNext(): void {
    const meanMs = 1000 / this.scene.clients.perSecond;
    this.queue.plan(this.nowMs + this.#exponential(meanMs), ARRIVAL, 0);
  }

  #arrive(): void {
    this.#planNext();
    const { keys, hotness } = this.scene.clients;
    const key = keys === 0 ? this.#random.next() : Math.floor(keys * this.#fraction() ** hotness);
    const { longShare, longStayMs, shortStayMs } = this.scene.clients;
    const isLong = this.#fraction() < longShare;
    this.#connect(mixBits(key + 1), this.#exponential(isLong ? longStayMs : shortStayMs));
  }

  /** A client comes; the kernel gives it to any of the workers. */
  #connect(hash: number, stayMs: number): void {
    const { connections } = this;
    const slot = connections.take();
    connections.worker[slot] = this.#random.below(this.workers.length);
    connections.hash[slot] = hash;
    connections.cameAtMs[slot] = this.nowMs;
    connections.stayMs[slot] = stayMs;
    for (const witness of this.witnesses) witness.came?.(this, slot);
    this.#workerOf(slot).begin(slot);
  }

  /** The worker of a connection, in whose turn something happens. */
  #workerOf(slot: number): SimulatedWorker {
    const worker = this.workers[this.connections.worker[slot]];
    worker.turn();
    return worker;
  }

  onTry(slot: number, server: number): void {
    const { queue, connections, servers } = this;
    for (const witness of this.witnesses) witness.tried?.(this, slot, server);
    const answer = servers.answer(server, this.nowMs);
    const tripMs = servers.roundTripMs(server);
    const timeoutMs = this.workers[0].backend.connectTimeoutMs;
    const isLate = answer !== REFUSES && (answer !== ACCEPTS || tripMs >= timeoutMs);
    const afterMs = isLate ? timeoutMs : tripMs;
    const kind = answer === ACCEPTS && !isLate ? CONNECTED : CONNECT_FAILED;
    queue.plan(this.nowMs + afterMs, kind, slot, connections.generation[slot]);
  }

  onRefused(slot: number, why: number): void {
    for (const witness of this.witnesses) witness.refused?.(this, slot, why);
    this.connections.give(slot);
  }

  #connectFailed(slot: number): void {
    const server = this.connections.server[slot];
    for (const witness of this.witnesses) witness.failed?.(this, slot, server);
    this.#workerOf(slot).onConnectFailed(slot);
  }

  #connected(slot: number): void {
    const { connections, servers, queue } = this;
    const server = connections.server[slot];
    connections.state[slot] = connection.WAITING;
    servers.open[server]++;
    servers.busy[server]++;
    connections.askedMs[slot] = this.nowMs;
    this.#workerOf(slot).onConnected(slot);
    for (const witness of this.witnesses) witness.connected?.(this, slot, server);
    const serviceMs = servers.drawServiceMs(server);
    const resets = servers.resets(server);
    const afterMs = resets ? serviceMs / 2 : serviceMs;
    const kind = resets ? RESET : ANSWER;
    queue.plan(this.nowMs + afterMs, kind, slot, connections.generation[slot]);
  }

  #answered(slot: number): void {
    const { connections, servers, queue } = this;
    const server = connections.server[slot];
    connections.state[slot] = connection.OPEN;
    servers.busy[server]--;
    const afterMs = this.nowMs - connections.cameAtMs[slot];
    this.#workerOf(slot).onAnswered(slot);
    for (const witness of this.witnesses) witness.answered?.(this, slot, server, afterMs);
    const endMs = this.nowMs + connections.stayMs[slot];
    queue.plan(endMs, END, slot, connections.generation[slot]);
  }

  #end(slot: number, byReset: boolean): void {
    const { connections, servers } = this;
    const server = connections.server[slot];
    if (connections.state[slot] === connection.WAITING) servers.busy[server]--;
    servers.open[server]--;
    this.#workerOf(slot).onEnded(slot, byReset);
    for (const witness of this.witnesses) {
      if (byReset) witness.wasReset?.(this, slot, server);
      witness.ended?.(this, slot, server);
    }
    connections.give(slot);
  }

  /** Calls `act` for each connection that stands at a server, and in a worker (-1: in any). */
  #forEach(worker: number, server: number, act: (slot: number) => boolean): void {
    const { connections } = this;
    const { state, worker: workers, server: servers } = connections;
    for (let slot = 0; slot < connections.capacity; slot++) {
      const stands = state[slot] === connection.WAITING || state[slot] === connection.OPEN;
      if (!stands || (worker >= 0 && workers[slot] !== worker)) continue;
      if (server >= 0 && servers[slot] !== server) continue;
      if (!act(slot)) return;
    }
  }

  #beginFault(index: number): void {
    const fault = this.scene.faults[index];
    this.servers.begin(fault);
    if (fault.kind !== "crash" && fault.kind !== "gone") return;
    this.#forEach(-1, fault.server, (slot) => {
      this.#end(slot, true);
      return true;
    });
  }

  onCloseServer(worker: number, server: number): void {
    this.#forEach(worker, server, (slot) => {
      this.#end(slot, false);
      return true;
    });
  }

  /** Clients whose connections are moved come again at once, for as long as they wanted to stay. */
  onMoveFrom(worker: number, server: number, count: number): void {
    const { connections } = this;
    let left = count;
    this.#forEach(worker, server, (slot) => {
      if (connections.state[slot] !== connection.OPEN) return true;
      const { hash, stayMs } = connections;
      for (const witness of this.witnesses) witness.moved?.(this, slot, server);
      this.#returning.push(hash[slot], stayMs[slot]);
      this.queue.plan(this.nowMs + COME_AGAIN_MS * this.#fraction(), RETURN, 0);
      this.#end(slot, false);
      return --left > 0;
    });
  }

  #return(): void {
    const hash = this.#returning.shift()!;
    this.#connect(hash, this.#returning.shift()!);
  }

  /** A worker is gone with all that it held; another one takes its place at once. */
  #replaceWorker(index: number): void {
    const { connections } = this;
    for (let slot = 0; slot < connections.capacity; slot++) {
      const { state, worker, server } = connections;
      if (state[slot] === connection.FREE || worker[slot] !== index) continue;
      if (state[slot] === connection.WAITING) this.servers.busy[server[slot]]--;
      if (state[slot] !== connection.CONNECTING) this.servers.open[server[slot]]--;
      for (const witness of this.witnesses) witness.lost?.(this, slot, server[slot]);
      connections.give(slot);
    }
    this.region.clearWorker(index);
    this.workers[index] = this.#startWorker(index);
  }

  #tick(): void {
    this.queue.plan(this.nowMs + TICK_MS, TICK, 0);
    this.supervisor.tick(this.nowMs);
    for (const worker of this.workers) worker.turn();
    for (const witness of this.witnesses) witness.ticked?.(this);
  }

  /** Sends a probe: its result is known when the server answers, or at the probe's own deadline. */
  #probe(server: number): void {
    const { servers, queue, supervisor } = this;
    const answer = servers.answer(server, this.nowMs);
    const tripMs = servers.roundTripMs(server);
    if (answer === ACCEPTS) queue.plan(this.nowMs + tripMs, PROBE_OK, server);
    else {
      const afterMs = answer === REFUSES ? tripMs : supervisor.probeTimeoutMs;
      queue.plan(this.nowMs + afterMs, PROBE_FAILED, server);
    }
  }

  #probed(server: number, isOk: boolean): void {
    this.supervisor.probed(server, isOk, this.nowMs);
    // Within a tenth: probes of servers that began together do not stay together.
    const waitMs = this.supervisor.intervalMs(server) * (0.9 + 0.2 * this.#fraction());
    this.queue.plan(this.nowMs + waitMs, PROBE, server);
  }
}
